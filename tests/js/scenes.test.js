// The scenes of the 실험실: docs/assets/js/lab/scenes.js. That they are those of snippets/scenes.py, test_lab.py compares.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  boxOf,
  CLASSES,
  generator,
  inFrame,
  LARGEST,
  render,
  SMALLEST,
  sample,
  shapes,
  shuffled,
} from "../../docs/assets/js/lab/scenes.js";

test("random numbers are in [0, 1), and the same for the same seed", () => {
  const [one, other] = [generator(7), generator(7)];
  for (let i = 0; i < 1000; i++) {
    const value = one();
    assert.ok(value >= 0 && value < 1);
    assert.equal(value, other());
  }
});

test("a shuffled order has every place once, and is never the same for two seeds", () => {
  const sorted = (order) => [...order].sort((a, b) => a - b);
  assert.deepEqual(
    sorted(shuffled(64, 1)),
    Array.from({ length: 64 }, (_, i) => i),
  );
  assert.notDeepEqual(shuffled(64, 1), shuffled(64, 2));
});

test("a moved letter stays in the frame", () => {
  const places = [
    [-1, -1],
    [2, 0.5],
    [0.5, 9],
  ];
  for (const [x, y] of places) {
    for (const label of CLASSES.keys()) {
      const box = boxOf(inFrame({ ...sample(3).letter, label, radius: LARGEST, x, y }));
      assert.ok(
        box.every((value) => value > -1e-9 && value < 1 + 1e-9),
        `${label} at ${x}, ${y}: ${box}`,
      );
    }
  }
});

test("a letter in the frame is not moved", () => {
  const { letter } = sample(12);
  assert.deepEqual(inFrame(letter), letter);
  assert.ok(letter.radius >= SMALLEST && letter.radius <= LARGEST);
});

test("bars that are drawn lie beside the letter", () => {
  for (let seed = 0; seed < 50; seed++) {
    const { letter, bars } = sample(seed);
    const box = boxOf(letter);
    for (const { line, thick } of bars.filter((bar) => bar.thick > 0)) {
      const low = [0, 1].map((axis) => Math.min(line[axis], line[2 + axis]) - thick);
      const high = [0, 1].map((axis) => Math.max(line[axis], line[2 + axis]) + thick);
      assert.ok([0, 1].some((axis) => high[axis] < box[axis] || low[axis] > box[2 + axis]));
    }
  }
});

test("what is left out is not drawn", () => {
  const scene = sample(5);
  assert.equal(shapes(scene).shapes.length, 7);
  assert.equal(shapes({ ...scene, bars: null }).shapes.length, 1);
  assert.deepEqual(shapes({ ...scene, bars: null, letter: null }).shapes, []);
});

test("an image is colours in [0, 1] at any size, the same scene at each", () => {
  const drawn = shapes(sample(9));
  for (const size of [16, 64]) {
    const image = render(drawn, size);
    assert.equal(image.length, 3 * size * size);
    assert.ok(image.every((value) => value >= 0 && value <= 1));
  }
});
