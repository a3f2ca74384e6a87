// The scene and the map under the reader's hand: dragged, drawn on, pointed at, by mouse, touch and keys; and pictures.
import { choose, drew, set } from "./controls.js";
import { drawScene } from "./draw.js";
import { takesPictures } from "./files.js";
import { changed, mapChanged } from "./frames.js";
import { sceneOf } from "./image.js";
import { PATCH } from "./model.js";
import { boxOf, inFrame } from "./scenes.js";
import { USUAL } from "./state.js";
import { part, store } from "./store.js";

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const scene = part("scene");
const map = part("map");

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

// Where on a canvas an event is, as shares of its sides.
function placeIn(canvas, { clientX, clientY }) {
  const { left, top, width, height } = canvas.getBoundingClientRect();
  return [(clientX - left) / width, (clientY - top) / height].map((value) => clamp(value, 0, 0.9999));
}

// --- The scene ---

function move(x, y) {
  const letter = inFrame({ ...sceneOf(store.state).letter, x, y });
  set({ x: letter.x, y: letter.y });
}

function startLine(x, y) {
  store.pen = { x, y, isDown: false, isShown: false };
  store.dragged = { line: [[x, y]] };
  store.own.lines.push(store.dragged.line);
  drew();
}

function takeLetter(x, y) {
  const { letter } = sceneOf(store.state);
  const [x0, y0, x1, y1] = boxOf(letter);
  const isInside = x > x0 && x < x1 && y > y0 && y < y1;
  store.dragged = isInside ? { dx: letter.x - x, dy: letter.y - y } : { dx: 0, dy: 0 }; // elsewhere: it comes here
  move(x + store.dragged.dx, y + store.dragged.dy);
}

scene.addEventListener("pointerdown", (event) => {
  const start = { draw: startLine, scene: takeLetter }[store.state.source];
  if (event.button || !start) return;
  start(...placeIn(scene, event));
  scene.setPointerCapture(event.pointerId);
});
scene.addEventListener("pointermove", (event) => {
  const { dragged } = store;
  if (!dragged) return;
  if (dragged.line) {
    for (const moved of event.getCoalescedEvents?.() ?? [event]) dragged.line.push(placeIn(scene, moved));
    drew();
  } else {
    const [x, y] = placeIn(scene, event);
    move(x + dragged.dx, y + dragged.dy);
  }
});
for (const end of ["pointerup", "pointercancel"]) {
  scene.addEventListener(end, () => {
    store.dragged = null;
    changed();
  });
}
for (const name of ["focus", "blur"]) {
  scene.addEventListener(name, () => {
    if (store.frame) drawScene();
  });
}

function movePen([right, down], step) {
  const { pen, own } = store;
  Object.assign(pen, { isShown: true, x: clamp(pen.x + right * step, 0, 1), y: clamp(pen.y + down * step, 0, 1) });
  if (pen.isDown) own.lines.at(-1).push([pen.x, pen.y]);
  drew();
}

function turnPen() {
  const { pen, own } = store;
  Object.assign(pen, { isShown: true, isDown: !pen.isDown });
  if (pen.isDown) own.lines.push([[pen.x, pen.y]]);
  part("said").textContent = pen.isDown ? "펜을 내렸어요." : "펜을 올렸어요.";
  drew();
}

scene.addEventListener("keydown", (event) => {
  const arrow = ARROWS[event.key];
  const step = (event.shiftKey ? PATCH : 1) / USUAL.size;
  const { source } = store.state;
  if (source === "scene" && arrow) {
    const { x, y } = sceneOf(store.state).letter;
    move(x + arrow[0] * step, y + arrow[1] * step);
  } else if (source === "draw" && arrow) movePen(arrow, 2 * step);
  else if (source === "draw" && event.key === " ") turnPen();
  else return;
  event.preventDefault();
});

// --- Pictures of the reader's own ---

async function take(file) {
  try {
    store.own.picture = await createImageBitmap(file);
    store.own.edits += 1;
    set({ source: "picture" });
  } catch {
    set({ source: "picture" });
    const text = `${file.name} 파일을 그림으로 읽지 못했어요. PNG나 JPEG로 해 보세요.`;
    part("scene-keys").textContent = text;
    part("said").textContent = text;
  }
}

takesPictures([part("file")], [scene], take);

// --- The map: point at a patch ---

function patchAt(event) {
  const grid = store.state.size / PATCH;
  const [x, y] = placeIn(map, event);
  return [Math.floor(y * grid), Math.floor(x * grid)];
}

function hover(patch) {
  store.hovered = patch;
  mapChanged();
}

map.addEventListener("pointermove", (event) => {
  if (event.buttons) choose(patchAt(event));
  else if (event.pointerType === "mouse") hover(patchAt(event));
});
map.addEventListener("pointerdown", (event) => {
  map.setPointerCapture(event.pointerId);
  choose(patchAt(event));
});
map.addEventListener("pointerleave", () => hover(null));
map.addEventListener("keydown", (event) => {
  const arrow = ARROWS[event.key];
  const grid = store.state.size / PATCH;
  const { query } = store.state;
  if (event.key === "Home") choose("cls");
  else if (arrow && query === "cls") choose([grid >> 1, grid >> 1]);
  else if (arrow) choose([clamp(query[0] + arrow[1], 0, grid - 1), clamp(query[1] + arrow[0], 0, grid - 1)]);
  else return;
  event.preventDefault();
});
