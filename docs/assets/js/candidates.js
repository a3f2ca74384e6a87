// Which pages may answer a query, from where its words stand: the best of them are fetched and ranked by all they say.
// Everything here is a function of its arguments.
import { compact } from "./query.js";
import { AGAIN, covered, FIELD_WEIGHT, KIND_WEIGHT, LOOSE, NAMED, PHRASE, weights } from "./rank.js";
import { fileOf } from "./shards.js";

// Bits of a mask, as mundap.site.postings writes them.
const FIELDS = ["title", "short", "text", "tags", "slug", "asked", "terms"];
const PHRASES = 8; // bits of `also`, and as many of `says`
const IN_PHRASES = 0b11 | (((1 << (2 * PHRASES)) - 1) << FIELDS.length);
const ALSO = ((1 << PHRASES) - 1) << FIELDS.length;
const WEIGHTS = [
  ...FIELDS.map((field, bit) => [1 << bit, FIELD_WEIGHT[field] ?? LOOSE[field]]),
  [ALSO, FIELD_WEIGHT.also],
  [ALSO << PHRASES, FIELD_WEIGHT.says],
];
const FILES = 16; // of pages that are read for a query

const sum = (values) => values.reduce((total, value) => total + value, 0);

function evidenceOf(mask) {
  const found = WEIGHTS.filter(([bits]) => mask & bits).map(([, weight]) => weight);
  const best = Math.max(0, ...found);
  return best + AGAIN * (sum(found) - best);
}

// The most of a query that one phrase says, 0…1: masks and weights of its groups.
function inOnePhrase(masks, weight) {
  if (masks.length < 2) return 0;
  let best = 0;
  for (let bits = masks.reduce((all, mask) => all | mask, 0) & IN_PHRASES; bits; bits &= bits - 1) {
    const bit = bits & -bits;
    best = Math.max(best, sum(weight.filter((_, place) => masks[place] & bit)));
  }
  return best / sum(weight);
}

// The first number of each kind of pages: [[number, kind]].
function rangesOf(kinds) {
  let start = 0;
  return kinds.map(([kind, count]) => {
    start += count;
    return [start - count, kind];
  });
}

// The numbers of the terms that are called as each group.
function namedBy(groups, terms, ranges) {
  const start = ranges.find(([, kind]) => kind === "term")?.[0] ?? 0;
  const places = (name) => terms.get(compact(name)) ?? [];
  return groups.map(({ names }) => new Set(names.flatMap(places).map((place) => start + place)));
}

function scoreOf(page, kind, matched, named, weight) {
  const masks = matched.map(({ pages }) => pages.get(page)?.mask ?? 0);
  const evidence = matched.map(({ pages, parts }, place) => {
    const name = named[place].has(page) ? NAMED[matched.length === 1 ? "alone" : "beside"] : 0;
    return [2 * Math.max(name, evidenceOf(masks[place]), parts.get(page) ?? 0), pages.get(page)?.score ?? 0];
  });
  const { told, share } = covered(evidence, weight);
  const phrase = kind === "term" ? 0 : inOnePhrase(masks, weight);
  return told * share * (KIND_WEIGHT[kind] ?? KIND_WEIGHT.other) * (1 + PHRASE * phrase);
}

/** The numbers of the pages that are worth being read, the best first: no more than stand in FILES files. */
export function candidates(groups, matched, { terms }, kinds, all) {
  const ranges = rangesOf(kinds);
  const named = namedBy(groups, terms, ranges);
  const threads = matched.map(({ pages, parts, threads }) => (pages.size + parts.size ? threads : null));
  const weight = weights(groups, threads, all, terms);
  const having = matched.flatMap(({ pages, parts }) => [...pages.keys(), ...parts.keys()]);
  const numbers = [...new Set([...having, ...named.flatMap((each) => [...each])])];
  const kindOf = (page) => ranges.findLast(([start]) => start <= page)[1];
  const scored = numbers.map((page) => [page, scoreOf(page, kindOf(page), matched, named, weight)]);
  const best = scored.filter(([, score]) => score > 0).sort((a, b) => b[1] - a[1] || a[0] - b[0]);
  return inFiles(
    best.map(([page]) => page),
    kinds,
  );
}

function inFiles(numbers, kinds) {
  const files = new Set();
  return numbers.filter((number) => {
    const [file] = fileOf(number, kinds);
    return files.has(file) || (files.size < FILES && files.add(file));
  });
}
