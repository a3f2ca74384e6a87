// Three activation functions and their slopes at a point, and how far GELU's cheap form by tanh is from it.
import { axis, draw, path, scale, signed, touch } from "./kit.js";

/** The error function, right to 1.5e-7 (Abramowitz and Stegun 7.1.26). */
function erf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const powers = [0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429];
  const sum = powers.reduceRight((total, each) => (total + each) * t, 0);
  return Math.sign(x) * (1 - sum * Math.exp(-x * x));
}

const normal = (x) => (1 + erf(x / Math.SQRT2)) / 2; // its cumulative function
const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const byTanh = (x) => (x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))) / 2;

/** Each function's value and slope at x. */
export const FUNCTIONS = {
  gelu: [(x) => x * normal(x), (x) => normal(x) + (x * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI)],
  silu: [(x) => x * sigmoid(x), (x) => sigmoid(x) * (1 + x * (1 - sigmoid(x)))],
  relu: [(x) => Math.max(0, x), (x) => Number(x > 0)],
};
/** How far the tanh form lies from GELU at x. */
export const gap = (x) => Math.abs(FUNCTIONS.gelu[0](x) - byTanh(x));
const scaled = (x) => 1000 * gap(x);

const NAMES = { gelu: "GELU", silu: "SiLU", relu: "ReLU", gap: "tanh" };
const GRID = Array.from({ length: 141 }, (_, i) => -4 + i * 0.05); // −4 to 3
const x = scale([-4, 3], [16, 344]);
const y = scale([-0.6, 3], [206, 20]);

/** What of a curve lies on the stage, as a path. */
const outline = (f) => path(GRID.map((each) => [x(each), y(f(each))]));

/** The tangent at a point of a curve, one to each side, as a path. */
function tangent(at, value, slope) {
  const half = 0.9 / Math.hypot(1, slope);
  return path([-half, half].map((step) => [x(at + step), y(value + slope * step)]));
}

/** What is seen at a point. slope: none where the tanh form is looked at. */
function sentence(name, at, value, slope) {
  if (slope === undefined) return `x = ${signed(at)}에서 GELU와 tanh 근사의 차이: ${gap(at).toFixed(5)}`;
  const said = `x = ${signed(at)}에서 ${NAMES[name]}의 값: ${signed(value)}, 기울기: ${signed(slope)}`;
  return at < 0 && name !== "relu" ? `${said}. ReLU라면 둘 다 0이에요.` : said;
}

touch("활성화 함수의 곡선과 한 점에서의 기울기", ({ svg, slider, choice }) => {
  const input = slider({ label: "입력 x", min: -4, max: 3, step: 0.01, value: -2.2, along: x, show: signed });
  const which = choice({ label: "함수", choices: NAMES });
  axis(
    svg,
    x,
    [-4, -3, -2, -1, 0, 1, 2, 3].map((tick) => [tick, signed(tick, 0)]),
    216,
  );
  draw(svg, "path", { class: "touch-frame", d: `M16,${y(0)}H344` });
  draw(svg, "text", { x: 344, y: y(0) + 15, "text-anchor": "end" }, "0");
  const others = draw(svg, "path", { class: "touch-line-a", "stroke-opacity": 0.6 });
  const curve = draw(svg, "path", { class: "touch-line-b" });
  const touching = draw(svg, "path", { class: "touch-measured" });
  const dot = draw(svg, "circle", { class: "touch-cell-b", r: 5 });
  const title = draw(svg, "text", { x: 16, y: 18 });
  return () => {
    const [at, name] = [input.value, which.value];
    const [f, slope] = FUNCTIONS[name] ?? [scaled, null];
    const value = f(at);
    others.setAttribute("d", name === "gap" ? "" : outline(FUNCTIONS[name === "relu" ? "gelu" : "relu"][0]));
    curve.setAttribute("d", outline(f));
    dot.setAttribute("cx", x(at));
    dot.setAttribute("cy", y(value));
    touching.setAttribute("d", slope ? tangent(at, value, slope(at)) : "");
    title.textContent = slope ? `${NAMES[name]}, 회색: ${name === "relu" ? "GELU" : "ReLU"}` : "GELU와의 차이 × 1,000";
    return {
      say: sentence(name, at, value, slope?.(at)),
      state: { x: at, value, slope: slope?.(at) ?? 0, gap_1000: scaled(at) },
    };
  };
});
