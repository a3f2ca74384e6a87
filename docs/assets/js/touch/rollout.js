// Attention rollout on three layers of four tokens: how the shares of all paths from an output token add up below.
import { draw, scale, touch } from "./kit.js";

const NAMES = ["CLS", "패치 1", "패치 2", "패치 3"];
// Three layers' attention, heads averaged, first layer first. Rows (who looks) sum to one; columns: who is looked at.
export const LAYERS = [
  [
    [0.1, 0.2, 0.5, 0.2],
    [0.1, 0.3, 0.4, 0.2],
    [0.1, 0.1, 0.6, 0.2],
    [0.2, 0.2, 0.4, 0.2],
  ],
  [
    [0.1, 0.2, 0.3, 0.4],
    [0.2, 0.3, 0.2, 0.3],
    [0.1, 0.3, 0.2, 0.4],
    [0.2, 0.2, 0.3, 0.3],
  ],
  [
    [0.1, 0.6, 0.1, 0.2],
    [0.2, 0.4, 0.2, 0.2],
    [0.1, 0.5, 0.2, 0.2],
    [0.1, 0.4, 0.1, 0.4],
  ],
];

/** A layer with the residual connection: own × I + (1 − own) × W. */
export const joined = (layer, own) => layer.map((row, i) => row.map((w, j) => (1 - own) * w + (i === j ? own : 0)));

const multiply = (a, b) => a.map((row) => b[0].map((_, j) => row.reduce((sum, each, k) => sum + each * b[k][j], 0)));

/** The rollout: a later layer multiplies from the left. Row: output token; column: input token. */
export const rollout = (layers, own) =>
  layers.map((layer) => joined(layer, own)).reduce((lower, layer) => multiply(layer, lower));

/** The shares of an output token's paths at each level, the output's first: [[4], …]. */
export function levels(token, own) {
  const found = [NAMES.map((_, i) => Number(i === token))];
  for (const layer of LAYERS.toReversed()) found.push(multiply([found.at(-1)], joined(layer, own))[0]);
  return found;
}

const x = scale([0, 1], [64, 344]); // where the share can be dragged
const left = (i) => 84 + 80 * i;
const top = (level) => 36 + 50 * level;
const percent = (share) => `${Math.round(100 * share)}%`;

/** The tokens of all levels and what flows between them; what is returned draws the flows. */
function network(svg) {
  ["출력", "2층 뒤", "1층 뒤", "입력"].forEach((name, level) => {
    draw(svg, "text", { x: 6, y: top(level) + 4, class: "touch-soft" }, name);
  });
  NAMES.forEach((name, i) => {
    draw(svg, "text", { x: left(i), y: 16, "text-anchor": "middle" }, name);
  });
  const edges = LAYERS.map((_, level) =>
    NAMES.map((_, i) =>
      NAMES.map((_, j) =>
        draw(svg, "path", { class: "touch-line-b", d: `M${left(i)},${top(level)}L${left(j)},${top(level + 1)}` }),
      ),
    ),
  );
  const nodes = [0, 1, 2, 3].map((level) =>
    NAMES.map((_, i) => {
      draw(svg, "circle", { cx: left(i), cy: top(level), r: 3, class: "touch-ink" });
      return draw(svg, "circle", { cx: left(i), cy: top(level), class: "touch-cell-b" });
    }),
  );
  const ends = NAMES.map((_, i) => draw(svg, "text", { x: left(i), y: 222, "text-anchor": "middle" }));
  return (shares, own) => {
    shares.forEach((row, level) => {
      row.forEach((share, i) => {
        nodes[level][i].setAttribute("r", 15 * Math.sqrt(share));
      });
    });
    edges.forEach((rows, level) => {
      const matrix = joined(LAYERS[LAYERS.length - 1 - level], own);
      rows.forEach((row, i) => {
        row.forEach((edge, j) => {
          const flow = shares[level][i] * matrix[i][j];
          edge.setAttribute("style", `stroke-width:${(14 * flow).toFixed(2)}`);
        });
      });
    });
    shares.at(-1).forEach((share, i) => {
      ends[i].textContent = percent(share);
    });
  };
}

/** How much the rows differ: the largest difference between two of a column's entries. */
export const rowsApart = (matrix) =>
  Math.max(
    ...matrix[0].map((_, j) => Math.max(...matrix.map((row) => row[j])) - Math.min(...matrix.map((row) => row[j]))),
  );

touch("출력 토큰에서 입력 토큰으로 내려가며 갈라지는 몫", ({ svg, slider, choice }) => {
  const own = slider({ label: "자기 몫", min: 0, max: 1, step: 0.05, value: 0, along: x, show: percent });
  const token = choice({ label: "출력 토큰", choices: Object.fromEntries(NAMES.map((name, i) => [`t${i}`, name])) });
  const paint = network(svg);
  return () => {
    const chosen = Number(token.value.slice(1));
    const shares = levels(chosen, own.value);
    paint(shares, own.value);
    const joint = rollout(LAYERS, own.value);
    const apart = rowsApart(joint);
    const order = Math.max(
      ...rollout(LAYERS.toReversed(), own.value).flatMap((row, i) =>
        row.map((each, j) => Math.abs(each - joint[i][j])),
      ),
    );
    const told =
      apart < 0.05
        ? "어느 토큰에서 출발해도 거의 같은 지도예요."
        : own.value === 1
          ? "섞지 않아서 모두 제자리에 남아요."
          : "토큰마다 지도가 달라져요.";
    const say = `토큰에 따라 지도가 다른 정도: ${percent(apart)}p. ${told}`;
    const ends = shares.at(-1);
    const step = Math.max(...ends.map((share, i) => Math.abs(share - joint[chosen][i])));
    const total = ends.reduce((a, b) => a + b);
    return { say, state: { own: own.value, chosen, total, step, apart, order, kept: ends[chosen] } };
  };
});
