// A query against Pagefind's full-text index and the dictionary, both fetched when they are first wanted.
import { normalize, parse, prepare, rank } from "./query.js";

const ROOT = new URL("../../", import.meta.url); // the site, wherever it is hosted
const SHOWN = 10; // pages
const DEEP = 8; // pages of each name
const NAMES = 4; // of one thing
const GROUPS = 6; // things in a query

let index; // a promise of { pagefind, dictionary }, kept once it is there

/** Fetch the index and the dictionary, once -> a promise of { pagefind, dictionary }. Rejects without a network. */
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
  return { pagefind, dictionary: prepare(await response.json()) };
}

// Every group of names against the full text: url -> the best score of each group, and what to show of the page.
async function searchText(pagefind, groups) {
  const scores = new Map();
  const pages = new Map();
  async function searchName(name, group) {
    const { results } = await pagefind.search(normalize(name));
    const top = results[0]?.score || 1;
    const note = async (result) => {
      const data = await result.data();
      const url = data.raw_url.replace(/^\//, "");
      const row = scores.get(url) ?? groups.map(() => 0);
      row[group] = Math.max(row[group], result.score / top);
      scores.set(url, row);
      if (!pages.has(url)) pages.set(url, data);
    };
    await Promise.all(results.slice(0, DEEP).map(note));
  }
  await Promise.all(groups.flatMap((names, group) => names.slice(0, NAMES).map((name) => searchName(name, group))));
  return { scores, pages };
}

/** Pages that answer a query, the best first: [{ url, title, kind, text or excerpt }]. Rejects without a network. */
export async function search(query) {
  const { pagefind, dictionary } = await load();
  const groups = parse(query, dictionary).slice(0, GROUPS);
  const { scores, pages } = await searchText(pagefind, groups);
  const best = rank(groups, dictionary, scores).slice(0, SHOWN);
  return best.map(({ page }) => ({ ...page, url: new URL(page.url, ROOT), excerpt: pages.get(page.url)?.excerpt }));
}
