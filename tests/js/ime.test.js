// In which order browsers tell of the Enter that ends a syllable, and of one that does not.
import assert from "node:assert/strict";
import { test } from "node:test";
import { belongsToSyllable } from "../../docs/assets/js/ime.js";

const key = (change) => ({ isComposing: false, keyCode: 13, timeStamp: 1000, ...change });

test("the key is told while the syllable is being made", () => {
  assert.ok(belongsToSyllable(key({ isComposing: true, keyCode: 229 })));
  assert.ok(belongsToSyllable(key({ isComposing: true })));
});

test("the key is told after the end of the syllable", () => {
  assert.ok(belongsToSyllable(key({ keyCode: 229 }), 1000)); // Safari
  assert.ok(belongsToSyllable(key(), 1000), "told twice, the second time as any other key");
  assert.ok(belongsToSyllable(key({ timeStamp: 1059 }), 1000));
});

test("a key of its own", () => {
  assert.ok(!belongsToSyllable(key()));
  assert.ok(!belongsToSyllable(key(), 900));
});
