// The chain rule on three pixels: conditional probabilities multiplied in any order give the joint probability back.
import { draw, scale, touch } from "./kit.js";

const PIXELS = 3;
// The true probability of every pattern of three pixels: number 5 is 1 0 1. The first and the last are mostly alike.
export const TRUTH = [0.3, 0.02, 0.14, 0.04, 0.04, 0.14, 0.02, 0.3];
const ORDERS = ["123", "132", "213", "231", "312", "321"].map((order) => Array.from(order, (each) => Number(each) - 1));
const bits = (pattern) => Array.from({ length: PIXELS }, (_, i) => (pattern >> (PIXELS - 1 - i)) & 1);

/** The probability that these pixels are as they are in a pattern, whatever the others. */
const marginal = (pixels, pattern) =>
  TRUTH.reduce((sum, p, other) => {
    const same = pixels.every((i) => bits(other)[i] === bits(pattern)[i]);
    return same ? sum + p : sum;
  }, 0);

/** What the i-th pixel of an order may look at, by the kind of model. */
const SEEN = {
  before: (order, i) => order.slice(0, i),
  last: (order, i) => order.slice(Math.max(0, i - 1), i),
  others: (order, i) => order.filter((_, k) => k !== i),
};

/** The conditional probability of each pixel of a pattern, in that order. */
export const factors = (kind, order, pattern) =>
  order.map((pixel, i) => {
    const seen = SEEN[kind](order, i);
    return marginal([...seen, pixel], pattern) / marginal(seen, pattern);
  });

/** Their products, for every pattern. */
export const products = (kind, order) =>
  TRUTH.map((_, pattern) => factors(kind, order, pattern).reduce((a, b) => a * b));

const x = scale([-0.5, 7.5], [8, 352]);
const SUBSCRIPTS = ["₁", "₂", "₃"];
const BASE = 210; // where the bars stand
const height = (p) => 220 * p;

/** Two bars for each pattern, the true probability and the product; what is returned sets the products and the chosen one. */
function bars(svg) {
  const chosen = draw(svg, "rect", { y: 112, width: 41, height: 124, class: "touch-measured", rx: 4 });
  const made = TRUTH.map((p, pattern) => {
    const left = x(pattern) - 15;
    draw(svg, "rect", { x: left, y: BASE - height(p), width: 15, height: height(p), class: "touch-fill-a" });
    draw(svg, "text", { x: x(pattern), y: BASE + 17, "text-anchor": "middle" }, bits(pattern).join(""));
    return draw(svg, "rect", { x: left + 15, width: 15, class: "touch-fill-b" });
  });
  return (values, at) => {
    chosen.setAttribute("x", x(at) - 20.5);
    made.forEach((rect, pattern) => {
      rect.setAttribute("y", BASE - height(values[pattern]));
      rect.setAttribute("height", height(values[pattern]));
    });
  };
}

/** The factors of the chosen pattern, each in its own column. */
function chain(svg) {
  const columns = [68, 184, 300].map((left) => {
    const place = { x: left, "text-anchor": "middle" };
    return [draw(svg, "text", { ...place, y: 20 }), draw(svg, "text", { ...place, y: 42 })];
  });
  for (const left of [126, 242]) draw(svg, "text", { x: left, y: 42, "text-anchor": "middle" }, "×");
  return (kind, order, pattern) => {
    factors(kind, order, pattern).forEach((value, i) => {
      const name = (pixel) => `x${SUBSCRIPTS[pixel]}`;
      const given = SEEN[kind](order, i).map(name).join(", ");
      columns[i][0].textContent = `p(${name(order[i])}${given && ` | ${given}`})`;
      columns[i][1].textContent = value.toFixed(2);
    });
  };
}

touch("픽셀 셋의 무늬 여덟 가지의 참 확률과, 조건부 확률을 곱한 값", ({ svg, slider, choice, action, redraw }) => {
  let turn = 0;
  const choices = { last: "바로 앞", before: "모두", others: "서로" };
  const kind = choice({ label: "보는 것", choices });
  action("새 순서", () => {
    turn = (turn + 1) % ORDERS.length;
    redraw();
  });
  const show = (pattern) => bits(pattern).join(" ");
  const pattern = slider({ label: "무늬", min: 0, max: 7, step: 1, value: 5, along: x, show });
  const [paint, tell] = [bars(svg), chain(svg)];
  const result = draw(svg, "text", { x: 184, y: 68, "text-anchor": "middle" });
  draw(svg, "text", { x: 8, y: 98, class: "touch-soft" }, "회색: 참 확률, 색: 곱한 값");
  return () => {
    const order = ORDERS[turn];
    const values = products(kind.value, order);
    const [product, truth] = [values[pattern.value], TRUTH[pattern.value]];
    paint(values, pattern.value);
    tell(kind.value, order, pattern.value);
    result.textContent = `곱: ${product.toFixed(3)} · 참 확률: ${truth.toFixed(3)}`;
    const total = values.reduce((a, b) => a + b);
    const error = Math.max(...values.map((value, i) => Math.abs(value - TRUTH[i])));
    const names = order.map((pixel) => `x${SUBSCRIPTS[pixel]}`).join(" → ");
    const difference = `참 확률과의 가장 큰 차이: ${error.toFixed(3)}`;
    const right = kind.value === "others" ? "합이 1이 아니니 확률이 아니에요." : difference;
    const say = `${names} 순서. 여덟 무늬를 더하면: ${total.toFixed(2)}. ${right}`;
    return { say, state: { pattern: pattern.value, turn, kind: kind.value, total, error, product } };
  };
});
