// From a state to the model's input: docs/assets/js/lab/image.js.
import assert from "node:assert/strict";
import { test } from "node:test";
import { over, rearranged, rolled, sceneOf } from "../../docs/assets/js/lab/image.js";
import { CLASSES, sample } from "../../docs/assets/js/lab/scenes.js";
import { USUAL } from "../../docs/assets/js/lab/state.js";

const numbered = (size) => Float32Array.from({ length: 3 * size * size }, (_, i) => i);

test("the usual scene is that of its seed", () => {
  assert.deepEqual(sceneOf(USUAL), sample(USUAL.scene));
});

test("what the reader has changed of it is changed, and the letter kept in the frame", () => {
  const { letter, bars, ground } = sceneOf({ ...USUAL, letter: "ㅗ", x: 0, r: 0.2, bars: 0, bg: "plain" });
  assert.equal(letter.label, CLASSES.indexOf("ㅗ"));
  assert.equal(letter.radius, 0.2);
  assert.ok(letter.x > 0.1);
  assert.equal(bars, null);
  assert.deepEqual(ground.waves, []);
});

test("a background may be another scene's", () => {
  assert.deepEqual(sceneOf({ ...USUAL, bg: 23 }).ground, sample(23).ground);
});

test("where the reader draws there is neither letter nor bar", () => {
  const { letter, bars } = sceneOf({ ...USUAL, source: "draw" });
  assert.deepEqual([letter, bars], [null, null]);
});

test("moved there and back, an image is what it was; what leaves comes in on the other side", () => {
  const image = numbered(16);
  assert.deepEqual(rolled(rolled(image, 16, 3, -5), 16, -3, 5), image);
  assert.equal(rolled(image, 16, 1, 0)[0], image[15]);
  assert.equal(rolled(image, 16, 0, 1)[0], image[15 * 16]);
});

test("place i shows patch order[i], in every channel", () => {
  const image = numbered(16);
  const result = rearranged(image, 16, [3, 0, 2, 1]);
  for (const channel of [0, 256, 512]) {
    assert.equal(result[channel], image[channel + 8 * 16 + 8]);
    assert.equal(result[channel + 8], image[channel]);
    assert.equal(result[channel + 15 * 16], image[channel + 15 * 16]);
  }
  assert.deepEqual(rearranged(image, 16, [0, 1, 2, 3]), image);
});

test("a colour covers as much as its alpha says", () => {
  const image = new Float32Array(3 * 2 * 2);
  const alpha = [0, 255, 51, 0];
  over(
    image,
    alpha.flatMap((value) => [0, 0, 0, value]),
    (_, channel) => channel / 2,
  );
  assert.deepEqual([...image.subarray(0, 4)], [0, 0, 0, 0]);
  assert.deepEqual(
    [...image.subarray(8, 12)].map((value) => Math.round(100 * value)),
    [0, 100, 20, 0],
  );
});
