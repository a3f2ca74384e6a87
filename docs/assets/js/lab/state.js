// What the 실험실 shows, as the query of its address: `?pos=none&shuffle=patches`. What is as usual is left out.
import { addresses, oneOf, token } from "./address.js";
import { DEPTH, HEADS, PATCH } from "./model.js";
import { CLASSES, LARGEST, SMALLEST } from "./scenes.js";

export const SIZES = { min: 32, max: 128, step: PATCH }; // pixels
export const SHIFT = PATCH; // pixels at most

const whole = (low, high) => (text) => (/^-?\d+$/.test(text) && +text >= low && +text <= high ? +text : undefined);
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
  query: ["cls", ...token(SIZES.max / SIZES.step)],
};
export const { USUAL, read, write } = addresses(KEYS, "picture");

const within = (low, text, high) => +text >= low && +text <= high;

// "rollout", or layer and head counted from 1, as "3-2", or "3-mean".
function readMap(text) {
  const [, layer, head] = /^(\d+)-(\d+|mean)$/.exec(text) ?? [];
  const known = within(1, layer, DEPTH) && (head === "mean" || within(1, head, HEADS));
  return text === "rollout" || known ? text : undefined;
}

/** What a state's answer is compared with: the same unshuffled and unmoved, else the model as trained; null for that. */
export function reference(state) {
  if (state.shuffle !== "none") return { ...state, shuffle: "none", dx: 0, dy: 0, when: "섞기 전" };
  if (state.dx || state.dy) return { ...state, dx: 0, dy: 0, when: "옮기기 전" };
  if (state.pos === USUAL.pos && state.size === USUAL.size) return null;
  return { ...state, pos: USUAL.pos, size: USUAL.size, when: "학습한 그대로일 때" };
}
