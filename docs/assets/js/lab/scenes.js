// The scenes of snippets/scenes.py: the same numbers, from the same random numbers, drawn by the same formulas.
// Lengths are fractions of the frame, y points down.

export const CLASSES = [..."ㄱㄴㅏㅓㅗㅜ"];
// Where the middle of the upright stroke lies from that of the level one: half of their lengths, and the gap,
// each across and down.
const UPRIGHT = [
  { halves: [1, 1], gaps: [0, 1] }, // ㄱ: below the right end
  { halves: [-1, -1], gaps: [0, -1] }, // ㄴ: above the left end
  { halves: [-1, 0], gaps: [-1, 0] }, // ㅏ: left of the left end
  { halves: [1, 0], gaps: [1, 0] }, // ㅓ: right of the right end
  { halves: [0, -1], gaps: [0, -1] }, // ㅗ: above the middle
  { halves: [0, 1], gaps: [0, 1] }, // ㅜ: below the middle
];
const GAP = 0.12; // between the two strokes' lines
const DISTRACTORS = 6;
const PLACES = 8;
const WAVES = 3;
// Half a stroke's length.
export const SMALLEST = 0.13;
export const LARGEST = 0.21;

/** Random numbers in [0, 1) from a seed (mulberry32). */
export function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A random order of 0 … n - 1 (Fisher-Yates). */
export function shuffled(n, seed) {
  const random = generator(seed);
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** The numbers that make a scene, drawn in the order in which scenes.sample draws them. */
export function sample(seed) {
  const random = generator(seed);
  const uniform = (low, high) => low + (high - low) * random();
  const many = (n, low, high) => Array.from({ length: n }, () => uniform(low, high));
  const letter = sampleLetter(random, uniform);
  const bars = sampleBars(random, many, boxOf(letter));
  return { letter, bars, ...sampleColours(uniform, many) };
}

function sampleLetter(random, uniform) {
  const letter = {
    label: Math.floor(random() * CLASSES.length),
    radius: SMALLEST * (LARGEST / SMALLEST) ** random(),
    thickness: uniform(0.16, 0.2),
    stretch: uniform(-0.15, 0.15),
    turn: uniform(-0.15, 0.15),
  };
  const [low, high] = reach(letter);
  const [x, y] = [0, 1].map((axis) => random() * (1 - (high[axis] - low[axis])) - low[axis]);
  return { ...letter, x, y };
}

// The bars and points that divert, each beside the letter's box.
function sampleBars(random, many, box) {
  const lean = many(DISTRACTORS, -0.15, 0.15);
  const upright = many(DISTRACTORS, 0, 1).map((u) => u < 0.5);
  const length = many(DISTRACTORS, -0.1, 0.14);
  const thick = many(DISTRACTORS, 0.02, 0.04);
  const places = Array.from({ length: DISTRACTORS }, () => Array.from({ length: PLACES }, () => [random(), random()]));
  return lean.map((angle, k) => {
    const turned = angle + (upright[k] ? Math.PI / 2 : 0);
    const long = Math.max(0, length[k]);
    const half = [Math.cos(turned) * long, Math.sin(turned) * long];
    const around = half.map((value) => Math.abs(value) + thick[k] + 0.01);
    const isClear = (place) =>
      [0, 1].some((axis) => place[axis] + around[axis] < box[axis] || place[axis] - around[axis] > box[2 + axis]);
    const clear = places[k].find(isClear);
    const [x, y] = clear ?? places[k][0]; // without a clear place it is not drawn, but keeps its colour
    return { line: [x - half[0], y - half[1], x + half[0], y + half[1]], thick: clear ? thick[k] : -1 };
  });
}

// How much the bars and the letter differ from the ground, and the ground: a colour and waves over it.
function sampleColours(uniform, many) {
  const brightness = uniform(0.3, 0.5);
  const base = many(3, -0.12, 0.12).map((tint) => brightness + tint);
  const darker = many(DISTRACTORS, 0.2, 0.3).map((value) => many(3, -0.1, 0.1).map((tint) => tint - value));
  const brighter = uniform(0.3, 0.5);
  const contrasts = [...darker, many(3, -0.12, 0.12).map((tint) => brighter + tint)];
  const frequency = Array.from({ length: WAVES + 1 }, (_, k) =>
    many(2, -6, 6).map((value) => 2 * Math.PI * value * (k < WAVES ? 1 : 0.06)),
  );
  const phase = many(WAVES + 1, 0, 1).map((value) => 2 * Math.PI * value);
  const waves = Array.from({ length: WAVES + 1 }, () => many(3, -0.06, 0.06));
  return { contrasts, ground: { base, frequency, phase, waves } };
}

// The two strokes of a letter around the middle of the level one: [x0, y0, x1, y1] each.
function strokesOf({ label, radius, stretch, turn }) {
  const half = [radius * Math.exp(stretch), radius / Math.exp(stretch)];
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const turned = (x, y) => [x * cos - y * sin, x * sin + y * cos];
  const { halves, gaps } = UPRIGHT[label];
  const [x, y] = [0, 1].map((axis) => halves[axis] * half[axis] + gaps[axis] * GAP);
  return [
    [...turned(-half[0], 0), ...turned(half[0], 0)],
    [...turned(x, y - half[1]), ...turned(x, y + half[1])],
  ];
}

// How far a letter extends from its origin: [[left, top], [right, bottom]].
function reach(letter) {
  const strokes = strokesOf(letter);
  const margin = letter.radius * letter.thickness;
  return [0, 1].map((end) =>
    [0, 1].map((axis) => {
      const values = strokes.flatMap((stroke) => [stroke[axis], stroke[2 + axis]]);
      return end ? Math.max(...values) + margin : Math.min(...values) - margin;
    }),
  );
}

/** The box around a letter where it stands: [x0, y0, x1, y1]. */
export function boxOf(letter) {
  const [low, high] = reach(letter);
  return [letter.x + low[0], letter.y + low[1], letter.x + high[0], letter.y + high[1]];
}

/** The letter, moved just so far that all of it is in the frame. */
export function inFrame(letter) {
  const [low, high] = reach(letter);
  const keep = (value, axis) => Math.min(Math.max(value, -low[axis]), 1 - high[axis]);
  return { ...letter, x: keep(letter.x, 0), y: keep(letter.y, 1) };
}

/** The numbers of scenes.render for a scene. letter: null leaves it out; bars: null leaves them out. */
export function shapes({ letter, bars, contrasts, ground }) {
  const colours = contrasts.map((contrast) => contrast.map((value, c) => ground.base[c] + value));
  const colour = colours.at(-1);
  const lines = (bars ?? []).map(({ line, thick }, k) => {
    return { strokes: [line], width: thick, colour: colours[k] };
  });
  if (!letter) return { ground, shapes: lines, colour };
  const moved = strokesOf(letter).map(([x0, y0, x1, y1]) => [
    x0 + letter.x,
    y0 + letter.y,
    x1 + letter.x,
    y1 + letter.y,
  ]);
  const drawn = { strokes: moved, width: letter.radius * letter.thickness, colour };
  return { ground, shapes: [...lines, drawn], colour };
}

/** Colours in [0, 1], channel by channel: Float32Array of 3 * size * size. */
export function render({ ground, shapes }, size) {
  const image = new Float32Array(3 * size * size);
  const centres = Float64Array.from({ length: size }, (_, i) => (i + 0.5) / size);
  paintGround(image, centres, ground);
  for (const shape of shapes) if (shape.width > 0) paintShape(image, centres, shape);
  return image.map((value) => Math.min(1, Math.max(0, value)));
}

function paintGround(image, centres, { base, frequency, phase, waves }) {
  const size = centres.length;
  const area = size * size;
  for (let c = 0; c < 3; c++) image.fill(base[c], c * area, (c + 1) * area);
  waves.forEach((wave, k) => {
    const [fx, fy] = frequency[k];
    const sinX = centres.map((u) => Math.sin(fx * u)); // sin(a + b), so that each row and column takes one sine
    const cosX = centres.map((u) => Math.cos(fx * u));
    for (let y = 0; y < size; y++) {
      const sin = Math.sin(fy * centres[y] + phase[k]);
      const cos = Math.cos(fy * centres[y] + phase[k]);
      for (let x = 0; x < size; x++) {
        const value = sinX[x] * cos + cosX[x] * sin;
        const i = y * size + x;
        for (let c = 0; c < 3; c++) image[c * area + i] += wave[c] * value;
      }
    }
  });
}

function paintShape(image, centres, { strokes, width, colour }) {
  const size = centres.length;
  const area = size * size;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      let nearest = Infinity; // squared distance to a stroke
      for (const [x0, y0, x1, y1] of strokes) {
        const dx = x1 - x0;
        const dy = y1 - y0;
        const px = centres[x] - x0;
        const py = centres[y] - y0;
        const along = Math.min(1, Math.max(0, (px * dx + py * dy) / (dx * dx + dy * dy + 1e-12)));
        nearest = Math.min(nearest, (px - along * dx) ** 2 + (py - along * dy) ** 2);
      }
      const gap = Math.sqrt(nearest) - width; // to the edge, negative inside
      const cover = Math.min(1, Math.max(0, 0.5 - gap * size));
      const i = y * size + x;
      if (cover) for (let c = 0; c < 3; c++) image[c * area + i] += cover * (colour[c] - image[c * area + i]);
    }
  }
}
