// From a change to what is shown.
import { drawAnswer, drawTime } from "./answer.js";
import { drawMiddle, painted } from "./canvas.js";
import { drawMap, drawScene, drawTokens } from "./draw.js";
import { drawDistances } from "./heads.js";
import { over, PEN, rearranged, rolled, sceneOf } from "./image.js";
import { normalised, PATCH, positions } from "./model.js";
import { nameOf, tokenOf } from "./names.js";
import { recorded } from "./record.js";
import { Runs } from "./runs.js";
import { render, shapes, shuffled } from "./scenes.js";
import { reference, write } from "./state.js";
import { lab, part, store } from "./store.js";

const PICTURE = ["source", "scene", "bg", "letter", "x", "y", "r", "bars"]; // of a state: what an image follows from
const REST = 500; // ms without a change, after which what need not happen at every step is done

const frames = new Runs(frame, console.warn, later); // a lost model is told by loading.js
let made = {};
let timer;

/** Say that the picture or the model's inputs have changed. */
export function changed() {
  lab.dataset.state = "busy";
  frames.want();
}

/** Say that only what is looked at has changed: the map or its query. */
export function mapChanged() {
  if (store.frame && !frames.isBusy) drawMap();
}

async function frame() {
  const { state, model } = store;
  const began = performance.now();
  const before = reference(state);
  const image = imageOf(state, state.size);
  const now = { size: state.size, image, ...(await answer(image, state, model)) };
  if (model && before) now.before = await answerBefore(before, image, now.size);
  store.frame = now;
  drawScene();
  if (model) drawTokens();
  drawMap();
  drawAnswer();
  if (model) drawTime(performance.now() - began);
}

// What the reader has made, before anything is shuffled or moved: the last one again while it is the same.
function imageOf(state, size) {
  const key = JSON.stringify([size, store.own.edits, ...PICTURE.map((name) => state[name])]);
  if (made.key !== key) made = { key, image: paint(state, size) };
  return made.image;
}

function paint(state, size) {
  const { picture, lines } = store.own;
  const drawn = shapes(sceneOf(state));
  const image = render(drawn, size);
  if (state.source === "picture" && picture) {
    const pixels = painted(size, (context) => drawMiddle(context, picture));
    over(image, pixels, (i, c) => pixels[4 * i + c] / 255);
  }
  if (state.source === "draw" && lines.length) {
    const pixels = painted(size, (context) => drawLines(context, lines));
    over(image, pixels, (_, c) => Math.min(1, drawn.colour[c]));
  }
  return image;
}

function drawLines(context, lines) {
  Object.assign(context, { lineWidth: PEN, lineCap: "round", lineJoin: "round" });
  for (const line of lines) {
    context.beginPath();
    context.moveTo(...line[0]);
    for (const point of line) context.lineTo(...point);
    context.stroke();
  }
}

// An image through the model: what it was given, and what it gave if it is there.
async function answer(image, state, model) {
  const { size, pos, shuffle, order, dx, dy } = state;
  const grid = size / PATCH;
  const places = shuffle === "none" ? null : shuffled(grid * grid, order);
  let input = dx || dy ? rolled(image, size, dx, dy) : image;
  if (places) input = rearranged(input, size, places);
  if (!model) return { input, grid, ...(await recorded(state)) };
  const given = positions(pos, grid, grid, shuffle === "tokens" ? places : null);
  return { input, grid, ...(await model.run(normalised(input), grid, grid, given)) };
}

// The answer to the reference, the last one again while it is the same: unshuffled twice, it is not reckoned anew.
async function answerBefore(before, image, size) {
  const key = JSON.stringify([before, store.own.edits]);
  const last = store.frame?.before;
  if (last?.key === key) return last;
  const { logits } = await answer(before.size === size ? image : imageOf(before, before.size), before, store.model);
  return { key, when: before.when, logits };
}

/** Do after a while what need not happen at every step: the address, the heads' distances, and what is said aloud. */
export function later() {
  lab.dataset.state = "busy";
  clearTimeout(timer);
  timer = setTimeout(() => {
    history.replaceState(history.state, "", (write(store.state) || location.pathname) + location.hash);
    if (store.frame?.attn) drawDistances();
    const looking = store.frame?.logits ? `${queryName()} ${part("seen").textContent}` : "";
    part("said").textContent = [part("verdict").textContent, part("change").textContent, looking].join(" ");
    lab.dataset.state = "idle";
  }, REST);
}

function queryName() {
  const { grid } = store.frame;
  return nameOf(tokenOf(store.hovered ?? store.state.query, grid), grid);
}
