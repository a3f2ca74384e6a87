// The state of the 실험실 as its address, and what it is compared with: docs/assets/js/lab/state.js.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { tokenOf } from "../../docs/assets/js/lab/names.js";
import { read, reference, SHIFT, SIZES, USUAL, write } from "../../docs/assets/js/lab/state.js";

const NONE = [
  "?size=65",
  "?size=9999",
  "?pos=3d",
  "?map=7-1",
  "?map=1-5",
  "?map=rollout",
  "?query=0,1",
  "?query=99,1",
  "?x=-1&y=nan&r=9",
  "?letter=A",
  "?dx=9",
  "?scene=1e9",
  "?bg=<b>",
  "?other=1",
];
for (const address of NONE) {
  test(`a state that is none is as usual: ${address}`, () => {
    assert.deepEqual(read(address), USUAL);
    assert.equal(write(read(address)), "");
  });
}

test("a state keeps its meaning", () => {
  const address =
    "?scene=12&bg=plain&letter=ㅗ&x=0.250&y=0.500&r=0.200&bars=0&size=96" +
    "&pos=line&shuffle=tokens&order=3&dx=-4&dy=2&map=3-mean&query=4,5";
  assert.equal(decodeURIComponent(write(read(address))), address);
});

test("a picture of the reader's own is in no address", () => {
  assert.equal(write({ ...USUAL, source: "picture" }), "");
});

test("the page's own links are states as the page writes them", () => {
  const source = readFileSync(new URL("../../docs/lab.md", import.meta.url), "utf-8");
  const links = [...source.matchAll(/href="(\?[^"]+)"/g)].map(([, address]) => address.replaceAll("&amp;", "&"));
  assert.ok(links.length >= 6);
  for (const link of links) {
    assert.deepEqual([...new URLSearchParams(write(read(link)))].sort(), [...new URLSearchParams(link)].sort());
  }
});

test("sizes fit whole patches", () => {
  assert.ok([SIZES.min, SIZES.max].every((size) => size % SIZES.step === 0));
  assert.equal(SHIFT, SIZES.step);
});

test("an answer is compared with the one unshuffled and unmoved", () => {
  const shuffled = { ...USUAL, pos: "none", shuffle: "patches", dx: 3 };
  assert.deepEqual(reference(shuffled), { ...shuffled, shuffle: "none", dx: 0, when: "섞기 전" });
  const moved = { ...USUAL, size: 96, dy: -2 };
  assert.deepEqual(reference(moved), { ...moved, dy: 0, when: "옮기기 전" });
});

test("else with the model as it was trained, and that one with nothing", () => {
  const larger = { ...USUAL, size: 96, pos: "line" };
  assert.deepEqual(reference(larger), { ...USUAL, when: "학습한 그대로일 때" });
  assert.equal(reference({ ...USUAL, letter: "ㅗ" }), null);
});

test("a query is a token, outside a smaller grid the nearest one", () => {
  assert.equal(tokenOf("cls", 8), 0);
  assert.equal(tokenOf([0, 0], 8), 1);
  assert.equal(tokenOf([2, 4], 8), 1 + 2 * 8 + 4);
  assert.equal(tokenOf([9, 1], 8), 1 + 7 * 8 + 1);
});
