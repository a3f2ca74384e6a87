// One query of 64 numbers against 64 keys: how softmax shares its weight among them, the scores divided by √d or not.
import { draw, normals, put, touch } from "./kit.js";

const [D, KEYS, QUERIES] = [64, 64, 200];
const next = normals(4);
const vectors = (count) => Array.from({ length: count }, () => Array.from({ length: D }, next));
const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
const keys = vectors(KEYS);
const [ahead, aside] = vectors(2); // the query turns in the plane of these two
const DIVISORS = { root: Math.sqrt(D), one: 1 };

/** Softmax weights of scores, whatever their size. */
export function softmax(scores) {
  const most = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - most));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

/** exp(entropy): among how many keys the weight is shared, were the shares equal. */
export const effective = (weights) => Math.exp(-weights.reduce((sum, p) => sum + (p > 0 ? p * Math.log(p) : 0), 0));

const attend = (query, divisor) => softmax(keys.map((key) => dot(query, key) / DIVISORS[divisor]));
const others = vectors(QUERIES);
const median = (divisor) => others.map((query) => effective(attend(query, divisor))).sort((a, b) => a - b)[QUERIES / 2];
export const USUAL = { root: median("root"), one: median("one") };

const [X, Y, UNIT] = [120, 120, 42];

/** The keys' shadows on the plane of the query: a function that shows the query's angle and their weights. */
function plane(svg) {
  const line = draw(svg, "path", { class: "touch-axis", "stroke-dasharray": "3 3" });
  const dots = keys.map((key) => {
    const [x, y] = [ahead, aside].map((axis) => dot(axis, key) / Math.sqrt(D));
    return draw(svg, "circle", { cx: X + UNIT * x, cy: Y - UNIT * y });
  });
  const arrow = draw(svg, "path", { class: "touch-line-b" });
  const name = draw(svg, "text", { "text-anchor": "middle" }, "q");
  return (angle, weights) => {
    const at = (far, turn = 0) => [X + far * Math.cos(angle + turn), Y - far * Math.sin(angle + turn)];
    put(arrow, { d: `M${X},${Y}L${at(94)}M${at(84, 0.06)}L${at(94)}L${at(84, -0.06)}` });
    put(line, { d: `M${X},${Y}L${at(-94)}` });
    const [x, y] = at(106);
    put(name, { x, y: y + 4 });
    weights.forEach((weight, i) => {
      put(dots[i], {
        r: Math.max(1.5, 20 * Math.sqrt(weight)),
        class: weight > 0.01 ? "touch-fill-b" : "touch-cell-a",
      });
    });
  };
}

touch("쿼리 하나가 키 예순네 개에 나눠 주는 가중치", ({ svg, slider, choice }) => {
  const along = { back: (x, y) => ((Math.atan2(Y - y, x - X) * 180) / Math.PI + 360) % 360 };
  const show = (angle) => `${angle}°`;
  const degrees = slider({ label: "쿼리의 방향", min: 0, max: 359, step: 1, value: 40, show, along });
  const divisor = choice({ label: "점수", choices: { one: "나누지 않기", root: "√d로 나누기" } });
  const drawn = plane(svg);
  const rows = ["가장 큰 가중치", "나눠 보는 키", "무작위 쿼리 200개의", "중앙값"].map((title, i) => {
    const y = [28, 80, 132, 148][i];
    draw(svg, "text", { x: 240, y, class: "touch-soft" }, title);
    return draw(svg, "text", { x: 240, y: y + 20 });
  });
  draw(svg, "text", { x: 240, y: 208, class: "touch-soft" }, "점은 키,");
  draw(svg, "text", { x: 240, y: 224, class: "touch-soft" }, "넓이는 가중치");
  return () => {
    const angle = (degrees.value * Math.PI) / 180;
    const query = ahead.map((value, i) => Math.cos(angle) * value + Math.sin(angle) * aside[i]);
    const weights = attend(query, divisor.value);
    drawn(angle, weights);
    const found = { effective: effective(weights), top: Math.max(...weights), usual: USUAL[divisor.value] };
    rows[0].textContent = `${Math.round(100 * found.top)}%`;
    rows[1].textContent = `${found.effective.toFixed(1)}개`;
    rows[3].textContent = `${found.usual.toFixed(1)}개`;
    const how = divisor.value === "one" ? "√64로 나누지 않았더니" : "√64로 나눴더니";
    const say = `${how} 키 64개 가운데 ${found.effective.toFixed(1)}개에 나눠 준 꼴이에요.`;
    return { say, state: { degrees: degrees.value, ...found } };
  };
});
