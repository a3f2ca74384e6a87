// What the 실험실 shows, as the query of its address: `?pos=none&shuffle=patches`. What is as usual is left out.
import { DEPTH, HEADS, PATCH } from "./model.js";
import { CLASSES, LARGEST, SMALLEST } from "./scenes.js";

export const SIZES = { min: 32, max: 128, step: PATCH }; // pixels
export const SHIFT = PATCH; // pixels at most

const whole = (low, high) => (text) => (/^-?\d+$/.test(text) && +text >= low && +text <= high ? +text : undefined);
const oneOf =
  (...names) =>
  (text) =>
    names.includes(text) ? text : undefined;
const share = (low, high) => (text) => (/^[\d.]+$/.test(text) && +text >= low && +text <= high ? +text : undefined);

// name -> [usual value, text -> value or undefined, value -> text]
const KEYS = {
  source: ["scene", oneOf("scene", "draw")], // a picture of the reader's own is nobody else's
  scene: [24, whole(0, 2 ** 31)], // seeds
  bg: [null, (text) => (text === "plain" ? text : whole(0, 2 ** 31)(text))], // null: the scene's own background
  letter: [null, oneOf(...CLASSES)], // null: the scene's own letter, place and size
  x: [null, share(0, 1), (value) => value.toFixed(3)],
  y: [null, share(0, 1), (value) => value.toFixed(3)],
  r: [null, share(SMALLEST, LARGEST), (value) => value.toFixed(3)],
  bars: [1, whole(0, 1)],
  size: [64, (text) => (+text % SIZES.step === 0 ? whole(SIZES.min, SIZES.max)(text) : undefined)],
  pos: ["2d", oneOf("2d", "line", "repeat", "same", "none")],
  shuffle: ["none", oneOf("none", "patches", "tokens")],
  order: [1, whole(0, 2 ** 31)], // the seed of the shuffling
  dx: [0, whole(-SHIFT, SHIFT)],
  dy: [0, whole(-SHIFT, SHIFT)],
  map: ["rollout", readMap],
  query: ["cls", readQuery, (value) => (value === "cls" ? value : value.map((place) => place + 1).join(","))],
};
export const USUAL = Object.fromEntries(Object.entries(KEYS).map(([key, [usual]]) => [key, usual]));

const within = (low, text, high) => +text >= low && +text <= high;

// "rollout", or layer and head counted from 1, as "3-2", or "3-mean".
function readMap(text) {
  const [, layer, head] = /^(\d+)-(\d+|mean)$/.exec(text) ?? [];
  const known = within(1, layer, DEPTH) && (head === "mean" || within(1, head, HEADS));
  return text === "rollout" || known ? text : undefined;
}

// "cls", or row and column counted from 1, as "3,4" -> [2, 3].
function readQuery(text) {
  if (text === "cls") return text;
  const [, row, column] = /^(\d+),(\d+)$/.exec(text) ?? [];
  const grid = SIZES.max / SIZES.step;
  return within(1, row, grid) && within(1, column, grid) ? [row - 1, column - 1] : undefined;
}

/** The query of an address -> a whole state. What it does not name, or names wrongly, is as usual. */
export function read(search) {
  const given = new URLSearchParams(search);
  return Object.fromEntries(
    Object.entries(KEYS).map(([key, [usual, parse]]) => {
      const value = given.has(key) ? parse(given.get(key)) : undefined;
      return [key, value === undefined ? usual : value];
    }),
  );
}

/** A state -> the query of its address, "" where all is as usual. */
export function write(state) {
  const unusual = Object.entries(KEYS).filter(([key, [usual]]) => state[key] !== usual && state[key] !== "picture");
  const pairs = unusual.map(([key, [, , text = String]]) => `${key}=${encodeURIComponent(text(state[key]))}`);
  return pairs.length ? `?${pairs.join("&")}`.replaceAll("%2C", ",") : "";
}

/** What a state's answer is compared with: the same unshuffled and unmoved, else the model as trained; null for that. */
export function reference(state) {
  if (state.shuffle !== "none") return { ...state, shuffle: "none", dx: 0, dy: 0, when: "섞기 전" };
  if (state.dx || state.dy) return { ...state, dx: 0, dy: 0, when: "옮기기 전" };
  if (state.pos === USUAL.pos && state.size === USUAL.size) return null;
  return { ...state, pos: USUAL.pos, size: USUAL.size, when: "학습한 그대로일 때" };
}

/** A query as the number of its token, 0 the class token. A place outside a smaller grid is its nearest one. */
export function tokenOf(query, grid) {
  if (query === "cls") return 0;
  const [row, column] = query.map((place) => Math.min(place, grid - 1));
  return 1 + row * grid + column;
}
