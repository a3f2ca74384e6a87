// How the learned positions, a grid of 37 x 37, are made to fit another grid; everything here is a function of its arguments.
import { MIXES } from "../lab/mixes.js";
import { GRID } from "./model.js";

// The weight of a point `away` (in units of the coarser grid) in bicubic interpolation; a as the formula has it.
function cubic(away, a) {
  const x = Math.abs(away);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

/**
 * Weights with which a line of `from` values gives one of `to`, as torch's bicubic has them: (to, from), an array of rows.
 * antialias: whether a value between wide steps is an average of all that it stands for.
 */
export function line(from, to, antialias) {
  const scale = from / to;
  const wide = antialias ? Math.max(1, scale) : 1;
  return Array.from({ length: to }, (_, i) => {
    const weights = new Float64Array(from);
    const centre = (i + 0.5) * scale - 0.5;
    for (let j = Math.ceil(centre - 2 * wide); j <= centre + 2 * wide; j++) {
      if (antialias && (j < 0 || j >= from)) continue;
      const at = Math.min(Math.max(j, 0), from - 1); // beyond the edge lies the edge
      weights[at] += cubic((j - centre) / wide, antialias ? -0.5 : -0.75);
    }
    const sum = weights.reduce((a, b) => a + b);
    return weights.map((weight) => weight / sum);
  });
}

// Row and column apart: the weight of a place is the product of both.
function bicubic(rows, columns, antialias) {
  const [down, across] = [line(GRID, rows, antialias), line(GRID, columns, antialias)];
  const mix = new Float32Array(rows * columns * GRID * GRID);
  let i = 0;
  for (const vertical of down) {
    for (const horizontal of across) {
      for (const y of vertical) for (const x of horizontal) mix[i++] = y * x;
    }
  }
  return mix;
}

/**
 * The model's input `mix`: (rows, columns, 37 * 37), flat. method: "2d" as the published model resizes, "smooth" with
 * antialias; "line", "repeat" and "same" as snippets/pe_interpolation.py has them; "none" without any.
 */
export function mixOf(method, rows, columns) {
  if (method === "2d" || method === "smooth") return bicubic(rows, columns, method === "smooth");
  const count = rows * columns;
  const mix = new Float32Array(count * GRID * GRID);
  for (let place = 0; place < count; place++) {
    for (const [at, weight] of MIXES[method](place, count, GRID * GRID)) mix[place * GRID * GRID + at] += weight;
  }
  return mix;
}
