// Which page an address that leads nowhere may have meant. Everything here is pure.

const ALIKE = 0.5; // of two names' pairs of letters
const THREAD = 0.1; // more for a thread: its record has the same name

/** The last part of an address in words, however it is written: class_token, Class-Token, class-token.html. */
export function wordsOf(path) {
  const last = decoded(path)
    .replace(/(\/index)?(\.html|\.md)?\/?$/, "")
    .split("/")
    .at(-1);
  return last.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ");
}

function decoded(path) {
  try {
    return decodeURIComponent(path);
  } catch {
    return path; // a stray % is no escape
  }
}

function pairs(name) {
  const padded = ` ${name} `;
  return new Set(Array.from({ length: padded.length - 1 }, (_, start) => padded.slice(start, start + 2)));
}

/** How alike two names are, 0…1: the pairs of letters that they share. */
function likeness(one, other) {
  const [a, b] = [pairs(one), pairs(other)];
  return (2 * [...a].filter((pair) => b.has(pair)).length) / (a.size + b.size);
}

/** The page whose address has the most similar name to that of a path, or null. */
export function nearest(path, pages) {
  const words = wordsOf(path);
  const rows = pages
    .filter((page) => !String(page.url).includes("#"))
    .map((page) => ({
      page,
      alike: likeness(words, wordsOf(String(page.url))) + (page.kind === "thread" ? THREAD : 0),
    }));
  const best = rows.reduce((one, other) => (other.alike > one.alike ? other : one), { page: null, alike: ALIKE });
  return words ? best.page : null;
}
