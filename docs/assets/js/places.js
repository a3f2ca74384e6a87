// Where the words of a query stand, from the lists that say it of each word. Everything here is a function of its arguments.
import { compact, normalize } from "./query.js";
import { FORMULA_PART, isLetter, ready } from "./rank.js";

// As mundap.site.postings writes them.
const SCORES = 16; // a number is SCORES × mask + score
const [SAID, MADE_OF] = [1, 2]; // bits of a part of a formula
const FORMULA = "=";
const NAMES = 4; // of one thing

/** The words under which a group of names is looked up. */
export function lookedUp({ names, isUnknown, formula }, root) {
  if (isUnknown) return [];
  const words = names.slice(0, NAMES).flatMap((name) => [compact(name), ...normalize(name).split(" ")]);
  const parts = formula ? [FORMULA + names[0]] : [];
  return [...parts, ...new Set(words.flatMap((word) => [root(word), ready(word, root).stem]))];
}

// [page, { mask, score }] of all pages in a list.
function* unpacked([, ...steps]) {
  for (let place = 0, page = 0; place < steps.length; place += 2) {
    page += steps[place];
    yield [page, { mask: Math.floor(steps[place + 1] / SCORES), score: steps[place + 1] % SCORES }];
  }
}

function add(found, page, { mask, score }) {
  const known = found.get(page) ?? { mask: 0, score: 0 };
  found.set(page, { mask: known.mask | mask, score: Math.max(known.score, score) });
}

// What shards have of keys that begin so, or of one: [[key, its list]].
const beginning = (shards, start) =>
  start ? shards.flatMap((shard) => [...shard].filter(([key]) => key.startsWith(start))) : [];
const exactly = (shards, key) => shards.filter((shard) => shard.has(key)).map((shard) => [key, shard.get(key)]);

// The pages of a word and, unless it is short, of what begins with it: { pages, threads: how many have it }.
function ofWord(word, shards, root) {
  const { stem, root: bare, isShort } = ready(word, root);
  const exact = new Map([...exactly(shards, bare), ...exactly(shards, root(word))]);
  const longer = isShort ? [] : beginning(shards, stem).filter(([key]) => !exact.has(key));
  const pages = new Map();
  for (const list of exact.values()) for (const [page, row] of unpacked(list)) add(pages, page, row);
  for (const [, list] of longer) for (const [page, { mask }] of unpacked(list)) add(pages, page, { mask, score: 0 });
  return {
    pages,
    threads: Math.max(0, ...[...exact.values(), ...longer.map(([, list]) => list)].map(([count]) => count)),
  };
}

const rarity = (threads, all) => Math.log(1 + (all - threads + 0.5) / (threads + 0.5));

// What a page has of all words of a name: { mask: where they stand together, score } or null.
function together(page, words, all) {
  const rows = words.map(({ pages }) => pages.get(page));
  if (!rows.every(Boolean)) return null;
  const mask = rows.reduce((bits, row) => bits & row.mask, -1);
  const isInText = rows.every(({ score }) => score);
  if (!mask && !isInText) return null;
  const score = rows.reduce((sum, row, place) => sum + row.score * rarity(words[place].threads, all), 0);
  return { mask, score: isInText ? score : 0 };
}

// The pages of a name, and how much their texts are about it, 0…1.
function ofName(name, shards, root, all) {
  const words = normalize(name).split(" ");
  const each = words.map((word) => ofWord(word, shards, root));
  const rows = [...each[0].pages.keys()].map((page) => [page, together(page, each, all)]).filter(([, row]) => row);
  const best = Math.max(0, ...rows.map(([, { score }]) => score)) || 1;
  const pages = new Map(rows.map(([page, { mask, score }]) => [page, { mask, score: score / best }]));
  const joint = words.length > 1 ? ofWord(compact(name), shards, root).pages : [];
  for (const [page, { mask }] of joint) add(pages, page, { mask, score: 0 });
  return { pages, threads: Math.min(...each.map(({ threads }) => threads)) };
}

// The pages that have a part of a formula, or one that begins with it: Map of a page -> evidence.
function ofPart(part, shards) {
  const key = FORMULA + part;
  const found = new Map();
  const isLong = part.length > 1;
  for (const [longer, list] of isLong ? beginning(shards, key) : exactly(shards, key)) {
    const value = longer === key ? FORMULA_PART.whole : FORMULA_PART.begun;
    for (const [page, { mask }] of unpacked(list)) {
      const said = isLong && mask & SAID ? FORMULA_PART.said : 0;
      if (mask & MADE_OF) found.set(page, Math.max(found.get(page) ?? 0, value + said));
    }
  }
  return found;
}

function ofGroup(group, shards, root, all) {
  const names = group.isUnknown || isLetter(group) ? [] : group.names.slice(0, NAMES);
  const hasText = !group.formula || /^[a-z]{3}/.test(group.names[0]);
  const found = names.map((name) => ofName(name, shards, root, all));
  const pages = new Map();
  for (const [page, { mask, score }] of found.flatMap((name) => [...name.pages])) {
    add(pages, page, { mask, score: hasText ? score : 0 });
  }
  const parts = group.formula ? ofPart(group.names[0], shards) : new Map();
  return { pages, parts, threads: Math.max(0, ...found.map(({ threads }) => threads)) };
}

/**
 * Where each group of names stands: [{ pages: Map of a page's number -> { mask, score: of its text }, parts: Map of a page ->
 * evidence of a formula, threads: how many have it, at least }]. all: how many threads there are, which are the first pages.
 */
export function matches(groups, shards, root, all) {
  return groups.map((group) => {
    const { pages, parts, threads } = ofGroup(group, shards, root, all);
    const numbers = new Set([...pages.keys(), ...parts.keys()]);
    return { pages, parts, threads: Math.max(threads, [...numbers].filter((page) => page < all).length) };
  });
}
