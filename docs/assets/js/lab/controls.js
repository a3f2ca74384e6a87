// The controls: each shows the state, and changes it.
import { element, radio } from "../dom.js";
import { asPixels } from "./canvas.js";
import { changed, later, mapChanged } from "./frames.js";
import { groundOf, sceneOf } from "./image.js";
import { copiesLink } from "./link.js";
import { PATCH } from "./model.js";
import { CLASSES, inFrame, LARGEST, render, SMALLEST, sample } from "./scenes.js";
import { read, SHIFT, SIZES, USUAL, write } from "./state.js";
import { lab, part, store } from "./store.js";

const GROUNDS = [null, 11, 23, 35, 42, "plain"]; // backgrounds to choose from, as `bg` of the state has them
const SWATCH = 16; // pixels on a side

const choices = (name) => [...lab.querySelectorAll(`input[name="${name}"]`)];

part("letters").append(...CLASSES.map((letter) => radio("letter", letter, [letter])));
const groundNames = ["이 장면의 배경", ...GROUNDS.slice(1, -1).map((_, i) => `다른 배경 ${i + 1}`), "무늬 없는 배경"];
const swatches = GROUNDS.map((bg, i) => {
  const canvas = element("canvas", { "aria-hidden": "true" });
  part("grounds").append(radio("bg", String(bg), [canvas], groundNames[i]));
  return { bg, canvas };
});
Object.assign(part("r"), { min: SMALLEST, max: LARGEST });
Object.assign(part("size"), SIZES);
for (const name of ["dx", "dy"]) Object.assign(part(name), { min: -SHIFT, max: SHIFT });

function drawSwatches() {
  const own = sample(store.state.scene).ground;
  for (const { bg, canvas } of swatches) {
    asPixels(canvas, render({ ground: groundOf(bg, own), shapes: [] }, SWATCH), SWATCH);
  }
}

/** Change the state, and show what follows. */
export function set(changes) {
  Object.assign(store.state, changes);
  if (changes.source === "draw") store.pen.isShown = false;
  showControls();
  changed();
}

// Take the reader's lines away.
function clear() {
  store.own.lines = [];
  store.own.edits += 1;
}

/** Say that the reader's own lines or picture have changed. */
export function drew() {
  store.own.edits += 1;
  changed();
}

/** Choose the query of the map: "cls", or row and column from 0. */
export function choose(query) {
  store.hovered = null;
  lookAt({ query });
}

/** Show what the address says. */
export function open() {
  set(read(location.search));
  drawSwatches();
  unfold();
}

// Open the folded controls of what is not as usual.
function unfold() {
  for (const panel of lab.querySelectorAll("details[data-keys]")) {
    if (panel.dataset.keys.split(" ").some((key) => store.state[key] !== USUAL[key])) panel.open = true;
  }
}

// Change what is looked at, for which the model need not run again.
function lookAt(changes) {
  Object.assign(store.state, changes);
  mapChanged();
  later();
}

// The letter of the state's scene, also while the reader draws or shows a picture.
const letterNow = () => sceneOf({ ...store.state, source: "scene" }).letter;

function showControls() {
  const { state } = store;
  const letter = letterNow();
  const chosen = { ...state, bg: String(state.bg), letter: CLASSES[letter.label] };
  for (const name of ["source", "pos", "shuffle", "map", "bg", "letter"]) {
    for (const input of choices(name)) input.checked = input.value === chosen[name];
  }
  const values = { x: letter.x, y: letter.y, r: letter.radius, size: state.size, dx: state.dx, dy: state.dy };
  for (const [name, value] of Object.entries(values)) part(name).value = value;
  part("bars").checked = Boolean(state.bars);
  part("again").disabled = state.shuffle === "none";
  for (const node of lab.querySelectorAll("[data-source]")) node.hidden = !node.dataset.source.includes(state.source);
  showTexts(letter);
}

function showTexts(letter) {
  const { state } = store;
  const grid = state.size / PATCH;
  part("size-text").textContent = `${state.size} px = 패치 ${grid}×${grid}`;
  part("dx-text").textContent = `가로로 ${state.dx} px`.replace("-", "−");
  part("dy-text").textContent = `세로로 ${state.dy} px`.replace("-", "−");
  const isIdle = state.size === USUAL.size && ["line", "repeat"].includes(state.pos);
  part("pos-note").textContent = isIdle
    ? "학습한 크기인 64 px에서는 늘릴 것이 없어서 2D와 같아요. 해상도를 바꿔 보세요."
    : "";
  part("scene-keys").textContent = {
    scene: "끌거나 화살표 키로 옮겨요.",
    draw: "여기에 그려 보세요.",
    picture: store.own.picture ? "가운데를 잘라 썼어요." : "그림을 골라 주세요.",
  }[state.source];
  const where = `가로 ${Math.round(100 * letter.x)}%, 세로 ${Math.round(100 * letter.y)}%`;
  const names = { scene: `장면: ${CLASSES[letter.label]}, ${where}`, draw: "그림판", picture: "내 그림" };
  part("scene").setAttribute("aria-label", names[state.source]);
}

function onChange({ target }) {
  const { name, value } = target;
  if (name === "source") {
    if (value === "draw") clear();
    set({ source: value });
  } else if (name === "bg") set({ bg: GROUNDS.find((ground) => String(ground) === value) });
  else if (name === "map") lookAt({ map: value });
  else if (["pos", "shuffle", "letter"].includes(name)) set({ [name]: value });
  else if (target === part("bars")) set({ bars: Number(target.checked) });
}

lab.addEventListener("change", onChange);
for (const [name, key] of Object.entries({ x: "x", y: "y", r: "radius" })) {
  part(name).addEventListener("input", () => {
    const letter = inFrame({ ...letterNow(), [key]: Number(part(name).value) });
    set({ x: letter.x, y: letter.y, r: letter.radius });
  });
}
for (const name of ["size", "dx", "dy"]) {
  part(name).addEventListener("input", () => set({ [name]: Number(part(name).value) }));
}
for (const panel of lab.querySelectorAll("details[data-keys]")) panel.addEventListener("toggle", mapChanged);
part("new").addEventListener("click", () => {
  set({ scene: Math.floor(Math.random() * 1e6), letter: null, x: null, y: null, r: null });
  drawSwatches();
});
part("clear").addEventListener("click", () => {
  clear();
  changed();
});
part("again").addEventListener("click", () => set({ order: store.state.order + 1 }));
part("cls").addEventListener("click", () => choose("cls"));
part("reset").addEventListener("click", () => {
  clear();
  set({ ...USUAL });
  drawSwatches();
});
copiesLink(part("link"), () => write(store.state));
