// The best discriminator of two densities, p / (p + q), and the gradients that made samples get from it.
import { axis, draw, path, scale, signed, touch } from "./kit.js";

const normal = (x, centre, width) => Math.exp(-(((x - centre) / width) ** 2) / 2) / (width * Math.sqrt(2 * Math.PI));
const real = (x) => (normal(x, -1.5, 0.5) + normal(x, 1.5, 0.5)) / 2; // two hills, as in the snippet
const made = (x, centre) => normal(x, centre, 1);

const STEP = 0.02;
const GRID = Array.from({ length: 701 }, (_, i) => -6 + i * STEP); // −6 to 8
const sum = (values) => values.reduce((total, value) => total + value, 0);

/** log p − log q, the logit of the best discriminator; written so that far away nothing becomes 0 / 0. */
function logit(x, centre) {
  const hills = [-1.5, 1.5].map((hill) => -((x - hill) ** 2) / (2 * 0.25));
  const most = Math.max(...hills);
  const logReal = most + Math.log(sum(hills.map((each) => Math.exp(each - most)))) - Math.log(2 * 0.5);
  return logReal + (x - centre) ** 2 / 2;
}

/** The best discriminator's share of right answers, and the mean size of each loss's gradient at made samples. */
export function measure(centre) {
  const [p, q] = [GRID.map(real), GRID.map((x) => made(x, centre))];
  const slopes = GRID.map((x) => (logit(x + 1e-4, centre) - logit(x - 1e-4, centre)) / 2e-4);
  const D = GRID.map((x) => 1 / (1 + Math.exp(-logit(x, centre))));
  const mean = (sizes) => sum(sizes.map((size, i) => Math.abs(size) * q[i])) / sum(q);
  return {
    accuracy: sum(p.map((value, i) => Math.max(value, q[i]))) / sum(p.map((value, i) => value + q[i])),
    minimax: mean(D.map((value, i) => value * slopes[i])), // d log(1 − D) = −D × the logit's slope
    practical: mean(D.map((value, i) => (1 - value) * slopes[i])), // d −log D = −(1 − D) × the logit's slope
  };
}

const x = scale([-3, 5], [12, 348]);
const y = scale([0, 1], [128, 24]);
const bar = scale([0, 12], [110, 310]);
const BASE = 128;

/** The stage's curves: densities as areas, D as a line; what is returned draws them for a centre of q. */
function curves(svg) {
  const shown = GRID.filter((each, i) => i % 2 === 0 && each >= -3 && each <= 5);
  axis(
    svg,
    x,
    [-3, -1, 1, 3, 5].map((tick) => [tick, signed(tick, 0)]),
    BASE,
  );
  const area = (f) => `${path(shown.map((each) => [x(each), y(f(each))]))}L${x(5)},${BASE}L${x(-3)},${BASE}Z`;
  draw(svg, "path", { class: "touch-fill-a", d: area(real) });
  const q = draw(svg, "path", { class: "touch-fill-b" });
  const D = draw(svg, "path", { class: "touch-measured" });
  draw(svg, "text", { x: 12, y: 15 }, "회색: 진짜 p, 색: 생성한 q, 선: D = p/(p+q)");
  return (centre) => {
    q.setAttribute(
      "d",
      area((each) => made(each, centre)),
    );
    D.setAttribute("d", path(shown.map((each) => [x(each), y(1 / (1 + Math.exp(-logit(each, centre))))])));
  };
}

touch("두 밀도와 가장 좋은 판별자, 생성한 표본이 받는 기울기", ({ svg, slider }) => {
  const show = (value) => signed(value, 1);
  const centre = slider({ label: "q의 중심", min: -2, max: 4.5, step: 0.1, value: 4, along: x, show });
  const paint = curves(svg);
  draw(svg, "text", { x: 12, y: 170 }, "생성한 표본이 받는 기울기의 크기 (평균)");
  const rows = ["log(1 − D)", "−log D"].map((name, i) => {
    const top = 182 + i * 28;
    draw(svg, "text", { x: 102, y: top + 14, "text-anchor": "end" }, name);
    const rect = draw(svg, "rect", { x: bar(0), y: top, height: 18, class: i ? "touch-fill-b" : "touch-fill-a" });
    return [rect, draw(svg, "text", { y: top + 14 })];
  });
  return () => {
    const found = measure(centre.value);
    paint(centre.value);
    [found.minimax, found.practical].forEach((size, i) => {
      rows[i][0].setAttribute("width", Math.max(1, bar(size) - bar(0)));
      rows[i][1].setAttribute("x", bar(size) + 6);
      rows[i][1].textContent = size.toFixed(2);
    });
    const accuracy = `가장 좋은 판별자의 정확도: ${Math.round(100 * found.accuracy)}%`;
    const gone =
      found.minimax < found.practical / 10 ? "잘 가려낼수록 log(1 − D)의 기울기가 사라져요." : "다 가려내지는 못해요.";
    return { say: `${accuracy}. ${gone}`, state: { centre: centre.value, ...found } };
  };
});
