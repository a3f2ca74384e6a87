// Which pages may answer a query, from where its words stand: the best of them are fetched and ranked by all they say.
// Everything here is a function of its arguments.
import { fileOf } from "./shards.js";
import { compact, normalize } from "./query.js";
import { AGAIN, covered, FIELD_WEIGHT, FORMULA_PART, isLetter, KIND_WEIGHT, NAMED_ALONE, PHRASE, ready, weights } from "./rank.js";

// As mundap.site.postings writes them.
const SCORES = 16; // a number is SCORES × mask + score
const FIELDS = ["title", "short", "text", "tags", "slug", "asked", "terms"];
const PHRASES = 8; // bits of `also`, and as many of `says`
const [SAID, MADE_OF] = [1, 2];
const FORMULA = "=";

const PHRASE_BITS = 0b11 | (((1 << (2 * PHRASES)) - 1) << FIELDS.length);
const ALSO = ((1 << PHRASES) - 1) << FIELDS.length;
const SAYS = ALSO << PHRASES;
const WEIGHTS = [
  ...FIELDS.map((field, bit) => [1 << bit, { ...FIELD_WEIGHT, asked: 0.35, terms: 0.3 }[field]]),
  [ALSO, FIELD_WEIGHT.also],
  [SAYS, FIELD_WEIGHT.says],
];
const NAMES = 4; // of one thing
const FILES = 16; // of pages that are read for a query

/** The words under which a group of names is looked up. */
export function lookedUp({ names, isUnknown, formula }, root) {
  if (isUnknown) return [];
  const words = names.slice(0, NAMES).flatMap((name) => [compact(name), ...normalize(name).split(" ")]);
  const parts = formula ? [FORMULA + names[0]] : [];
  return [...parts, ...new Set(words.flatMap((word) => [root(word), ready(word, root).stem]))];
}

// The pages of a word: Map of a page -> { mask, score }.
function unpacked([, ...steps]) {
  const found = new Map();
  for (let place = 0, page = 0; place < steps.length; place += 2) {
    page += steps[place];
    found.set(page, { mask: Math.floor(steps[place + 1] / SCORES), score: steps[place + 1] % SCORES });
  }
  return found;
}

function add(found, page, { mask, score }) {
  const known = found.get(page) ?? { mask: 0, score: 0 };
  found.set(page, { mask: known.mask | mask, score: Math.max(known.score, score) });
}

// The pages of a word and, unless it is short, of what begins with it: { pages, threads: how many have it }.
function ofWord(word, shards, root) {
  const { stem, root: exact, isShort } = ready(word, root);
  const pages = new Map();
  let threads = 0;
  for (const shard of shards) {
    for (const [key, packed] of shard) {
      const isExact = key === exact || key === root(word);
      if (!isExact && (isShort || !stem || !key.startsWith(stem))) continue;
      threads = Math.max(threads, packed[0]);
      for (const [page, { mask, score }] of unpacked(packed)) add(pages, page, { mask, score: isExact ? score : 0 });
    }
  }
  return { pages, threads };
}

const rarity = (threads, all) => Math.log(1 + (all - threads + 0.5) / (threads + 0.5));

// The pages that have all words of a name, and how much their texts are about it, 0…1.
function ofName(name, shards, root, all) {
  const [first, ...rest] = normalize(name)
    .split(" ")
    .map((word) => ofWord(word, shards, root));
  const found = new Map();
  for (const [page, { mask, score }] of first.pages) {
    const others = rest.map(({ pages }) => pages.get(page));
    if (others.some((other) => !other)) continue;
    const scores = [score, ...others.map((other) => other.score)];
    const words = [first, ...rest];
    const total = scores.reduce((sum, value, place) => sum + value * rarity(words[place].threads, all), 0);
    const joint = others.reduce((bits, other) => bits & other.mask, mask);
    if (joint || scores.every(Boolean)) found.set(page, { mask: joint, score: scores.every(Boolean) ? total : 0 });
  }
  const best = Math.max(0, ...[...found.values()].map(({ score }) => score)) || 1;
  for (const row of found.values()) row.score /= best;
  if (rest.length) for (const [page, { mask }] of ofWord(compact(name), shards, root).pages) add(found, page, { mask, score: 0 });
  return { pages: found, threads: Math.min(first.threads, ...rest.map(({ threads }) => threads)) };
}

// The pages that have a part of a formula, and those that have it as the beginning of one: Map of a page -> evidence.
function ofPart(part, shards) {
  const found = new Map();
  for (const shard of shards) {
    for (const [key, packed] of shard) {
      const isWhole = key === FORMULA + part;
      if (!isWhole && (part.length === 1 || !key.startsWith(FORMULA + part))) continue;
      for (const [page, { mask }] of unpacked(packed)) {
        const value = isWhole ? FORMULA_PART.whole : FORMULA_PART.begun;
        const said = mask & SAID && part.length > 1 ? FORMULA_PART.said : 0;
        found.set(page, Math.max(found.get(page) ?? 0, mask & MADE_OF ? value + said : 0));
      }
    }
  }
  return found;
}

/**
 * Where each group of names stands: [{ pages: Map of a page's number -> { mask, score: of its text }, parts: Map of a page ->
 * evidence of a formula, threads: how many have it }].
 */
export function matches(groups, shards, root, all) {
  return groups.map((group) => {
    const pages = new Map();
    let threads = 0;
    if (group.isUnknown) return { pages, parts: new Map(), threads };
    const names = isLetter(group) ? [] : group.names.slice(0, NAMES);
    const hasText = !group.formula || /^[a-z]{3}/.test(group.names[0]);
    for (const name of names) {
      const found = ofName(name, shards, root, all);
      threads = Math.max(threads, found.threads);
      for (const [page, { mask, score }] of found.pages) add(pages, page, { mask, score: hasText ? score : 0 });
    }
    const parts = group.formula ? ofPart(group.names[0], shards) : new Map();
    return { pages, parts, threads };
  });
}

/** How many threads have each group, at least: [number]. all: how many there are, which are the first pages. */
export function having(matched, all) {
  return matched.map(({ pages, parts, threads }) => {
    const numbers = [...new Set([...pages.keys(), ...parts.keys()])];
    return Math.max(threads, numbers.filter((page) => page < all).length);
  });
}

function evidenceOf(mask) {
  const found = WEIGHTS.filter(([bits]) => mask & bits).map(([, weight]) => weight);
  const best = Math.max(0, ...found);
  return best + AGAIN * (found.reduce((total, weight) => total + weight, 0) - best);
}

// The most of a query that one phrase says, 0…1: masks and weights of its groups.
function inOnePhrase(masks, weight) {
  let best = 0;
  for (let bits = masks.reduce((all, mask) => all | mask, 0) & PHRASE_BITS; bits; bits &= bits - 1) {
    const bit = bits & -bits;
    best = Math.max(best, weight.reduce((sum, value, place) => sum + (masks[place] & bit ? value : 0), 0));
  }
  return masks.length < 2 ? 0 : best / weight.reduce((sum, value) => sum + value, 0);
}

// [kind of a page] by its number, as ranges: [[first number, kind]].
function kindsOf(kinds) {
  let start = 0;
  return kinds.map(([kind, count]) => {
    start += count;
    return [start - count, kind];
  });
}

// The numbers of terms that are called so: a Map of a group -> its terms.
function termsOf(groups, { terms }, start) {
  return groups.map(({ names }) => new Set(names.flatMap((name) => (terms.get(compact(name)) ?? []).map((term) => start + term))));
}

/** The numbers of the pages that are worth being read, the best first: no more than stand in FILES files. */
export function candidates(groups, matched, dictionary, kinds) {
  const ranges = kindsOf(kinds);
  const all = kinds[0]?.[0] === "thread" ? kinds[0][1] : 0;
  const terms = termsOf(groups, dictionary, ranges.find(([, kind]) => kind === "term")?.[0] ?? 0);
  const weight = weights(groups, having(matched, all), all, dictionary.terms);
  const numbers = new Set([...matched.flatMap(({ pages, parts }) => [...pages.keys(), ...parts.keys()]), ...terms.flatMap((each) => [...each])]);
  const scored = [...numbers].map((page) => {
    const kind = ranges.findLast(([start]) => start <= page)[1];
    const rows = matched.map(({ pages, parts }, place) => {
      const { mask, score } = pages.get(page) ?? { mask: 0, score: 0 };
      const named = terms[place].has(page) ? (groups.length === 1 ? NAMED_ALONE : 1.2) : 0;
      return { mask, text: score, named: Math.max(named, evidenceOf(mask), parts.get(page) ?? 0) };
    });
    const { told, share } = covered(rows.map(({ named, text }) => [2 * named, text]), weight);
    const phrase = kind === "term" ? 0 : inOnePhrase(rows.map(({ mask }) => mask), weight);
    return [page, told * share * (KIND_WEIGHT[kind] ?? 0.6) * (1 + PHRASE * phrase)];
  });
  scored.sort((one, other) => other[1] - one[1] || one[0] - other[0]);
  return inFiles(scored.map(([page]) => page), kinds);
}

function inFiles(numbers, kinds) {
  const files = new Set();
  return numbers.filter((number) => {
    const [file] = fileOf(number, kinds);
    return files.has(file) || (files.size < FILES && files.add(file));
  });
}
