// Which pages answer a query, and how well. No page, no network: everything here is a function of its arguments.
import { compact, field, normalize } from "./query.js";

// An answer before a definition before a record; lists of links are no answer at all.
export const KIND_WEIGHT = {
  thread: 1,
  term: 0.85,
  notebook: 0.4,
  chapter: 0.5,
  glossary: 0.3,
  contents: 0,
  tags: 0,
  other: 0.6,
};
const TERM_OF_FORMULA = 0.5; // who types a formula asks more than a name
export const FIELD_WEIGHT = { title: 0.8, also: 0.75, short: 0.7, says: 0.5, text: 0.45, tags: 0.4, slug: 0.4 };
export const LOOSE = { asked: 0.35, terms: 0.3 }; // what was first asked, and what terms point to it, tell less
export const AGAIN = 0.2; // of a field's weight, where a stronger one says the name too
const UNKNOWN = 1.5; // the weight of a word that no page has
const OF_TERM = 1.6; // what a term counts more than a word
export const PHRASE = 2; // more for a page that says all of a query in one phrase
const BESIDE = 1.5; // of that, where it stands there word beside word
const TEXT = 0.5; // of a word that stands in a page's text alone: how far the page covers it
const SHARE = 0.25; // more for a page whose short title is all said
const COVERED = 0.24; // of what a query is about: a page with less does not answer it
const WORTH = 0.08; // of the best page's score: less is not shown
const LATIN = /[a-z0-9]/;
const sum = (values) => values.reduce((total, value) => total + value, 0);
const LETTER = 0.3; // what a formula's part of one letter counts
export const NAMED = { alone: 2.2, beside: 1.2 }; // evidence of a term that is called as what is asked
export const FORMULA_PART = { whole: 1, begun: 0.6, said: 0.4 }; // evidence of a formula's part

/** A name as it is looked for, made ready once: "n" is in "token", but not its meaning, so a short one stands alone. */
export function ready(name, root) {
  const text = compact(name);
  const stem = text.replace(/(?<=..)성$/, ""); // 등변성 is said as 등변이에요 too
  return { text, stem, root: root(stem), isShort: stem.length === 1 || /^[a-z0-9]{1,3}$/.test(stem) };
}

function standsAlone(whole, text) {
  for (let at = whole.indexOf(text); at >= 0; at = whole.indexOf(text, at + 1)) {
    if (!LATIN.test(whole[at - 1] ?? "") && !LATIN.test(whole[at + text.length] ?? "")) return true;
  }
  return false;
}

/** Whether a field says a name. */
function says(field, { stem, root, isShort }) {
  if (!stem) return false;
  if (field.roots.has(root)) return true;
  if (!isShort) return field.whole.includes(stem);
  return LATIN.test(stem) && standsAlone(field.whole, stem);
}

function wordEvidence(page, names, isAlone) {
  const among = (list) => names.some(({ text }) => list.includes(text));
  const { title } = page.fields;
  if (page.kind === "term" && (among([title.whole]) || among(page.tagged))) return NAMED[isAlone ? "alone" : "beside"];
  const found = Object.entries(FIELD_WEIGHT)
    .filter(([field]) => names.some((name) => says(page.fields[field], name)))
    .map(([, weight]) => weight);
  if (among([title.whole])) found.push(1);
  if (among(page.tagged)) found.push(0.5);
  else if (among(page.related)) found.push(LOOSE.terms);
  if (names.some((name) => page.asked.has(name.root))) found.push(LOOSE.asked);
  const best = Math.max(0, ...found);
  return best + AGAIN * (found.reduce((total, weight) => total + weight, 0) - best);
}

// How far a page has a part of a formula: best what it says itself, and next to its other parts.
function formulaEvidence(page, part, formula) {
  const whole = ` ${formula.join(" ")} `;
  const isWhole = formula.length > 1 && page.formulas.includes(whole);
  const isSaid = page.saidParts.includes(` ${part}`); // or its beginning: √d of √dk
  const early = 1 - page.formulas.indexOf(whole) / page.formulas.length; // what a page is about comes first
  if (isWhole) return page.saidParts.includes(whole) ? 3 : 2 + early / 2;
  const said = isSaid && part.length > 1 ? FORMULA_PART.said : 0;
  if (page.parts.has(part)) return FORMULA_PART.whole + said;
  if (part.length === 1) return 0;
  return [...page.parts].some((each) => each.startsWith(part)) ? FORMULA_PART.begun + said : 0;
}

// A letter of a formula is no word: the p of p/(p+q) is not what pages say of P.
export const isLetter = ({ formula, names }) => formula?.length > 1 && names[0].length === 1;

// All that the groups say together, under any of their names: "vision transformer 구조" is the tag "ViT 구조".
function together(names) {
  if (names.length < 2 || names.length > 4) return new Set();
  const join = (starts, group) => starts.flatMap((start) => group.map(({ text }) => start + text));
  return new Set(names.reduce(join, [""]));
}

/** How much each group tells pages apart. having: how many threads have each, null where nothing has it; all: how many there are. */
export function weights(groups, having, all, terms) {
  return groups.map((group, index) => {
    if (group.isUnknown || having[index] === null) return UNKNOWN;
    const rare = Math.log(1 + (all - having[index] + 0.5) / (having[index] + 0.5));
    if (group.formula) return group.names[0].length === 1 ? rare * LETTER : rare;
    return (terms.has(compact(group.names[0])) ? OF_TERM : 1) * (rare + 0.3);
  });
}

// How many threads have each group, null where no page has it: as the words say, but no fewer than the pages read.
function atLeast(groups, rows, threads) {
  return groups.map((_, index) => {
    const having = rows.filter(({ evidence }) => evidence[index] > 0);
    if (!having.length && !threads[index]) return null;
    return Math.max(threads[index] ?? 0, having.filter(({ page }) => page.kind === "thread").length);
  });
}

/** How much a page tells of a query, and the share of it that it covers: { told, share }, both 0 where that is too little. */
export function covered(rows, weight) {
  const covers = rows.map(([named, text]) => Math.min(1, named + TEXT * text));
  const share = sum(weight.map((value, index) => value * covers[index])) / sum(weight);
  if (share < COVERED) return { covers, told: 0, share: 0 };
  return { covers, told: sum(rows.map(([named, text], index) => (named + text) * weight[index])), share };
}

// How much of a page's short title the query says, 0…1: a page about nothing else comes first.
function share({ fields: { short } }, asked) {
  const roots = [...short.roots].filter((each) => each.length > 1);
  return roots.length ? roots.filter((each) => asked.has(each)).length / roots.length : 0;
}

// How much of a query of several words one phrase of a page says, 0…1.
function inOnePhrase({ phrases }, names, whole, weight) {
  if (names.length < 2) return 0;
  if (phrases.some((phrase) => [...whole].some((text) => phrase.whole.includes(text)))) return BESIDE;
  const shares = phrases.map((phrase) =>
    sum(weight.filter((_, index) => names[index].some((name) => says(phrase, name)))),
  );
  return Math.max(0, ...shares) / sum(weight);
}

/** The statement of a page that says most of what is asked, as [class, sign, verdict, statement] or [statement]; or null. */
export function bestSaid(page, groups, { root }) {
  const names = groups.map((group) => group.names.map((name) => ready(name, root)));
  let best = { row: null, count: 0 };
  for (const row of page.says ?? []) {
    const words = field(row.at(-1), root);
    const count = names.filter((group) => group.some((name) => says(words, name))).length;
    if (count > best.count) best = { row, count };
  }
  return best.row;
}

// What a page says of each group: parts, [in its fields, in its text]; evidence, both.
function rowOf(page, groups, names, whole, text) {
  const isAbout = page.tagged.some((tag) => whole.has(tag));
  const named = groups.map((group, index) => {
    const word = isLetter(group) ? 0 : wordEvidence(page, names[index], groups.length === 1);
    const best = group.formula ? Math.max(word, formulaEvidence(page, group.names[0], group.formula)) : word;
    return 2 * (isAbout ? Math.max(best, 1.2) : best);
  });
  const parts = named.map((value, index) => [value, text[index] ?? 0]);
  return { page, parts, evidence: parts.map(([value, score]) => value + score) };
}

// Whether a page has no more of a query than a word or two that everything has, and the rest is not known at all.
function isChance(covers, isTerm, unknown) {
  const said = sum(covers.map((value, index) => (value < TEXT ? 0 : isTerm[index] ? 2 : 1)));
  return unknown > 0 && said <= unknown;
}

/**
 * Pages from the best down: [{ page, score }]. hits: Map of a page's url -> [score of its text, 0…1, for each group];
 * threads: [how many of them have each group], all: how many there are, where `pages` are not all.
 */
export function rank(groups, pages, { root, terms }, hits, { threads, all } = { threads: [], all: 0 }) {
  const names = groups.map((group) => group.names.map((name) => ready(name, root)));
  const whole = together(names);
  const rows = pages.map((page) => rowOf(page, groups, names, whole, hits.get(page.url) ?? []));
  const isTerm = groups.map(({ names: [name] }) => terms.has(compact(name)));
  const having = atLeast(groups, rows, threads);
  const weight = weights(groups, having, Math.max(all, pages.filter(({ kind }) => kind === "thread").length), terms);
  const unknown = groups.filter((group, index) => group.isUnknown || having[index] === null).length;
  const asked = new Set(groups.flatMap((group) => group.names.flatMap((name) => normalize(name).split(" ").map(root))));
  const kinds = groups.some(({ formula }) => formula) ? { ...KIND_WEIGHT, term: TERM_OF_FORMULA } : KIND_WEIGHT;
  const scored = rows.map(({ page, parts }) => {
    const { covers, told, share: part } = covered(parts, weight);
    if (!told || isChance(covers, isTerm, unknown)) return { page, score: 0 };
    const more = SHARE * share(page, asked) + PHRASE * inOnePhrase(page, names, whole, weight);
    return { page, score: told * part * (kinds[page.kind] ?? kinds.other) * (1 + more) };
  });
  const best = Math.max(...scored.map(({ score }) => score));
  return scored.filter(({ score }) => score > 0 && score >= WORTH * best).sort((a, b) => b.score - a.score);
}
