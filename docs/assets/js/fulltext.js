// A query against Pagefind's full-text index and the dictionary, both fetched when they are first wanted.
import { normalize, parse, prepare } from "./query.js";
import { bestSaid, rank } from "./rank.js";

/** The address of the site, wherever it is hosted. */
export const ROOT = new URL("../../", import.meta.url);
const SHOWN = 10; // pages
const NAMES = 4; // of one thing
const GROUPS = 8; // things in a query

let index; // a promise of { pagefind, dictionary, urls }, kept once it is there

/** Fetch the index and the dictionary, once -> a promise of them. Rejects without a network. */
export function load() {
  index ??= fetchIndex();
  index.catch(() => {
    index = undefined; // the next key tries again
  });
  return index;
}

async function fetchIndex() {
  const [pagefind, response] = await Promise.all([
    import(new URL("pagefind/pagefind.js", ROOT)),
    fetch(new URL("pagefind/dictionary.json", ROOT)),
  ]);
  if (!response.ok) throw new Error(`dictionary.json: ${response.status}`);
  await pagefind.init();
  const dictionary = prepare(await response.json());
  return { pagefind, dictionary, urls: new Map(dictionary.pages.map((page) => [page.id, page.url])) };
}

// Every group of names against the full text: url -> the best score of each group.
async function searchText({ pagefind, dictionary, urls }, groups) {
  const scores = new Map();
  async function searchName(name, group) {
    const words = normalize(name).split(" ").map(dictionary.root);
    const { results } = await pagefind.search(words.join(" "));
    const top = results[0]?.score || 1;
    for (const { id, score } of results) {
      const row = scores.get(urls.get(id)) ?? groups.map(() => 0);
      row[group] = Math.max(row[group], score / top);
      scores.set(urls.get(id), row);
    }
  }
  const searches = groups.flatMap(({ names, isUnknown, formula }, group) =>
    isUnknown || (formula && !/^[a-z]{3}/.test(names[0])) ? [] : names.slice(0, NAMES).map((name) => [name, group]),
  );
  await Promise.all(searches.map(([name, group]) => searchName(name, group)));
  return scores;
}

/**
 * Pages that answer a query, the best first: { hits: [{ url, title, kind, text, … }], meant: what was meant by a mistyped
 * query, or "", names: of what was looked for }. said: of a page, see bestSaid. Rejects without a network.
 */
export async function search(query) {
  const loaded = await load();
  const { groups, meant } = parse(query, loaded.dictionary);
  const asked = groups.slice(0, GROUPS);
  const best = rank(asked, loaded.dictionary, await searchText(loaded, asked)).slice(0, SHOWN);
  const hits = best.map(({ page, score }) => {
    const said = bestSaid(page, asked, loaded.dictionary);
    return { ...page, score, url: new URL(page.url, ROOT), said };
  });
  return { hits, meant, names: asked.flatMap((group) => group.names) };
}
