// The scene, the map over its patches and the tokens of the last frame.
import { weights } from "./attention.js";
import { asPixels, css, pixels, sized, theme } from "./canvas.js";
import { drawHeads } from "./heads.js";
import { greyed, PEN, sceneOf } from "./image.js";
import { PATCH } from "./model.js";
import { tokenOf } from "./names.js";
import { boxOf } from "./scenes.js";
import { part, store } from "./store.js";
import { percent, seenText, tokenText } from "./words.js";

const THICKEST = 0.9; // opacity of the colour over the patch that is looked at most

const [sceneBuffer, inputBuffer, tokenBuffer] = Array.from({ length: 3 }, () => document.createElement("canvas"));

/** The scene as the reader changes it: before anything is shuffled or moved. */
export function drawScene() {
  const { image, size } = store.frame;
  const [context, side] = sized(part("scene"));
  context.drawImage(asPixels(sceneBuffer, image, size), 0, 0, side, side);
  const isFocused = document.activeElement === part("scene");
  if (store.state.source === "scene") drawGrip(context, side, isFocused);
  else if (store.state.source === "draw" && isFocused && store.pen.isShown) drawPen(context, side);
  context.globalAlpha = 1;
  context.setLineDash([]);
}

// The frame around the letter that says that it can be taken.
function drawGrip(context, side, isFocused) {
  const [x0, y0, x1, y1] = boxOf(sceneOf(store.state).letter).map((value) => value * side);
  const globalAlpha = store.dragged || isFocused ? 0.95 : 0.5;
  Object.assign(context, { strokeStyle: "#fff", lineWidth: 1.5, globalAlpha });
  context.setLineDash(store.dragged ? [] : [4, 4]);
  context.strokeRect(x0 - 3, y0 - 3, x1 - x0 + 6, y1 - y0 + 6);
}

function drawPen(context, side) {
  const { x, y, isDown } = store.pen;
  Object.assign(context, { strokeStyle: "#fff", lineWidth: 2, fillStyle: isDown ? "#fff" : "transparent" });
  context.beginPath();
  context.arc(x * side, y * side, (PEN * side) / 2, 0, 7);
  context.fill();
  context.stroke();
}

/** The patches as the model sees them, a colour over each as thick as the query looks at it, and what follows. */
export function drawMap() {
  const { frame, state } = store;
  const { grid } = frame;
  const query = tokenOf(store.hovered ?? state.query, grid);
  const heat = heatOf(query);
  const most = heat ? Math.max(...heat.subarray(1)) : 1;
  const top = heat ? 1 + heat.subarray(1).indexOf(most) : -1;
  drawPatches(heat, most, query, top);
  part("cls").setAttribute("aria-pressed", String(query === 0));
  part("cls").style.setProperty("--heat", heat ? Math.min(1, heat[0] / most) : 0);
  if (!heat) return;
  part("seen").textContent = seenText({ map: state.map, query, grid, heat, top });
  part("legend").textContent = percent(most);
  if (!frame.attn) return;
  drawHeads(query);
  markToken(query);
}

// What the state's map gives to all tokens, null where that is not known yet: the record has the first scene's rollout.
function heatOf(query) {
  const { frame, state } = store;
  if (frame.attn) return weights(frame, state.map, query);
  return frame.heat && state.map === "rollout" && query === 0 ? frame.heat : null;
}

function drawPatches(heat, most, query, top) {
  const { input, size, grid } = store.frame;
  const { palette } = theme;
  const [context, side] = sized(part("map"));
  asPixels(inputBuffer, heat ? greyed(input, size) : input, size);
  const step = side / grid;
  const gap = Math.max(1, step * 0.07);
  const tile = step - gap;
  for (let i = 0; i < grid * grid; i++) {
    const [column, row] = [i % grid, Math.floor(i / grid)];
    const at = [column * step + gap / 2, row * step + gap / 2, tile, tile];
    context.globalAlpha = 1;
    context.drawImage(inputBuffer, column * PATCH, row * PATCH, PATCH, PATCH, ...at);
    if (!heat) continue;
    Object.assign(context, { globalAlpha: THICKEST * (heat[1 + i] / most), fillStyle: css(palette["lab-heat"]) });
    context.fillRect(...at);
  }
  context.globalAlpha = 1;
  const frame = (token, colour, width) => {
    const [x, y] = [((token - 1) % grid) * step, Math.floor((token - 1) / grid) * step];
    Object.assign(context, { strokeStyle: css(colour), lineWidth: width });
    context.strokeRect(x + width / 2, y + width / 2, step - width, step - width);
  };
  if (heat) frame(top, palette["partly-bar"], Math.max(2, step * 0.06));
  if (query) frame(query, palette.accent, Math.max(2, step * 0.08));
}

/** The tokens that enter the first block, a column each; `markToken` shows them. */
export function drawTokens() {
  const { tokens, n } = store.frame;
  const dim = tokens.length / n;
  pixels(tokenBuffer, n, dim, (i) => {
    const value = tokens[(i % n) * dim + Math.floor(i / n)];
    return theme.ramps[value < 0 ? "minus" : "plus"][Math.round(255 * Math.min(1, Math.abs(value) / 3))];
  });
}

// Show the tokens, with a border around the query's.
function markToken(query) {
  const { n, grid } = store.frame;
  const [context, width, height] = sized(part("tokens"));
  const step = width / n;
  context.drawImage(tokenBuffer, 0, 0, width, height);
  Object.assign(context, { strokeStyle: css(theme.palette.ink), lineWidth: 2 });
  context.strokeRect(query * step, 1, Math.max(step, 3), height - 2);
  const note = tokenText(query, grid);
  part("tokens-title").textContent = `토큰 ${n}개 × ${tokenBuffer.height}차원`;
  part("tokens-note").textContent = note;
  part("tokens").setAttribute("aria-label", `첫 블록에 들어가는 토큰 ${n}개의 값. ${note}`);
}
