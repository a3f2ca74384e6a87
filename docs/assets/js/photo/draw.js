// The photograph, and the map over its patches.
import { rollout, row } from "../lab/attention.js";
import { css, drawMiddle, packed, pixels, sized, theme } from "../lab/canvas.js";
import { percent, tokenOf } from "../lab/names.js";
import { agreement, colours, components, likeness } from "./features.js";
import { drawHeads } from "./heads.js";
import { altOf } from "./pictures.js";
import { USUAL } from "./state.js";
import { part, store } from "./store.js";
import { agreementText, componentsText, cosine, mapName, seenText } from "./words.js";

const THICKEST = 0.9; // opacity of the colour over the patch that is looked at most
const LINES = 0.4; // opacity of the lines between the patches
const GREY = "grayscale(0.65)"; // how a photograph lies under a map

const buffer = document.createElement("canvas");

/** All that the last frame shows. */
export function draw() {
  const { frame, state } = store;
  const query = tokenOf(store.hovered ?? state.query, frame.grid);
  drawPhoto(query);
  drawMap(query);
  drawHeads(query);
  part("cls").setAttribute("aria-pressed", String(query === 0));
  part("picture").setAttribute("aria-label", `사진: ${altOf(state)}`);
  part("map-title").textContent = mapName(state);
  part("pos-note").textContent = frame.native ? agreementText(agreement(frame.tokens, frame.native, frame.n)) : "";
}

function drawPhoto(query) {
  const { frame } = store;
  const [context, side] = sized(part("picture"));
  context.save();
  context.scale(side, side);
  context.imageSmoothingEnabled = true;
  drawMiddle(context, frame.photo);
  context.restore();
  if (query) drawFrame(context, side, query, theme.palette["lab-heat"], 3);
}

// A border around the patch of a token, dark outside so that it is seen on anything.
function drawFrame(context, side, token, colour, width) {
  const { grid } = store.frame;
  const step = side / grid;
  const [x, y] = [((token - 1) % grid) * step, Math.floor((token - 1) / grid) * step];
  for (const [style, thick] of [
    ["#000", width + 2],
    [css(colour), width],
  ]) {
    Object.assign(context, { strokeStyle: style, lineWidth: thick });
    context.strokeRect(x, y, step, step);
  }
}

/** The weights that the chosen map gives all tokens, or null where that is not known yet or no map of weights. */
export function heatOf(state, frame, query) {
  if (state.view === "components") return null;
  if (frame.attn) {
    if (state.view === "likeness") return likeness(frame.tokens, frame.n, query);
    if (state.view === "rollout") return rollout(frame, query, state.from - 1);
    return row(frame, state.layer - 1, state.head === "mean" ? null : state.head - 1, query);
  }
  const isRecorded = ["view", "layer", "head"].every((key) => state[key] === USUAL[key]) && query === 0;
  return isRecorded ? (frame.heat ?? null) : null;
}

function drawMap(query) {
  const { frame, state } = store;
  const heat = heatOf(state, frame, query);
  const [context, side] = sized(part("map"));
  if (heat) drawHeat(context, side, heat, query);
  else if (state.view === "components" && frame.attn) drawComponents(context, side);
  else {
    drawTiles(context, side);
    part("seen").textContent = store.model ? "계산하고 있어요." : "모델을 불러오면 여기에 지도가 나와요.";
  }
  part("legend").hidden = !heat;
}

// The photograph cut into its patches.
function drawTiles(context, side) {
  const { frame } = store;
  context.save();
  context.scale(side, side);
  Object.assign(context, { filter: GREY, imageSmoothingEnabled: true });
  drawMiddle(context, frame.photo);
  context.restore();
  context.save();
  Object.assign(context, {
    strokeStyle: css(theme.palette.paper),
    lineWidth: 1,
    globalAlpha: LINES,
  });
  context.beginPath();
  for (let i = 1; i < frame.grid; i++) {
    const at = (i * side) / frame.grid;
    context.moveTo(at, 0);
    context.lineTo(at, side);
    context.moveTo(0, at);
    context.lineTo(side, at);
  }
  context.stroke();
  context.restore();
}

function drawHeat(context, side, heat, query) {
  const { frame, state } = store;
  const { grid } = frame;
  const isLike = state.view === "likeness";
  const patches = heat.subarray(1);
  const others = isLike && query ? patches.filter((_, i) => i !== query - 1) : patches; // everything is most like itself
  const most = Math.max(...others);
  const least = isLike ? Math.min(...others) : 0;
  drawTiles(context, side);
  const step = side / grid;
  context.fillStyle = css(theme.palette["lab-heat"]);
  patches.forEach((weight, i) => {
    context.globalAlpha = THICKEST * Math.min(1, (weight - least) / (most - least || 1));
    context.fillRect((i % grid) * step, Math.floor(i / grid) * step, step, step);
  });
  context.globalAlpha = 1;
  const top = 1 + patches.findIndex((weight, i) => weight === most && !(isLike && i === query - 1));
  drawFrame(context, side, top, theme.palette["partly-bar"], 2);
  if (query) drawFrame(context, side, query, theme.palette["lab-heat"], 2);
  part("seen").textContent = seenText({ state, query, grid, heat, top });
  part("least").textContent = isLike ? cosine(least) : "0";
  part("most").textContent = isLike ? cosine(most) : percent(most);
}

function drawComponents(context, side) {
  const { frame } = store;
  frame.components ??= components(frame.tokens, frame.n);
  const [red, green, blue] = colours(frame.components.parts);
  const byte = (value) => Math.round(255 * value);
  pixels(buffer, frame.grid, frame.grid, (i) => packed(byte(red[i]), byte(green[i]), byte(blue[i])));
  context.drawImage(buffer, 0, 0, side, side);
  part("seen").textContent = componentsText(frame.components.share);
}
