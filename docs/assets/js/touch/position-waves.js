// Sinusoidal position vectors of a 4 × 4 grid: how much one place's vector resembles the others', and how far apart they lie.
import { draw, scale, signed, touch } from "./kit.js";

const SIDE = 4;
const WAVES = 8; // for each of rows and columns, a sine and a cosine: 32 numbers a vector, as in the snippet

/** The vectors of all places, row by row. base: the slowest wave takes 2π × base places; the fastest 2π. */
export function vectors(base) {
  const speeds = Array.from({ length: WAVES }, (_, k) => base ** (-k / (WAVES - 1)));
  const along = (place) => speeds.flatMap((speed) => [Math.sin(place * speed), Math.cos(place * speed)]);
  return Array.from({ length: SIDE * SIDE }, (_, i) => [...along(i % SIDE), ...along(Math.floor(i / SIDE))]);
}

const dot = (a, b) => a.reduce((sum, each, i) => sum + each * b[i], 0);
/** Cosine similarity: every vector is as long as the others, √(2 × WAVES). */
export const similarity = (a, b) => dot(a, b) / (2 * WAVES);

/** Mean distance between the vectors of any two places. */
export function apart(all) {
  const pairs = all.flatMap((a, i) => all.slice(0, i).map((b) => Math.hypot(...a.map((each, k) => each - b[k]))));
  return pairs.reduce((a, b) => a + b) / pairs.length;
}

const CELL = 46;
const corner = (i) => [8 + (i % SIDE) * CELL, 30 + Math.floor(i / SIDE) * CELL];
const bar = scale([0, 6], [212, 352]);

const inside = (pixel, from) => Math.min(SIDE - 1, Math.max(0, Math.floor((pixel - from) / CELL)));
/** The place, 1 to 16, under a point of the stage. */
const under = { back: (left, top) => 1 + inside(left, 8) + SIDE * inside(top, 30) };

/** The cells of the map. What is returned paints the similarities of a place with all. */
function grid(svg) {
  const cells = Array.from({ length: SIDE * SIDE }, (_, i) => {
    const [left, top] = corner(i);
    const place = { x: left, y: top, width: CELL, height: CELL };
    const rect = draw(svg, "rect", { ...place, class: "touch-cell-b" });
    draw(svg, "rect", { ...place, class: "touch-frame" });
    const text = draw(svg, "text", { x: left + CELL / 2, y: top + CELL / 2 + 4, "text-anchor": "middle" });
    return [rect, text];
  });
  const frame = draw(svg, "rect", { width: CELL, height: CELL, class: "touch-measured" });
  return (at, values) => {
    cells.forEach(([rect, text], i) => {
      rect.setAttribute("fill-opacity", (0.6 * Math.max(0, values[i])).toFixed(2));
      text.textContent = signed(values[i]);
    });
    frame.setAttribute("x", corner(at)[0]);
    frame.setAttribute("y", corner(at)[1]);
  };
}

touch("위치 벡터끼리 닮은 정도를 칠한 격자와, 자리 사이의 평균 거리", ({ svg, numbers, slider }) => {
  const base = slider({
    label: "식의 10,000",
    min: 0.2,
    max: 5,
    step: 0.1,
    value: 4,
    show: (power) => `${Math.round(10 ** power).toLocaleString("en")}`,
  });
  const place = slider({ label: "자리", min: 1, max: SIDE * SIDE, step: 1, value: 6, along: under });
  const text = (y, words = "") => draw(svg, "text", { x: 212, y }, words);
  draw(svg, "text", { x: 8, y: 20 }, "이 자리와의 유사도");
  text(20, "자리 사이의 평균 거리");
  const ours = text(48);
  const length = draw(svg, "rect", { x: bar(0), y: 54, height: 14, class: "touch-fill-b" });
  const frozen = numbers["fixed_or_learned.apart_frozen"];
  text(98, `얼린 무작위: ${frozen.toFixed(2)}`);
  draw(svg, "rect", { x: bar(0), y: 104, width: bar(frozen) - bar(0), height: 14, class: "touch-fill-a" });
  text(160, "가장 느린 파장");
  const wave = text(178);
  text(196, "(격자의 한 변: 4칸)");
  const paint = grid(svg);
  return () => {
    const slowest = 10 ** base.value;
    const all = vectors(slowest);
    const at = place.value - 1;
    const values = all.map((each) => similarity(all[at], each));
    const distance = apart(all);
    paint(at, values);
    ours.textContent = `사인파: ${distance.toFixed(2)}`;
    length.setAttribute("width", bar(distance) - bar(0));
    const places = Math.round(2 * Math.PI * slowest).toLocaleString("en");
    wave.textContent = `${places}칸`;
    const least = Math.min(...values);
    const say = `가장 덜 닮은 자리와의 유사도: ${signed(least)}. 파장이 짧을수록 자리마다 또렷이 달라요.`;
    return { say, state: { base: slowest, place: place.value, apart: distance, least } };
  };
});
