// A pattern moved by pixels: does the output of a layer move along, stay, or do neither?
import { draw, path, put, touch } from "./kit.js";

const LENGTH = 16;
const PATTERN = [0.5, 1, 0.7]; // from cell 2 on, before it is moved
const FILTER = [0.5, 1, -1];

/** The input, moved by so many cells. */
export const moved = (cells) => Array.from({ length: LENGTH }, (_, i) => PATTERN[i - 2 - cells] ?? 0);

/** A convolution of width 3 and a ReLU: at every step-th cell; what lies outside is the other end, or 0. */
function convolve(signal, { step = 1, zeros = false }) {
  const at = (i) => (zeros ? (signal[i] ?? 0) : signal[(i + LENGTH) % LENGTH]);
  const all = signal.map((_, i) =>
    Math.max(
      0,
      FILTER.reduce((sum, weight, j) => sum + weight * at(i + j - 1), 0),
    ),
  );
  return all.filter((_, i) => i % step === 0);
}

export const LAYERS = {
  conv: (signal) => convolve(signal, {}),
  zeros: (signal) => convolve(signal, { zeros: true }),
  stride: (signal) => convolve(signal, { step: 2 }),
  mean: (signal) => [convolve(signal, {}).reduce((sum, value) => sum + value, 0) / LENGTH],
};

const size = (values) => Math.hypot(...values);
const roll = (values, cells) => values.map((_, i) => values[(i - cells + 2 * values.length) % values.length]);
const error = (a, b) => size(a.map((value, i) => value - b[i])) / size(b);

/** Of an input moved by so many cells: the output, the first output moved to where it fits best, and both errors. */
export function compare(layer, cells) {
  const [still, output] = [LAYERS[layer](moved(0)), LAYERS[layer](moved(cells))];
  const fits = still.map((_, by) => roll(still, by)).sort((a, b) => error(output, a) - error(output, b));
  return { output, along: fits[0], follows: error(output, fits[0]), stays: error(output, still) };
}

const [LEFT, WIDTH] = [12, 336];
const CHOICES = { conv: "합성곱", stride: "보폭 2", zeros: "0 채움", mean: "평균" };
const SAY = {
  both: "옮겨도 그대로예요. 이것이 불변성이에요.",
  follows: "출력이 똑같은 모양으로 따라 옮겨 갔어요. 이것이 등변성이에요.",
  neither: "어느 쪽으로 옮겨 봐도 맞지 않아요. 등변성이 깨졌어요.",
  nothing: "아직 옮기지 않았어요. 무늬를 끌어 보세요.",
};

/** Sixteen bars on a line at height y: a function that shows values in so many of them, and gives their outline. */
function bars(svg, y, name) {
  draw(draw(svg, "g", { class: "touch-axis" }), "path", { d: `M${LEFT},${y}h${WIDTH}` });
  const rects = Array.from({ length: LENGTH }, () => draw(svg, "rect", { class: name }));
  return (values, height) => {
    const width = WIDTH / values.length;
    rects.forEach((rect, i) => {
      const tall = height * (values[i] ?? 0);
      put(rect, { x: LEFT + i * width, width: i < values.length ? width : 0, y: y - tall, height: tall });
    });
  };
}

/** The outline of bars of such values. */
function outline(values, y, height) {
  const width = WIDTH / values.length;
  const tops = values.flatMap((value, i) => [0, 1].map((end) => [LEFT + (i + end) * width, y - height * value]));
  return path([[LEFT, y], ...tops, [LEFT + WIDTH, y]]);
}

function verdict(cells, { follows, stays }) {
  if (cells === 0) return SAY.nothing;
  if (stays < 1e-9) return SAY.both;
  return follows < 1e-9 ? SAY.follows : SAY.neither;
}

touch("옮긴 무늬와 그것을 지난 층의 출력", ({ svg, slider, choice }) => {
  const along = { back: (x) => Math.floor((x - LEFT) / (WIDTH / LENGTH)) - 3 }; // the pattern's middle is cell 3
  const cells = slider({ label: "옮긴 거리", min: 0, max: 11, step: 1, value: 3, show: (n) => `${n}칸`, along });
  const layer = choice({ label: "층", choices: CHOICES });
  draw(svg, "text", { x: LEFT, y: 18 }, "입력");
  draw(svg, "text", { x: LEFT, y: 112 }, "출력");
  draw(svg, "rect", { x: 212, y: 102, width: 12, height: 12, class: "touch-measured" });
  draw(svg, "text", { x: 230, y: 112 }, "처음 출력을 옮긴 것");
  const [inputs, outputs] = [bars(svg, 84, "touch-fill-a"), bars(svg, 212, "touch-fill-b")];
  const expected = draw(svg, "path", { class: "touch-measured" });
  const errors = draw(svg, "text", { x: LEFT, y: 231 });
  return () => {
    const now = compare(layer.value, cells.value);
    const height = layer.value === "mean" ? 400 : 70; // a mean of 16 cells is small
    inputs(moved(cells.value), 60);
    outputs(now.output, height);
    put(expected, { d: outline(now.along, 212, height) });
    const [follows, stays] = [now.follows, now.stays].map((error) => error.toFixed(2));
    errors.textContent = `상대 오차: 따라왔다고 보면 ${follows}, 제자리라고 보면 ${stays}`;
    return {
      say: `${CHOICES[layer.value]}: ${verdict(cells.value, now)}`,
      state: { cells: cells.value, follows: now.follows, stays: now.stays },
    };
  };
});
