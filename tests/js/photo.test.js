// What the page of the real model reckons and remembers: docs/assets/js/photo/. That positions, rollout and what the model
// gives are those of torch, test_photo_lab.py compares.
import assert from "node:assert/strict";
import { test } from "node:test";
import { distance, rollout, row } from "../../docs/assets/js/lab/attention.js";
import { tokenOf } from "../../docs/assets/js/lab/names.js";
import { agreement, colours, components, likeness } from "../../docs/assets/js/photo/features.js";
import { DEPTH, GRID, HEADS, PATCH } from "../../docs/assets/js/photo/model.js";
import { line, mixOf } from "../../docs/assets/js/photo/positions.js";
import { LARGEST, PHOTOS, read, USUAL, write } from "../../docs/assets/js/photo/state.js";
import { agreementText, mapName, seenText } from "../../docs/assets/js/photo/words.js";

const near = (one, other, by = 1e-6) => assert.ok(Math.abs(one - other) < by, `${one} is not ${other}`);
const sum = (values) => values.reduce((a, b) => a + b, 0);

// Patches on a line, on another across it that is shorter, and a class token that is none of them.
const DIRECTIONS = [
  [3, 0, 4],
  [0, 2, 0],
];
const PLACES = [
  [2, 1],
  [-2, 1],
  [1, -1],
  [-1, -1],
];
const N = 1 + PLACES.length;
const rows = PLACES.map((place) => [0, 1, 2].map((d) => 7 + sum(place.map((along, k) => along * DIRECTIONS[k][d]))));
const TOKENS = Float32Array.from([[9, -9, 9], ...rows].flat());

test("principal components are the directions of the widest spread, one after the other", () => {
  const { parts, share } = components(TOKENS, N, 2);
  near(share, 1);
  parts[0].forEach((along, i) => {
    near(Math.abs(along), 5 * Math.abs(PLACES[i][0]), 1e-4);
  });
  parts[1].forEach((along, i) => {
    near(Math.abs(along), 2 * Math.abs(PLACES[i][1]), 1e-4);
  });
  near(sum(parts[0].map((along, i) => along * parts[1][i])), 0, 1e-4);
  near(components(TOKENS, N, 1).share, (25 * 10) / (25 * 10 + 4 * 4));
});

test("the farthest patch lies on the positive side, and colours go from 0 to 1", () => {
  const { parts } = components(TOKENS, N, 2);
  for (const part of parts) near(Math.max(...part), Math.max(...part.map(Math.abs)), 1e-4);
  for (const channel of colours(parts)) assert.deepEqual([Math.min(...channel), Math.max(...channel)], [0, 1]);
});

test("patches that are all alike have no direction", () => {
  const { parts, share } = components(new Float32Array(3 * N).fill(2), N, 3);
  assert.deepEqual([parts.length, share], [3, 0]);
  assert.ok(colours(parts).every((channel) => channel.every((value) => value === 0.5)));
});

test("likeness is the cosine", () => {
  const tokens = Float32Array.of(1, 0, 2, 2, 0, 3, -4, 0);
  const found = likeness(tokens, 4, 0);
  [1, Math.SQRT1_2, 0, -1].forEach((value, i) => {
    near(found[i], value);
  });
  near(agreement(tokens, tokens, 4), 1);
  near(agreement(tokens, Float32Array.of(5, 5, -1, -1, 0, 1, -1, 0), 4), 1 / 3); // the class token does not count
});

const uniform = {
  attn: new Float32Array(DEPTH * HEADS * N * N).fill(1 / N),
  n: N,
  depth: DEPTH,
  heads: HEADS,
  patch: PATCH,
};

test("rollout goes through as many layers as the model has, or from a later one on", () => {
  for (const [first, layers] of [
    [0, DEPTH],
    [1, DEPTH - 1],
  ]) {
    const stay = 0.5 ** layers;
    near(rollout(uniform, 2, first)[2], stay + (1 - stay) / N);
    near(sum(rollout(uniform, 2, first)), 1);
  }
  near(sum(row(uniform, DEPTH - 1, null, 1)), 1);
});

test("the distance is in this model's pixels", () => {
  near(distance(uniform, 3, 2, 2), (PATCH * (2 + Math.SQRT2)) / 4, 1e-4);
});

test("every mix of positions sums to 1, but that of none", () => {
  for (const [rowCount, columns] of [
    [3, 4],
    [16, 16],
  ]) {
    for (const method of ["2d", "smooth", "line", "repeat", "same"]) {
      const mix = mixOf(method, rowCount, columns);
      assert.equal(mix.length, rowCount * columns * GRID * GRID);
      for (let place = 0; place < rowCount * columns; place++) {
        near(sum(mix.subarray(place * GRID * GRID, (place + 1) * GRID * GRID)), 1, 1e-4);
      }
    }
    assert.ok(mixOf("none", rowCount, columns).every((weight) => weight === 0));
  }
});

test("a grid that fits is left as it is, by every way that keeps places", () => {
  for (const isSmooth of [false, true]) {
    line(GRID, GRID, isSmooth).forEach((weights, i) => {
      weights.forEach((weight, j) => {
        near(weight, Number(i === j));
      });
    });
  }
  const repeated = mixOf("repeat", 2, 3);
  for (let place = 0; place < 6; place++) assert.equal(repeated[place * GRID * GRID + place], 1);
});

test("antialias averages what lies between", () => {
  const count = (isSmooth) => line(GRID, 8, isSmooth)[4].filter((weight) => Math.abs(weight) > 1e-6).length;
  assert.equal(count(false), 4);
  assert.ok(count(true) > 12);
});

test("a state is its address and back", () => {
  assert.equal(write(USUAL), "");
  const states = [
    "?photo=cat&view=rollout&from=2&size=336",
    "?layer=2&head=3&query=8,5&pos=none",
    `?view=likeness&query=${LARGEST},1`,
  ];
  for (const address of states) assert.equal(write(read(address)), address);
  assert.deepEqual(read("?layer=2&head=3").head, 3);
});

test("what an address names wrongly is as usual", () => {
  const wrong = [
    "?photo=own",
    "?photo=../x",
    "?view=map",
    "?layer=0",
    `?layer=${DEPTH + 1}`,
    `?head=${HEADS + 1}`,
    "?from=3",
    "?query=0,1",
    `?query=1,${LARGEST + 1}`,
    "?size=448",
    "?pos=x",
  ];
  for (const address of wrong) assert.deepEqual(read(address), USUAL, address);
  assert.equal(write({ ...USUAL, photo: "own" }), "", "a photograph of the reader's own is nobody else's");
  assert.equal(new Set(PHOTOS).size, 12);
});

test("a place outside a smaller grid is its nearest one", () => {
  assert.deepEqual([tokenOf("cls", 16), tokenOf([0, 0], 16), tokenOf([23, 2], 16)], [0, 1, 1 + 15 * 16 + 2]);
});

test("what is seen is said", () => {
  const heat = Float32Array.of(0.17, 0.05, 0.3, 0.2, 0.28);
  const said = (changes, query) => seenText({ state: { ...USUAL, ...changes }, query, grid: 2, heat, top: 2 });
  assert.equal(said({}, 0), "클래스 토큰에서 가장 많이 본 곳: 1행 2열 30%, 자기 자신 17%");
  assert.equal(said({}, 4), "2행 2열에서 가장 많이 본 곳: 1행 2열 30%");
  assert.equal(said({}, 2), "1행 2열에서 가장 많이 본 곳: 자기 자신 30%");
  assert.equal(said({ view: "rollout" }, 0), "클래스 토큰까지 가장 많이 온 곳: 1행 2열 30%");
  assert.equal(said({ view: "likeness" }, 4), "2행 2열의 패치와 가장 닮은 곳: 1행 2열, 코사인 0.30");
  assert.equal(said({ view: "likeness" }, 0), "클래스 토큰과 가장 닮은 곳: 1행 2열, 코사인 0.30");
  assert.equal(mapName({ ...USUAL, layer: 2, head: 5 }), "2층 헤드 5");
  assert.equal(mapName({ ...USUAL, view: "rollout", from: 2 }), "첫 층을 뺀 롤아웃");
  assert.match(agreementText(-0.123), /코사인 −0\.12만큼/);
  assert.match(agreementText(0.9983), /코사인 0\.9983만큼/, "nearly 1 is not 1");
  assert.match(agreementText(1 - 1e-7), /코사인 1\.00만큼/);
});
