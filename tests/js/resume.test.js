// Where to go on reading: docs/assets/js/resume.js.
import assert from "node:assert/strict";
import { test } from "node:test";
import { following } from "../../docs/assets/js/resume.js";

const THREADS = ["a", "b", "c", "d"].map((id) => ({ id }));
const CASES = [
  ["who has read nothing begins", { begun: [], read: [] }, "처음부터 읽기", "a"],
  ["what was begun goes on", { begun: ["b"], read: [] }, "이어 읽기", "b"],
  ["the latest that was begun", { begun: ["c", "b"], read: ["a"] }, "이어 읽기", "b"],
  ["what was begun and read is no longer begun", { begun: ["a"], read: ["a"] }, "다음에 읽기", "b"],
  ["the one before, where that is not read", { begun: ["c", "b"], read: ["b"] }, "이어 읽기", "c"],
  ["after the last that was read", { begun: [], read: ["a", "c"] }, "다음에 읽기", "d"],
  ["from the front again after the end", { begun: [], read: ["d"] }, "다음에 읽기", "a"],
  ["a thread that is gone is none", { begun: ["gone"], read: ["gone"] }, "처음부터 읽기", "a"],
];
const state = ({ begun, read }) => {
  const set = (ids) => Object.fromEntries(ids.map((id) => [id, 1]));
  return { begun: set(begun), read: set(read) };
};

for (const [name, remembered, words, id] of CASES)
  test(name, () => {
    const [said, thread] = following(THREADS, state(remembered));
    assert.deepEqual([said, thread.id], [words, id]);
  });

test("where all are read there is none", () => {
  assert.equal(following(THREADS, state({ begun: ["a"], read: ["a", "b", "c", "d"] })), undefined);
});
