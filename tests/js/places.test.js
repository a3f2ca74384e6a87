// Where words stand, which pages may answer, and which files say so: docs/assets/js/places.js, candidates.js, shards.js.
import assert from "node:assert/strict";
import { test } from "node:test";
import { candidates } from "../../docs/assets/js/candidates.js";
import { lookedUp, matches } from "../../docs/assets/js/places.js";
import { prepare } from "../../docs/assets/js/query.js";
import { fileOf, openIndex, placeOf } from "../../docs/assets/js/shards.js";

const KINDS = [
  ["thread", 5, 1],
  ["term", 10, 8],
  ["notebook", 3, 16],
];
const DICTIONARY = prepare({ words: [["보간", "interpolation"]], endings: ["을", "은"], afterOne: [] });
const [TITLE, TEXT, PHRASE, OTHER] = [1, 4, 1 << 7, 1 << 8].map((mask) => mask * 16);
// Steps to the next page, and where it has the word; the first number is that of the threads.
const SHARD = new Map([
  ["패치", [3, 0, TITLE, 2, PHRASE + 9, 1, 3, 12, TITLE]],
  ["패치화", [1, 4, TEXT]],
  ["크기", [2, 0, 5, 2, PHRASE, 1, OTHER + 2]],
  ["임베딩~", [1, 1, TITLE]],
  ["=qkt", [1, 2, 3 * 16]],
  ["=qktv", [1, 4, 2 * 16]],
]);
const found = (...groups) => matches(groups, [SHARD], DICTIONARY.root, 5);
const pagesOf = (...groups) => candidates(groups, found(...groups), DICTIONARY, KINDS, 5);

test("the shard of a key is the last that does not begin after it", () => {
  const firsts = ["", "나", "라"];
  assert.deepEqual(
    ["가", "나", "다", "라", "하"].map((key) => placeOf(firsts, key)),
    [0, 1, 1, 2, 2],
  );
  assert.equal(placeOf([], "가"), 0);
});

test("pages of a kind lie together in files", () => {
  assert.deepEqual(
    [0, 4, 5, 12, 13, 15, 17].map((number) => fileOf(number, KINDS)),
    [
      [0, 0],
      [4, 0],
      [5, 0],
      [5, 7],
      [6, 0],
      [7, 0],
      [7, 2],
    ],
  );
  assert.throws(() => fileOf(18, KINDS), RangeError);
});

test("files are read once, those that could not be read again", async () => {
  const asked = [];
  const read = async (name) => {
    asked.push(name);
    if (asked.length === 1) throw new Error("no network");
    return name === "words1" ? { constructor: 1 } : {};
  };
  const index = openIndex({ firsts: { words: ["", "b", "bc"] }, kinds: KINDS }, read);
  await assert.rejects(index.shards("words", ["constructor"]));
  const [shard] = await index.shards("words", ["constructor"]);
  assert.deepEqual([...shard], []);
  await index.shards("words", ["b", "ba"]); // words that begin with b may stand in the next one too
  assert.deepEqual(asked, ["words2", "words2", "words1"]);
});

test("a word stands where it is said, or what begins or ends with it", () => {
  const [{ pages, threads }] = found({ names: ["패치"] });
  assert.deepEqual([...pages.keys()], [0, 2, 3, 15, 4]);
  assert.equal(threads, 4);
  assert.deepEqual(pages.get(2), { mask: PHRASE / 16, score: 1 });
  assert.deepEqual([...found({ names: ["임베딩"] })[0].pages.keys()], [1]);
});

test("a name of two words stands where both do", () => {
  const [{ pages }] = found({ names: ["패치 크기"] });
  assert.deepEqual(pages.get(2), { mask: PHRASE / 16, score: 0 });
  assert.deepEqual([...pages.keys()], [2, 3]); // 0 has one in its title and the other in its text: not together
});

test("a formula's part counts where it is whole, and less where it begins another", () => {
  const [{ parts }] = found({ names: ["qkt"], formula: ["qkt"] });
  assert.deepEqual(
    [...parts],
    [
      [2, 1.4],
      [4, 0.6],
    ],
  );
});

test("a page that says all in one phrase comes first; a term by its name", () => {
  assert.equal(pagesOf({ names: ["패치"] }, { names: ["크기"] })[0], 2);
  assert.deepEqual(pagesOf({ names: ["interpolation", "보간"] }), [5]);
  assert.deepEqual(pagesOf({ names: ["없는말"], isUnknown: true }), []);
});

test("a word is looked up by its root and its names', a formula by its parts too", () => {
  assert.deepEqual(lookedUp({ names: ["패치 크기", "패치크기를"] }, DICTIONARY.root).slice(0, 3), [
    "패치크기",
    "패치",
    "크기",
  ]);
  assert.deepEqual(lookedUp({ names: ["qkt"], formula: ["qkt"] }, DICTIONARY.root), ["=qkt", "qkt"]);
  assert.deepEqual(lookedUp({ names: ["x"], isUnknown: true }, DICTIONARY.root), []);
});

test("no more pages are read than stand in a few files, however many have the word", () => {
  const kinds = [["thread", 400, 1]];
  const shard = new Map([["패치", [400, ...Array.from({ length: 400 }, (_, page) => [page ? 1 : 0, TITLE]).flat()]]]);
  const group = { names: ["패치"] };
  const matched = matches([group], [shard], DICTIONARY.root, 400);
  assert.equal(candidates([group], matched, DICTIONARY, kinds, 400).length, 16);
});
