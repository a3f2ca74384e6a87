// What is reckoned from the model's attention maps and logits; everything here is a function of its arguments.
// maps: { attn, n }, as Model.run gives them: flat (DEPTH, HEADS, n, n), row = query, column = key, class token first.
// Those of another model say their own depth, heads and patch (its side in pixels) besides.
import { DEPTH, HEADS, PATCH } from "./model.js";

/** One row of a map: layer from 0; head from 0, or null for the mean of all -> Float32Array (n). */
export function row({ attn, n, heads: count = HEADS }, layer, head, query) {
  const heads = head === null ? Array.from({ length: count }, (_, h) => h) : [head];
  const weights = new Float32Array(n);
  for (const h of heads) {
    const start = ((layer * count + h) * n + query) * n;
    for (let k = 0; k < n; k++) weights[k] += attn[start + k] / heads.length;
  }
  return weights;
}

/** One row of the attention rollout from a layer on, as snippets/attention_rollout.py reckons it -> Float32Array (n). */
export function rollout({ attn, n, depth = DEPTH, heads = HEADS }, query, first = 0) {
  let joint = new Float64Array(n);
  joint[query] = 1;
  for (let layer = depth - 1; layer >= first; layer--) {
    const below = joint.map((weight) => 0.5 * weight); // from the left: the last layer first, so a row suffices
    for (let h = 0; h < heads; h++) {
      for (let q = 0; q < n; q++) {
        const weight = (0.5 * joint[q]) / heads;
        const start = ((layer * heads + h) * n + q) * n;
        if (weight) for (let k = 0; k < n; k++) below[k] += weight * attn[start + k];
      }
    }
    joint = below;
  }
  return Float32Array.from(joint);
}

// Patches between the centres of all patches, row after row: Float32Array of (n - 1) ** 2. The last one is kept.
let apart = {};
function between(n, columns) {
  if (apart.n !== n || apart.columns !== columns) {
    const sides = new Float32Array((n - 1) ** 2);
    for (let a = 0; a < n - 1; a++) {
      for (let b = 0; b < n - 1; b++) {
        const dy = Math.floor(a / columns) - Math.floor(b / columns);
        const dx = (a % columns) - (b % columns);
        sides[a * (n - 1) + b] = Math.sqrt(dy * dy + dx * dx);
      }
    }
    apart = { n, columns, sides };
  }
  return apart.sides;
}

/** Attention distance of one head in pixels, as snippets/attention_distance.py reckons it; layer and head from 0. */
export function distance({ attn, n, heads = HEADS, patch = PATCH }, layer, head, columns) {
  const sides = between(n, columns);
  let total = 0;
  for (let q = 1; q < n; q++) {
    const start = ((layer * heads + head) * n + q) * n;
    const of = (q - 1) * (n - 1) - 1;
    let sum = 0;
    let far = 0;
    for (let k = 1; k < n; k++) {
      sum += attn[start + k]; // from 1: the class token has no place
      far += attn[start + k] * sides[of + k];
    }
    total += far / sum;
  }
  return (patch * total) / (n - 1);
}

/** Attention distances of every head of the trained model -> {"1-1": …, "1-2": …}. */
export function distances(maps, columns) {
  const all = Array.from({ length: DEPTH * HEADS }, (_, map) => [Math.floor(map / HEADS), map % HEADS]);
  return Object.fromEntries(
    all.map(([layer, head]) => [`${layer + 1}-${head + 1}`, distance(maps, layer, head, columns)]),
  );
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
