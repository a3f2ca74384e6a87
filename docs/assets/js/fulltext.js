// A query against the search index, of which each file is fetched when it is first wanted.
import { candidates } from "./candidates.js";
import { lookedUp, matches } from "./places.js";
import { parse, prepare, readyPage, strangers, withWords, wordsOf } from "./query.js";
import { bestSaid, rank } from "./rank.js";
import { openIndex } from "./shards.js";

/** The address of the site, wherever it is hosted. */
export const ROOT = new URL("../../", import.meta.url);
const SHOWN = 10; // pages
const GROUPS = 8; // things in a query
const INSIDE = "~"; // after what is only a part of a word

let index; // a promise of the index with its dictionary, kept once it is there

/** Fetch what every query needs, once -> a promise of it. Rejects without a network. */
export function load() {
  index ??= fetchIndex();
  index.catch(forget);
  return index;
}

function forget() {
  index = undefined; // the next key tries again
}

async function fetched(path, options) {
  const response = await fetch(new URL(path, ROOT), options);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

async function fetchIndex() {
  const said = await fetched("search-index/index.json", { cache: "no-cache" }); // it names the folder of all else
  const opened = openIndex(said, (name) => fetched(`search-index/${said.folder}/${name}.json`));
  return { ...opened, dictionary: prepare(said) };
}

const keysOf = (shards) => shards.flatMap((shard) => [...shard.keys()]).filter((key) => !key.endsWith(INSIDE));
const valuesOf = (shards) => shards.flatMap((shard) => [...shard.values()]);

// A query parsed with all words of the index that it may be about: { groups, meant }.
async function understood(query, { dictionary, shards }) {
  const known = withWords(dictionary, keysOf(await shards("words", wordsOf(query, dictionary))));
  const { words, starts, ends } = strangers(query, known);
  if (!words.length && !starts.length) return parse(query, known);
  const found = [shards("words", words), shards("keys", starts), shards("endKeys", ends)];
  const [other, forwards, backwards] = await Promise.all(found);
  return parse(query, withWords(known, keysOf(other), [...valuesOf(forwards), ...valuesOf(backwards)]));
}

// The pages that may answer, ranked: [{ page, score }].
async function ranked(groups, { dictionary, shards, pages, kinds }) {
  const { root } = dictionary;
  const found = await shards("words", [...new Set(groups.flatMap((group) => lookedUp(group, root)))]);
  const all = kinds.find(([kind]) => kind === "thread")?.[1] ?? 0;
  const matched = matches(groups, found, root, all);
  const numbers = candidates(groups, matched, dictionary, kinds, all);
  const read = await pages(numbers, (page) => readyPage(page, root));
  const texts = read.map(({ url, number }) => [url, matched.map((match) => match.pages.get(number)?.score ?? 0)]);
  return rank(groups, read, dictionary, new Map(texts), { threads: matched.map(({ threads }) => threads), all });
}

async function answered(query, loaded) {
  const { groups, meant } = await understood(query, loaded);
  const asked = groups.slice(0, GROUPS);
  const best = (await ranked(asked, loaded)).slice(0, SHOWN);
  const hits = best.map(({ page, score }) => {
    const said = bestSaid(page, asked, loaded.dictionary);
    return { ...page, score, url: new URL(page.url, ROOT), said };
  });
  return { hits, meant, names: asked.flatMap((group) => group.names) };
}

/**
 * Pages that answer a query, the best first: { hits: [{ url, title, kind, text, … }], meant: what was meant by a mistyped
 * query, or "", names: of what was looked for }. said: of a page, see bestSaid. Rejects without a network.
 */
export async function search(query) {
  const loaded = await load();
  try {
    return await answered(query, loaded);
  } catch {
    forget(); // the site may have been made anew since, its index in another folder
    return answered(query, await load());
  }
}
