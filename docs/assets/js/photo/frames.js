// From a change to what is shown.
import { Runs } from "../lab/runs.js";
import { draw } from "./draw.js";
import { PATCH } from "./model.js";
import { photoOf, pixelsOf } from "./pictures.js";
import { mixOf } from "./positions.js";
import { recorded } from "./record.js";
import { USUAL, write } from "./state.js";
import { lab, part, store } from "./store.js";

const REST = 400; // ms without a change, after which the address and what is said aloud follow

const frames = new Runs(frame, failed, later);
let timer;

/** Say that the photograph or the model's inputs have changed. */
export function changed() {
  lab.dataset.state = "busy";
  frames.want();
}

/** Say that only what is looked at has changed. */
export function looked() {
  if (store.frame) draw();
  later();
}

function failed(error) {
  console.warn(error); // a lost model is told by loading.js
  part("seen").textContent = "지금은 보여 드릴 것이 없어요.";
}

// Show the photograph at once, and what the model makes of it when that is there.
async function frame() {
  const state = { ...store.state };
  const photo = await photoOf(state);
  if (!photo) return;
  const key = inputKey(state);
  if (store.frame?.key === key && (store.frame.attn || !store.model)) return draw();
  const now = { key, photo, grid: state.size / PATCH, ...(await recorded(state)) };
  if (!store.model || store.frame?.photo !== photo) show(now); // else the last map stays until the next is there
  if (!store.model) return;
  lab.classList.add("reckoning");
  try {
    await reckon(now, state);
    show(now);
  } finally {
    lab.classList.remove("reckoning");
  }
}

function show(now) {
  store.frame = now;
  draw();
}

async function reckon(now, state) {
  const image = pixelsOf(now.photo, state.size);
  const began = performance.now();
  Object.assign(now, await run(image, now.grid, state.pos));
  showTime(performance.now() - began, now.n);
  if (state.pos !== USUAL.pos) now.native = (await run(image, now.grid, USUAL.pos)).tokens;
}

// The image through the model; the pixels are copied to the worker, so they can be used again.
const run = (image, grid, pos) => store.model.run(image, grid, grid, mixOf(pos, grid, grid));

// What a run follows from.
const inputKey = ({ photo, size, pos }) => [photo, photo === "own" ? store.own.count : 0, size, pos].join();

function showTime(milliseconds, n) {
  part("time").textContent = `토큰 ${n}개를 계산하는 데 ${(milliseconds / 1000).toFixed(2)}초`;
  part("time").dataset.ms = milliseconds.toFixed(0);
}

/** Do after a while what need not happen at every step: the address, and what is said aloud. */
export function later() {
  lab.dataset.state = "busy";
  clearTimeout(timer);
  timer = setTimeout(() => {
    if (frames.isBusy) return; // it comes again when that is done
    history.replaceState(history.state, "", (write(store.state) || location.pathname) + location.hash);
    part("said").textContent = part("seen").textContent;
    lab.dataset.state = "idle";
  }, REST);
}
