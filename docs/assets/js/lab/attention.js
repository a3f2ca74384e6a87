// What is reckoned from the model's attention maps and logits; everything here is a function of its arguments.
// maps: { attn, n }, as Model.run gives them: flat (DEPTH, HEADS, n, n), row = query, column = key, class token first.
import { DEPTH, HEADS, PATCH } from "./model.js";

/** One row of a map: layer from 0; head from 0, or null for the mean of all -> Float32Array (n). */
export function row({ attn, n }, layer, head, query) {
  const heads = head === null ? Array.from({ length: HEADS }, (_, h) => h) : [head];
  const weights = new Float32Array(n);
  for (const h of heads) {
    const start = ((layer * HEADS + h) * n + query) * n;
    for (let k = 0; k < n; k++) weights[k] += attn[start + k] / heads.length;
  }
  return weights;
}

/** One row of the attention rollout, as snippets/attention_rollout.py reckons it -> Float32Array (n). */
export function rollout({ attn, n }, query) {
  let joint = new Float64Array(n);
  joint[query] = 1;
  for (let layer = DEPTH - 1; layer >= 0; layer--) {
    const below = joint.map((weight) => 0.5 * weight); // from the left: the last layer first, so a row suffices
    for (let h = 0; h < HEADS; h++) {
      for (let q = 0; q < n; q++) {
        const weight = (0.5 * joint[q]) / HEADS;
        const start = ((layer * HEADS + h) * n + q) * n;
        if (weight) for (let k = 0; k < n; k++) below[k] += weight * attn[start + k];
      }
    }
    joint = below;
  }
  return Float32Array.from(joint);
}

// Pixels between the centres of all patches, row after row: Float32Array of (n - 1) ** 2. The last one is kept.
let apart = {};
function between(n, columns) {
  if (apart.n !== n || apart.columns !== columns) {
    const pixels = new Float32Array((n - 1) ** 2);
    for (let a = 0; a < n - 1; a++) {
      for (let b = 0; b < n - 1; b++) {
        const dy = Math.floor(a / columns) - Math.floor(b / columns);
        const dx = (a % columns) - (b % columns);
        pixels[a * (n - 1) + b] = PATCH * Math.sqrt(dy * dy + dx * dx);
      }
    }
    apart = { n, columns, pixels };
  }
  return apart.pixels;
}

/** Attention distance of every head in pixels, as snippets/attention_distance.py reckons it -> {"1-1": …, "1-2": …}. */
export function distances({ attn, n }, columns) {
  const pixels = between(n, columns);
  const distance = (map) => {
    let total = 0;
    for (let q = 1; q < n; q++) {
      const start = (map * n + q) * n;
      const of = (q - 1) * (n - 1) - 1;
      let sum = 0;
      let far = 0;
      for (let k = 1; k < n; k++) {
        sum += attn[start + k]; // from 1: the class token has no place
        far += attn[start + k] * pixels[of + k];
      }
      total += far / sum;
    }
    return total / (n - 1);
  };
  const maps = Array.from({ length: DEPTH * HEADS }, (_, map) => map);
  return Object.fromEntries(maps.map((map) => [`${Math.floor(map / HEADS) + 1}-${(map % HEADS) + 1}`, distance(map)]));
}

/** The weights that a map of the state, "rollout", "3-2" or "3-mean", gives to all tokens -> Float32Array (n). */
export function weights(maps, map, query) {
  if (map === "rollout") return rollout(maps, query);
  const [layer, head] = map.split("-");
  return row(maps, layer - 1, head === "mean" ? null : head - 1, query);
}

/** Logits -> probabilities that sum to 1. */
export function softmax(logits) {
  const most = Math.max(...logits);
  const powers = Array.from(logits, (value) => Math.exp(value - most));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((value) => value / sum);
}
