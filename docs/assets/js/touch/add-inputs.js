// Two inputs through a layer: is the output of their sum the sum of their outputs? Linear layers say yes.
import { draw, normals, path, put, touch } from "./kit.js";

const D = 64;
const next = normals(4);
const vector = () => Array.from({ length: D }, next);
const weights = (rows, columns) =>
  Array.from({ length: rows }, () => Array.from({ length: columns }, () => next() / Math.sqrt(columns)));
const [UP, DOWN] = [weights(4 * D, D), weights(D, 4 * D)];

const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
const length = (a) => Math.sqrt(dot(a, a));
const add = (a, b) => a.map((value, i) => value + b[i]);
const times = (factor, a) => a.map((value) => factor * value);
const apply = (matrix, x) => matrix.map((row) => dot(row, x));

export const LAYERS = {
  linear: (x) => apply(DOWN, apply(UP, x)), // two Linears, and nothing between them
  mlp: (x) =>
    apply(
      DOWN,
      apply(UP, x).map((value) => Math.max(0, value)),
    ), // the same weights, a ReLU between them
};

const FIRST = vector();
const other = vector();
const upright = add(other, times(-dot(other, FIRST) / dot(FIRST, FIRST), FIRST));
const SECOND = times(length(FIRST) / length(upright), upright); // as long as FIRST, at a right angle to it
const turned = (degrees) => {
  const angle = (degrees * Math.PI) / 180;
  return add(times(Math.cos(angle), FIRST), times(Math.sin(angle), SECOND));
};

/** Outputs of a, of b, of a + b, and the relative error of the first two's sum against the third. */
export function additivity(layer, degrees) {
  const b = turned(degrees);
  const [a, c, together] = [FIRST, b, add(FIRST, b)].map(LAYERS[layer]);
  return { a, b: c, together, error: length(add(add(a, c), times(-1, together))) / length(together) };
}

const ORIGIN = [118, 176];

/** A map from outputs to the stage: the plane of f(a), to the right, and of what the output at a right angle adds to it. */
function plane(layer) {
  const [a, across] = [FIRST, SECOND].map(LAYERS[layer]);
  const right = times(1 / length(a), a);
  const rest = add(across, times(-dot(across, right), right));
  const up = times(1 / length(rest), rest);
  const unit = 92 / length(a);
  return (output) => [ORIGIN[0] + unit * dot(output, right), ORIGIN[1] - unit * dot(output, up)];
}

/** A function that shows a's, b's and a + b's outputs. */
function scene(svg) {
  const sides = draw(svg, "path", { class: "touch-line-a", "stroke-dasharray": "4 3" });
  const arrows = draw(svg, "path", { class: "touch-line-a" });
  const gap = draw(svg, "path", { class: "touch-line-b", "stroke-dasharray": "2 3" });
  const corner = draw(svg, "rect", { width: 16, height: 16, class: "touch-measured" });
  const mark = draw(svg, "circle", { r: 5, class: "touch-fill-b" });
  const [nameA, nameB] = ["f(a)", "f(b)"].map((name) => draw(svg, "text", { "text-anchor": "middle" }, name));
  draw(svg, "rect", { x: 12, y: 204, width: 12, height: 12, class: "touch-measured" });
  draw(svg, "text", { x: 30, y: 214 }, "따로 넣어 더한 f(a) + f(b)");
  draw(svg, "circle", { cx: 18, cy: 228, r: 5, class: "touch-fill-b" });
  draw(svg, "text", { x: 30, y: 232 }, "더해서 넣은 f(a + b)");
  return (place, found) => {
    const [a, b, sum, together] = [found.a, found.b, add(found.a, found.b), found.together].map(place);
    put(arrows, { d: path([a, ORIGIN, b]) });
    put(sides, { d: path([a, sum, b]) });
    put(gap, { d: path([sum, together]) });
    put(corner, { x: sum[0] - 8, y: sum[1] - 8 });
    put(mark, { cx: together[0], cy: together[1] });
    put(nameA, { x: a[0], y: a[1] + 18 });
    put(nameB, { x: b[0], y: b[1] - 12 });
  };
}

function say(layer, error) {
  if (error > 1e-9) return "네모와 점이 벌어졌어요. 더해서 넣은 출력은 따로 넣어 더한 것과 달라요.";
  if (layer === "linear") return "네모와 점이 겹쳐요. 어느 쪽으로 돌려도 더하기가 지켜져요.";
  return "b가 a와 같으면 ReLU MLP의 출력도 꼭 두 배예요. 조금만 돌려 보세요.";
}

touch("두 입력의 출력을 더한 것과, 더해서 넣은 출력", ({ svg, slider, choice }) => {
  const along = {
    back: (x, y) => {
      const angle = (Math.atan2(ORIGIN[1] - y, x - ORIGIN[0]) * 180) / Math.PI;
      return angle < -90 ? 150 : angle;
    },
  };
  const show = (angle) => `${angle}°`;
  const degrees = slider({ label: "b의 방향", min: 0, max: 150, step: 1, value: 90, show, along });
  const layer = choice({ label: "층", choices: { linear: "선형", mlp: "ReLU MLP" }, value: "mlp" });
  const drawn = scene(svg);
  const wrong = draw(svg, "text", { x: 348, y: 232, "text-anchor": "end" });
  return () => {
    const found = additivity(layer.value, degrees.value);
    drawn(plane(layer.value), found);
    wrong.textContent = `상대 오차 ${found.error.toFixed(2)}`;
    return { say: say(layer.value, found.error), state: { degrees: degrees.value, error: found.error } };
  };
});
