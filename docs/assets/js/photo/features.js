// What is reckoned from the final tokens: likeness and principal components; everything here is a function of its arguments.
// tokens: flat (n, dim), the class token first.

const STEPS = 100; // of the power iteration, at most
const STILL = 1e-12; // the square of a change after which it goes on no more

function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
function add(target, weight, row) {
  for (let i = 0; i < row.length; i++) target[i] += weight * row[i];
}
const norm = (a) => Math.sqrt(dot(a, a));
const unit = (a) => {
  const length = norm(a) || 1;
  return a.map((value) => value / length);
};
const rowOf = (tokens, dim, i) => tokens.subarray(i * dim, (i + 1) * dim);

/** Cosine of every token with one of them -> Float32Array (n). */
export function likeness(tokens, n, query) {
  const dim = tokens.length / n;
  const chosen = rowOf(tokens, dim, query);
  return Float32Array.from({ length: n }, (_, i) => {
    const one = rowOf(tokens, dim, i);
    return dot(one, chosen) / (norm(one) * norm(chosen));
  });
}

/** Mean cosine of the patches of two runs of the same grid. */
export function agreement(one, other, n) {
  const dim = one.length / n;
  let sum = 0;
  for (let i = 1; i < n; i++) {
    const [a, b] = [rowOf(one, dim, i), rowOf(other, dim, i)];
    sum += dot(a, b) / (norm(a) * norm(b));
  }
  return sum / (n - 1);
}

// The patches' rows with their mean taken away.
function centred(tokens, n) {
  const dim = tokens.length / n;
  const mean = new Float64Array(dim);
  for (let i = 1; i < n; i++) add(mean, 1 / (n - 1), rowOf(tokens, dim, i));
  return Array.from({ length: n - 1 }, (_, i) => {
    const row = Float64Array.from(rowOf(tokens, dim, i + 1));
    add(row, -1, mean);
    return row;
  });
}

// The direction in which the rows spread most, found by going there again and again: a unit vector, or zeros.
function longest(rows) {
  let direction = unit(rows.reduce((most, row) => (norm(row) > norm(most) ? row : most)));
  for (let step = 0; step < STEPS; step++) {
    const sum = new Float64Array(direction.length);
    for (const row of rows) add(sum, dot(row, direction), row);
    const next = unit(sum);
    const change = next.reduce((total, value, d) => total + (value - direction[d]) ** 2, 0);
    direction = next;
    if (change < STILL) break;
  }
  return direction;
}

/**
 * The first principal components of the patches -> { parts: [Float64Array (n - 1), …], share }: how far each patch lies
 * along each, the farthest patch on the positive side; and the share of the spread that they hold together.
 */
export function components(tokens, n, count = 3) {
  const rows = centred(tokens, n);
  const spread = () => rows.reduce((sum, row) => sum + dot(row, row), 0);
  const whole = spread();
  const parts = Array.from({ length: count }, () => {
    const direction = longest(rows);
    const along = Float64Array.from(rows, (row) => dot(row, direction));
    rows.forEach((row, i) => {
      add(row, -along[i], direction);
    });
    const farthest = along.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0);
    return farthest < 0 ? along.map((value) => -value) : along;
  });
  return { parts, share: whole ? 1 - spread() / whole : 0 };
}

/** Components as colours: each from 0 to 1, channel by channel. */
export function colours(parts) {
  return parts.map((part) => {
    const [low, high] = [Math.min(...part), Math.max(...part)];
    return part.map((value) => (high > low ? (value - low) / (high - low) : 0.5));
  });
}
