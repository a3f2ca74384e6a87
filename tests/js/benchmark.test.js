// The table of attention as the figure reads it, and its numbers in words.
import assert from "node:assert/strict";
import { test } from "node:test";
import { apart, read, short, times } from "../../docs/assets/js/benchmark.js";

const HEADER = ["장치", "정밀도", "N", "식 그대로 ms", "math ms", "flash ms", "cuDNN ms"];
const ALL = [...HEADER, ...HEADER.slice(3).map((title) => title.replace("ms", "MiB"))];
const row = (device, precision, N, ms, MiB) => [device, precision, N, ...ms, ...MiB];

test("lengths are those of all devices, what one lacks is not a number", () => {
  const { lengths, ways } = read(ALL, [
    row("GPU", "bf16", "197", ["1", "0.1", "0.5", "0.4"], ["8", "1", "1", "1"]),
    row("GPU", "bf16", "16,385", ["메모리 부족", "1", "50", "40"], ["메모리 부족", "1", "20", "1,234.5"]),
    row("CPU", "bf16", "1,025", ["10", "1", "20", "없음"], ["80", "1", "2", "없음"]),
  ]);
  assert.deepEqual(lengths, [197, 1025, 16385]);
  assert.deepEqual(
    ways.map(({ device, methods }) => [device, ...methods.map(({ name }) => name)]),
    [
      ["GPU", "식 그대로", "cuDNN"],
      ["CPU", "식 그대로", "flash"],
    ],
    "the fused kernel that is the fastest at its longest N; math is none",
  );
  assert.deepEqual(ways[0].methods[0].ms, [1, Number.NaN, Number.NaN]);
  assert.deepEqual(ways[0].methods[1].MiB, [1, Number.NaN, 1234.5]);
});

test("numbers have three digits, small shares are said as one of many", () => {
  assert.deepEqual([1537, 489.7, 7.003, 0.3858].map(short), ["1,537", "490", "7", "0.386"]);
  assert.equal(times(1.4299), "1.43배예요");
  assert.equal(times(7.003 / 768.4), "110분의 1이에요");
});

test("labels keep their order and do not touch", () => {
  assert.deepEqual(apart([10, 100], 38), [10, 100]);
  assert.deepEqual(apart([50, 60], 38), [36, 74]);
  assert.deepEqual(apart([60, 50], 38), [74, 36]);
});
