// What is reckoned from attention maps: docs/assets/js/lab/attention.js, and the model's inputs in model.js.
// That rollout and distances are those of the snippets, test_lab.py compares.
import assert from "node:assert/strict";
import { test } from "node:test";
import { distances, rollout, row, softmax, weights } from "../../docs/assets/js/lab/attention.js";
import { DEPTH, GRID, HEADS, normalised, PATCH, positions } from "../../docs/assets/js/lab/model.js";

const N = 1 + 4; // a grid of 2 x 2
const map = (weight) => {
  const attn = Float32Array.from({ length: DEPTH * HEADS * N * N }, (_, i) => weight(Math.floor(i / N) % N, i % N));
  return { attn, n: N };
};
const UNIFORM = map(() => 1 / N);
const SELF = map((query, key) => Number(query === key));
const near = (one, other) => assert.ok(Math.abs(one - other) < 1e-6, `${one} is not ${other}`);

test("rows sum to 1", () => {
  for (const maps of [UNIFORM, SELF]) {
    for (const name of ["rollout", "1-1", `${DEPTH}-${HEADS}`, "3-mean"]) {
      near(
        weights(maps, name, 2).reduce((a, b) => a + b),
        1,
      );
    }
  }
});

test("a token that looks at itself alone stays where it is", () => {
  assert.deepEqual([...rollout(SELF, 3)], [0, 0, 0, 1, 0]);
  assert.deepEqual([...row(SELF, 0, null, 3)], [0, 0, 0, 1, 0]);
});

test("half of what is left goes on at every layer", () => {
  const stay = 0.5 ** DEPTH;
  near(rollout(UNIFORM, 2)[2], stay + (1 - stay) / N);
  near(rollout(UNIFORM, 2)[1], (1 - stay) / N);
});

test("distance is in pixels, without the class token", () => {
  const [straight, diagonal] = [PATCH, PATCH * Math.SQRT2];
  for (const distance of Object.values(distances(UNIFORM, 2))) near(distance, (2 * straight + diagonal) / 4);
  assert.deepEqual(Object.keys(distances(SELF, 2)).at(-1), `${DEPTH}-${HEADS}`);
  near(distances(SELF, 2)["1-1"], 0);
});

test("softmax sums to 1 however large the logits are", () => {
  const chances = softmax([1000, 1000, 0]);
  assert.deepEqual(chances, [0.5, 0.5, 0]);
});

test("positions of the trained grid are its own, by whichever method stretches them", () => {
  for (const method of ["line", "repeat"]) {
    const { mix, keep } = positions(method, GRID, GRID);
    assert.deepEqual([...keep], [1, 0]);
    for (let i = 0; i < GRID * GRID; i++) assert.equal(mix[i * GRID * GRID + i], 1);
  }
});

test("every place's weights sum to 1, or to 0 where there are none", () => {
  const sums = { "2d": 0, none: 0, line: 1, repeat: 1, same: 1 };
  for (const [method, sum] of Object.entries(sums)) {
    const { mix } = positions(method, 3, 5);
    for (let i = 0; i < 15; i++) {
      const place = mix.subarray(i * GRID * GRID, (i + 1) * GRID * GRID);
      near(
        place.reduce((a, b) => a + b),
        sum,
      );
    }
  }
  assert.deepEqual([...positions("none", 3, 5).keep], [0, 0]);
  assert.deepEqual([...positions("2d", 3, 5).keep], [1, 1]);
});

test("positions move with the order", () => {
  const order = [3, 2, 1, 0];
  assert.deepEqual([...positions("2d", 2, 2, order).order], order.map(BigInt));
  const [moved, own] = [order, undefined].map((places) => positions("line", 2, 2, places).mix);
  assert.deepEqual(moved.subarray(0, GRID * GRID), own.subarray(3 * GRID * GRID));
});

test("colours are taken as scenes.py normalises them", () => {
  assert.deepEqual([...normalised(Float32Array.of(0, 0.5, 1))], [-2, 0, 2]);
});
