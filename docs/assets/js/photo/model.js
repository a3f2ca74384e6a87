// The real ViT in the page: what is loaded, what it takes, and one run.
import { load as loadEngine } from "../lab/engine.js";

// Of the published file, see snippets/real_vit.py.
export const PATCH = 14; // pixels
export const GRID = 37; // learned positions on a side
export const DEPTH = 12;
export const HEADS = 6;
export const DIM = 384;
export const KEPT = "mundap-photo-lab"; // the store of the browser that keeps the model

// Else the weights are multiplied as int8 by activations that are rounded too: slower in WASM, and further off. Unchanged,
// the graph opens half a second sooner, and the weights stay as small as they came; a run takes a fifth longer.
const OPTIONS = { extra: { session: { disable_quant_qdq: "1" } }, graphOptimizationLevel: "disabled" };

/** Fetch all that the model needs and make it ready -> a promise of a Model; files, progress: as engine.js has them. */
export async function load(files, progress) {
  return new Model(await loadEngine({ ...files, keep: KEPT, options: OPTIONS }, progress));
}

class Model {
  constructor(engine) {
    this.engine = engine;
    this.lost = engine.lost;
  }

  /**
   * image: Float32Array of 3 * (14 rows) * (14 columns), colours in [0, 1], channel by channel; mix: of positions.js.
   * -> {tokens (n, 384), attn (12, 6, n, n)}, flat Float32Arrays with n = 1 + rows * columns, and the model's sizes.
   */
  async run(image, rows, columns, mix) {
    const { tokens, attn } = await this.engine.run({
      image: ["float32", image, [1, 3, PATCH * rows, PATCH * columns]],
      mix: ["float32", mix, [rows, columns, GRID * GRID]],
    });
    return { tokens, attn, n: 1 + rows * columns, depth: DEPTH, heads: HEADS, patch: PATCH };
  }
}
