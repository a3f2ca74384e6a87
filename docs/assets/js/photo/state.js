// What the page shows, as the query of its address: `?photo=cat&view=rollout`. What is as usual is left out.
import { DEPTH, HEADS, PATCH } from "./model.js";

export const PHOTOS = "flower astronaut coffee pagoda cat hopper raccoon camera horse rocket clock cell".split(" ");
export const SIZES = [112, 168, 224, 280, 336]; // pixels
export const LARGEST = SIZES.at(-1) / PATCH; // patches on a side
export const POSITIONS = ["2d", "smooth", "line", "repeat", "same", "none"];

const oneOf =
  (...values) =>
  (text) =>
    values.find((value) => String(value) === text);
const upTo = (count) => Array.from({ length: count }, (_, i) => i + 1);

// name -> [usual value, text -> value or undefined, value -> text]
const KEYS = {
  photo: [PHOTOS[0], oneOf(...PHOTOS)], // "own": a photograph of the reader's own is nobody else's
  view: ["attention", oneOf("attention", "rollout", "likeness", "components")],
  layer: [DEPTH, oneOf(...upTo(DEPTH))],
  head: ["mean", oneOf("mean", ...upTo(HEADS))],
  from: [1, oneOf(1, 2)], // the first layer of rollout
  query: ["cls", readQuery, (value) => (value === "cls" ? value : value.map((place) => place + 1).join(","))],
  size: [224, oneOf(...SIZES)],
  pos: [POSITIONS[0], oneOf(...POSITIONS)],
};
export const USUAL = Object.fromEntries(Object.entries(KEYS).map(([key, [usual]]) => [key, usual]));

// "cls", or row and column counted from 1, as "3,4" -> [2, 3].
function readQuery(text) {
  if (text === "cls") return text;
  const places = /^(\d+),(\d+)$/.exec(text)?.slice(1).map(Number) ?? [0];
  return places.every((place) => place >= 1 && place <= LARGEST) ? places.map((place) => place - 1) : undefined;
}

/** The query of an address -> a whole state. What it does not name, or names wrongly, is as usual. */
export function read(search) {
  const given = new URLSearchParams(search);
  return Object.fromEntries(
    Object.entries(KEYS).map(([key, [usual, parse]]) => [key, (given.has(key) && parse(given.get(key))) || usual]),
  );
}

/** A state -> the query of its address, "" where all is as usual. */
export function write(state) {
  const unusual = Object.entries(KEYS).filter(([key, [usual]]) => state[key] !== usual && state[key] !== "own");
  const pairs = unusual.map(([key, [, , text = String]]) => `${key}=${encodeURIComponent(text(state[key]))}`);
  return pairs.length ? `?${pairs.join("&")}`.replaceAll("%2C", ",") : "";
}

/** A query as the number of its token, 0 the class token. A place outside a smaller grid is its nearest one. */
export function tokenOf(query, grid) {
  if (query === "cls") return 0;
  const [row, column] = query.map((place) => Math.min(place, grid - 1));
  return 1 + row * grid + column;
}
