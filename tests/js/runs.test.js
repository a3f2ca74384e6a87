// Runs that are wanted again and again: docs/assets/js/lab/runs.js.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Runs } from "../../docs/assets/js/lab/runs.js";

globalThis.requestAnimationFrame = (next) => setTimeout(next);

/** Runs whose outcomes are given, with what happens in `told`; `rested` settles when no more is wanted. */
function runsOf(...outcomes) {
  const told = [];
  let rest;
  const rested = new Promise((settle) => {
    rest = settle;
  });
  async function run() {
    const outcome = outcomes[told.length];
    told.push(outcome.name);
    await outcome();
  }
  const runs = new Runs(run, (error) => told.push(error.message), rest);
  return { runs, told, rested };
}

test("what is wanted many times before it begins is run once", async () => {
  const { runs, told, rested } = runsOf(async function only() {});
  for (let i = 0; i < 3; i++) runs.want();
  assert.ok(runs.isBusy);
  await rested;
  assert.deepEqual(told, ["only"]);
  assert.ok(!runs.isBusy);
});

test("what is wanted during a run is run after it, once", async () => {
  const { runs, told, rested } = runsOf(
    async function first() {
      runs.want();
      runs.want();
      await new Promise(requestAnimationFrame);
      assert.deepEqual(told, ["first"]);
    },
    async function second() {},
  );
  runs.want();
  await rested;
  assert.deepEqual(told, ["first", "second"]);
});

test("a run that fails is told, and does not keep from the one that is wanted meanwhile", async () => {
  const { runs, told, rested } = runsOf(
    async function first() {
      runs.want();
      throw new Error("lost");
    },
    async () => {}, // the place of the message
    async function second() {},
  );
  runs.want();
  await rested;
  assert.deepEqual(told, ["first", "lost", "second"]);
});
