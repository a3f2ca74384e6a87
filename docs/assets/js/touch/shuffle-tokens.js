// Four tokens in any order through one attention: each token's output goes with it, unless places have vectors.
import { draw, normals, put, scale, touch } from "./kit.js";

const D = 4;
const next = normals(7);
const matrix = () => Array.from({ length: D }, () => Array.from({ length: D }, next));
const TOKENS = matrix();
const [QUERY, KEY, VALUE] = [matrix(), matrix(), matrix()];
const SAME = [1, -0.5, 0.8, -1.2]; // added to every token alike, as a bias is
const WAVES = Array.from({ length: 4 }, (_, place) => [
  Math.sin(place),
  Math.cos(place),
  Math.sin(place / 10),
  Math.cos(place / 10),
]);
const ADDED = { none: () => [0, 0, 0, 0], same: () => SAME, waves: (place) => WAVES[place] };

/** All orders of four, each one swap of neighbours away from the one before it (Steinhaus, Johnson, Trotter). */
export const ORDERS = (() => {
  let orders = [[0]];
  for (let n = 1; n < 4; n++) {
    orders = orders.flatMap((order, row) => {
      const places = Array.from({ length: n + 1 }, (_, i) => (row % 2 ? i : n - i));
      return places.map((place) => order.toSpliced(place, 0, n));
    });
  }
  return orders;
})();

const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
const project = (rows, weights) =>
  rows.map((row) => weights[0].map((_, j) => row.reduce((sum, v, i) => sum + v * weights[i][j], 0)));

/** softmax(QKᵀ/√d) V of the tokens in that order, what is added to their places included: rows (4, D). */
export function attend(order, added) {
  const x = order.map((token, place) => TOKENS[token].map((value, i) => value + ADDED[added](place)[i]));
  const [q, k, v] = [QUERY, KEY, VALUE].map((weights) => project(x, weights));
  return q.map((query) => {
    const weights = k.map((key) => Math.exp(dot(query, key) / Math.sqrt(D)));
    const sum = weights.reduce((a, b) => a + b);
    return v[0].map((_, j) => v.reduce((total, value, i) => total + (weights[i] / sum) * value[j], 0));
  });
}

const relative = (a, b) => Math.hypot(...a.map((value, i) => value - b[i])) / Math.hypot(...b);

/** Errors of an order against ABCD, at worst: of each token (followed), of each place, and of the mean of all outputs. */
export function errors(order, added) {
  const [before, after] = [attend([0, 1, 2, 3], added), attend(order, added)];
  const mean = (rows) => rows[0].map((_, j) => rows.reduce((sum, row) => sum + row[j], 0) / rows.length);
  const each = after.map((row, place) => relative(row, before[order[place]]));
  const inPlace = Math.max(...after.map((row, place) => relative(row, before[place])));
  return { each, followed: Math.max(...each), inPlace, mean: relative(mean(after), mean(before)) };
}

const LETTERS = "ABCD";
const left = (place) => 14 + 86 * place;
const word = (order) => order.map((token) => LETTERS[token]).join("");

/** A row of four vectors under a title: a function that shows tokens and their vectors in it. */
function row(svg, title, y) {
  draw(svg, "text", { x: 14, y, class: "touch-soft" }, title);
  const places = [0, 1, 2, 3].map((place) => {
    const letter = draw(svg, "text", { x: left(place), y: y + 25 });
    const box = (x, width, name) =>
      draw(svg, "rect", { x: left(place) + x, y: y + 10, width, height: 22, class: name });
    const cells = Array.from({ length: D }, (_, i) => box(13 + 15 * i, 15, "touch-cell-b"));
    box(13, 15 * D, "touch-measured");
    return { letter, cells };
  });
  return (tokens, vectors) => {
    const most = Math.max(...vectors.flat().map(Math.abs));
    places.forEach(({ letter, cells }, place) => {
      letter.textContent = LETTERS[tokens[place]];
      vectors[place].forEach((value, i) => {
        put(cells[i], { class: value > 0 ? "touch-cell-b" : "touch-cell-a" });
        cells[i].style.fillOpacity = Math.abs(value) / most;
      });
    });
  };
}

function seen(order, followed) {
  if (order === 0) return "처음 순서예요. 끌어서 바꿔 보세요.";
  if (followed < 1e-9) return "토큰마다 출력이 똑같고, 자리만 따라 옮겨 갔어요. 넷의 평균은 그대로예요.";
  return "같은 토큰인데 출력이 달라졌어요. 이제 순서가 보여요.";
}

touch("순서를 바꾼 토큰 넷과, 어텐션을 지난 출력", ({ svg, slider, choice }) => {
  const along = scale([0, 23], [20, 340]);
  const order = slider({ label: "순서", min: 0, max: 23, step: 1, value: 4, show: (i) => word(ORDERS[i]), along });
  const added = choice({ label: "더하는 것", choices: { none: "위치 없음", same: "같은 벡터", waves: "사인파" } });
  const inputs = row(svg, "입력", 18);
  [
    ["양수", 248, "touch-cell-b"],
    ["음수", 304, "touch-cell-a"],
  ].forEach(([text, x, name]) => {
    draw(svg, "rect", { x, y: 8, width: 12, height: 12, class: name });
    draw(svg, "text", { x: x + 16, y: 18, class: "touch-soft" }, text);
  });
  const outputs = row(svg, "출력", 94);
  const firsts = row(svg, "ABCD로 넣었을 때, 같은 토큰의 출력", 170);
  const differences = [0, 1, 2, 3].map((place) =>
    draw(svg, "text", { x: left(place) + 43, y: 222, "text-anchor": "middle" }),
  );
  return () => {
    const now = ORDERS[order.value];
    const first = attend(ORDERS[0], added.value);
    inputs(
      now,
      now.map((token) => TOKENS[token]),
    );
    outputs(now, attend(now, added.value));
    firsts(
      now,
      now.map((token) => first[token]),
    );
    const { each, ...found } = errors(now, added.value);
    each.forEach((error, place) => {
      differences[place].textContent = error < 1e-9 ? "같아요" : `${Math.round(100 * error)}% 달라요`;
    });
    return { say: `${word(now)}: ${seen(order.value, found.followed)}`, state: { order: order.value, ...found } };
  };
});
