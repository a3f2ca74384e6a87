// What the page shows, as the query of its address: `?photo=cat&view=rollout`. What is as usual is left out.
import { addresses, oneOf, token } from "../lab/address.js";
import { DEPTH, HEADS, PATCH } from "./model.js";

export const PHOTOS = "flower astronaut coffee pagoda cat hopper raccoon camera horse rocket clock cell".split(" ");
export const SIZES = [112, 168, 224, 280, 336]; // pixels
export const LARGEST = SIZES.at(-1) / PATCH; // patches on a side
export const POSITIONS = ["2d", "smooth", "line", "repeat", "same", "none"];

const upTo = (count) => Array.from({ length: count }, (_, i) => i + 1);

// name -> [usual value, text -> value or undefined, value -> text]
const KEYS = {
  photo: [PHOTOS[0], oneOf(...PHOTOS)], // "own": a photograph of the reader's own is nobody else's
  view: ["attention", oneOf("attention", "rollout", "likeness", "components")],
  layer: [DEPTH, oneOf(...upTo(DEPTH))],
  head: ["mean", oneOf("mean", ...upTo(HEADS))],
  from: [1, oneOf(1, 2)], // the first layer of rollout
  query: ["cls", ...token(LARGEST)],
  size: [224, oneOf(...SIZES)],
  pos: [POSITIONS[0], oneOf(...POSITIONS)],
};
export const { USUAL, read, write } = addresses(KEYS, "own");
