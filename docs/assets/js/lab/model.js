// The trained ViT in the page: what is loaded, what it takes, and one run.
import { load as loadEngine } from "./engine.js";
import { MIXES } from "./mixes.js";

// Of snippets/train_vit.py.
export const PATCH = 8; // pixels
export const GRID = 8; // trained positions on a side
export const DEPTH = 6;
export const HEADS = 4;

const GRAPH = new URL("../../lab/vit.onnx", import.meta.url).href;

/** Fetch all that the model needs and make it ready -> a promise of a Model, as engine.js's load describes. */
export async function load(progress) {
  return new Model(await loadEngine({ graph: GRAPH }, progress));
}

class Model {
  constructor(engine) {
    this.engine = engine;
    this.lost = engine.lost;
  }

  /**
   * image: Float32Array of 3 * (8 rows) * (8 columns), as scenes.py normalises it; then what `positions` gives.
   * -> {logits (6), attn (6, 4, n, n), tokens (n, 64), n}, flat Float32Arrays with n = 1 + rows * columns.
   */
  async run(image, rows, columns, { keep, order, mix }) {
    const inputs = {
      image: ["float32", image, [1, 3, PATCH * rows, PATCH * columns]],
      keep: ["float32", keep, [2]],
      order: ["int64", order, [rows, columns]],
      mix: ["float32", mix, [rows, columns, GRID * GRID]],
    };
    const { logits, attn, tokens } = await this.engine.run(inputs);
    return { logits, attn, tokens, n: 1 + rows * columns };
  }
}

/** Colours in [0, 1] -> what the model takes. */
export function normalised(colours) {
  return colours.map((value) => (value - 0.5) / 0.25);
}

/**
 * The model's position inputs -> {keep, order, mix}, as tools/export_lab.py describes them. method: "2d" as trained, the
 * grid interpolated; "line", "repeat" and "same" as snippets/pe_interpolation.py has them; "none" without any.
 * order: which place's position each patch gets.
 */
export function positions(method, rows, columns, order) {
  const N = rows * columns;
  const trained = GRID * GRID;
  const keep = Float32Array.of(method === "none" ? 0 : 1, method === "2d" ? 1 : 0);
  const mix = new Float32Array(N * trained);
  const way = MIXES[method === "2d" ? "none" : method]; // in two dimensions nothing is mixed besides
  for (let i = 0; i < N; i++) {
    const place = order ? order[i] : i;
    for (const [at, weight] of way(place, N, trained)) mix[i * trained + at] += weight;
  }
  return { keep, mix, order: BigInt64Array.from({ length: N }, (_, i) => BigInt(order ? order[i] : i)) };
}
