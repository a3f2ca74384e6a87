// Which pages answer a query, and how well. No page, no network: everything here is a function of its arguments.
import { compact, field, normalize } from "./query.js";

// An answer before a definition before a record; lists of links are no answer at all.
const KIND_WEIGHT = { thread: 1, term: 0.85, notebook: 0.4, chapter: 0.5, glossary: 0.3, contents: 0, tags: 0 };
const FIELD_WEIGHT = { title: 0.8, short: 0.7, says: 0.5, text: 0.45, tags: 0.4, slug: 0.4 };
const AGAIN = 0.2; // of a field's weight, where a stronger one says the name too
const UNKNOWN = 1; // the weight of a word that no page has
const SHARE = 0.25; // more for a page whose short title is all said
const COVERED = 0.3; // of what a query is about: a page with less does not answer it
const WORTH = 0.15; // of the best page's score: less is not shown
const HANGUL = /[가-힣]/;
const LETTER = 0.3; // what a formula's part of one letter counts

/** How far a field says a name, 0…1. */
function says(field, name, root) {
  const text = compact(name).replace(/(?<=..)성$/, ""); // 등변성 is said as 등변이에요 too
  const isShort = text.length === 1 || /^[a-z0-9]{1,3}$/.test(text); // "n" is in "token", but not its meaning
  if (isShort && HANGUL.test(text)) return field.roots.has(text) ? 1 : 0;
  if (isShort) return new RegExp(`(?<![a-z0-9])${text}(?![a-z0-9])`).test(field.whole) || field.roots.has(text) ? 1 : 0;
  return field.whole.includes(text) || field.roots.has(root(text)) ? 1 : 0;
}

function wordEvidence(page, names, root, isAlone) {
  const among = (list) => names.some((name) => list.includes(compact(name)));
  if (page.kind === "term" && (among([page.fields.title.whole]) || among(page.tagged))) return isAlone ? 2 : 1.2;
  const found = Object.entries(FIELD_WEIGHT)
    .filter(([name]) => names.some((each) => says(page.fields[name], each, root)))
    .map(([, weight]) => weight);
  if (names.some((name) => page.fields.title.whole === compact(name))) found.push(1);
  if (among(page.tagged)) found.push(0.5);
  else if (among(page.related)) found.push(0.3);
  if (names.some((name) => page.asked.has(root(compact(name))))) found.push(0.35);
  const best = Math.max(0, ...found);
  return best + AGAIN * (found.reduce((total, weight) => total + weight, 0) - best);
}

// How far a page has a part of a formula: best what it says itself, and next to its other parts.
function formulaEvidence(page, part, formula) {
  const whole = ` ${formula.join(" ")} `;
  const isWhole = formula.length > 1 && page.formulas.includes(whole);
  const isSaid = page.saidParts.includes(` ${part}`); // or its beginning: √d of √dk
  if (isWhole) return page.saidParts.includes(whole) ? 2 : 1.3;
  if (page.parts.has(part)) return part.length > 1 && isSaid ? 1.4 : 1;
  if (part.length === 1) return 0;
  return [...page.parts].some((each) => each.startsWith(part)) ? 0.6 + (isSaid ? 0.4 : 0) : 0;
}

// All that the groups say together, under any of their names: "vision transformer 구조" is the tag "ViT 구조".
function together(groups) {
  if (groups.length < 2 || groups.length > 4) return new Set();
  const join = (starts, group) => starts.flatMap((start) => group.names.map((name) => start + compact(name)));
  return new Set(groups.reduce(join, [""]));
}

// How much each group tells pages apart, from how many threads have it.
function weights(groups, rows) {
  const threads = rows.filter(({ page }) => page.kind === "thread");
  return groups.map((group, index) => {
    const having = threads.filter(({ evidence }) => evidence[index] > 0).length;
    const rare = Math.log(1 + (threads.length - having + 0.5) / (having + 0.5));
    if (group.isUnknown) return UNKNOWN;
    if (group.formula) return group.names[0].length === 1 ? rare * LETTER : rare;
    return rare + 0.3;
  });
}

// How much of a page's short title the query says, 0…1: a page about nothing else comes first.
function share({ fields: { short } }, asked) {
  const roots = [...short.roots].filter((each) => each.length > 1);
  return roots.length ? roots.filter((each) => asked.has(each)).length / roots.length : 0;
}

/** The statement of a page that says most of what is asked, as [class, sign, verdict, statement] or [statement]; or null. */
export function bestSaid(page, groups, { root }) {
  let best = { row: null, count: 0 };
  for (const row of page.says ?? []) {
    const words = field(row.at(-1), root);
    const count = groups.filter((group) => group.names.some((name) => says(words, name, root))).length;
    if (count > best.count) best = { row, count };
  }
  return best.row;
}

/**
 * Pages from the best down: [{ page, score }]. hits: Map of a page's url -> [score of its text, 0…1, for each group].
 */
export function rank(groups, { pages, root }, hits) {
  const whole = together(groups);
  const rows = pages.map((page) => {
    const isAbout = page.tagged.some((tag) => whole.has(tag));
    const text = hits.get(page.url) ?? [];
    const evidence = groups.map((group, index) => {
      const named = wordEvidence(page, group.names, root, groups.length === 1);
      const best = group.formula ? Math.max(named, formulaEvidence(page, group.names[0], group.formula)) : named;
      return 2 * (isAbout ? Math.max(best, 1.2) : best) + (text[index] ?? 0);
    });
    return { page, evidence };
  });
  const weight = weights(groups, rows);
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  const all = sum(weight);
  const asked = new Set(groups.flatMap((group) => group.names.flatMap((name) => normalize(name).split(" ").map(root))));
  const scored = rows.map(({ page, evidence }) => {
    const covered = sum(weight.map((value, index) => value * Math.min(1, evidence[index]))) / all;
    const told = sum(evidence.map((value, index) => value * weight[index]));
    const kind = KIND_WEIGHT[page.kind] ?? 0.6;
    const score = told * covered * kind * (1 + SHARE * share(page, asked));
    return { page, score: covered < COVERED ? 0 : score };
  });
  const best = Math.max(...scored.map(({ score }) => score));
  return scored.filter(({ score }) => score > 0 && score >= WORTH * best).sort((a, b) => b.score - a.score);
}
