// Two distributions on a line: how far apart KL, JS and Wasserstein find them, summed over a grid.
import { axis, draw, path, scale, touch } from "./kit.js";

const STEP = 0.005;
const GRID = Array.from({ length: 2200 }, (_, i) => -4 + (i + 0.5) * STEP); // -4 to 7: both lie within
const SHAPES = {
  uniform: (x) => (Math.abs(x) < 0.5 ? 1 : 0),
  gaussian: (x) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI),
};

const sum = (values) => values.reduce((total, value) => total + value, 0);
const kl = (p, q) => sum(p.map((value, i) => (value > 0 ? value * Math.log(value / q[i]) : 0))) * STEP;

/** {kl, js, wasserstein} of a shape and the same shape moved by a shift. */
export function distances(shape, shift) {
  const density = (x) => SHAPES[shape](x);
  const p = GRID.map(density);
  const q = GRID.map((x) => density(x - shift));
  const m = p.map((value, i) => (value + q[i]) / 2);
  let gap = 0; // between the two distribution functions
  const gaps = p.map((value, i) => {
    gap += (value - q[i]) * STEP;
    return Math.abs(gap);
  });
  return { kl: kl(p, q), js: (kl(p, m) + kl(q, m)) / 2, wasserstein: sum(gaps) * STEP };
}

const x = scale([-3, 6], [8, 352]);
const bar = scale([0, 3], [112, 312]);
const text = (value) => (value === Infinity ? "∞" : value.toFixed(2));

touch("분포 둘과, 둘이 얼마나 떨어졌는지 세 척도로 잰 막대", ({ svg, slider, choice }) => {
  const shape = choice({ label: "분포의 모양", choices: { uniform: "균등분포", gaussian: "가우시안" } });
  const shift = slider({ label: "떨어진 거리", min: 0, max: 3, step: 0.05, value: 0.5, along: x, show: text });
  axis(svg, x, [-2, 0, 2, 4], 118);
  const still = draw(svg, "path", { class: "touch-fill-a" });
  const moved = draw(svg, "path", { class: "touch-fill-b" });
  const rows = ["KL", "JS", "바서슈타인"].map((name, i) => {
    const y = 158 + i * 28;
    draw(svg, "text", { x: 104, y: y + 5, "text-anchor": "end" }, name);
    const rect = draw(svg, "rect", {
      x: bar(0),
      y: y - 8,
      height: 16,
      class: i === 2 ? "touch-fill-b" : "touch-fill-a",
    });
    return [rect, draw(svg, "text", { y: y + 5 })];
  });
  return () => {
    const top = shape.value === "uniform" ? 90 : 200;
    const outline = (move) =>
      path(
        GRID.filter((_, i) => i % 4 === 0)
          .filter((each) => each >= -3 && each <= 6)
          .map((each) => [x(each), 118 - top * SHAPES[shape.value](each - move)]),
      );
    still.setAttribute("d", outline(0));
    moved.setAttribute("d", outline(shift.value));
    const found = distances(shape.value, shift.value);
    [found.kl, found.js, found.wasserstein].forEach((value, i) => {
      const end = bar(Math.min(value, 3.2));
      rows[i][0].setAttribute("width", Math.max(1, end - bar(0)));
      rows[i][1].setAttribute("x", Math.min(end + 6, 326));
      rows[i][1].textContent = text(value);
    });
    const apart = `${text(shift.value)}만큼 떨어졌을 때 KL은 ${text(found.kl)}, JS는 ${text(found.js)}, 바서슈타인은 ${text(found.wasserstein)}`;
    return { say: `${apart}이에요.`, state: { shift: shift.value, ...found } };
  };
});
