// Position vectors of a 14 × 14 grid stretched to a larger one: which place does each new vector really point to?
import { draw, scale, touch } from "./kit.js";

const OLD = 14;
const WAVES = 48; // sines and cosines, for rows and for columns: 192 numbers a vector, as in the snippet
const SPEEDS = Array.from({ length: WAVES }, (_, k) => 10000 ** (-k / (WAVES - 1)));

/** Where the centres of n patches over the same image lie, in patches of the old grid. */
const centres = (n) => Array.from({ length: n }, (_, i) => ((i + 0.5) * OLD) / n - 0.5);

/** How much the sines and cosines at places a resemble those at places b: their dot products, a.length × b.length. */
const products = (a, b) =>
  a.map((one) => b.map((other) => SPEEDS.reduce((sum, speed) => sum + Math.cos((one - other) * speed), 0)));

/** Between which of n old values a new place lies, and how far along: [[index, share], [index, share]]. */
function between(place, n) {
  const kept = Math.min(n - 1, Math.max(0, place));
  const low = Math.min(n - 2, Math.floor(kept));
  return [
    [low, 1 - (kept - low)],
    [low + 1, kept - low],
  ];
}

/** What each method mixes for the new place at a row and a column of n × n: old places [row, column, share]. */
export const METHODS = {
  grid: (row, column, n) => {
    const [rows, columns] = [row, column].map((each) => between(((each + 0.5) * OLD) / n - 0.5, OLD));
    return rows.flatMap(([r, a]) => columns.map(([c, b]) => [r, c, a * b]));
  },
  line: (row, column, n) => {
    const place = ((row * n + column + 0.5) * OLD * OLD) / (n * n) - 0.5;
    return between(place, OLD * OLD).map(([k, share]) => [Math.floor(k / OLD), k % OLD, share]);
  },
  repeat: (row, column, n) => {
    const k = (row * n + column) % (OLD * OLD);
    return [[Math.floor(k / OLD), k % OLD, 1]];
  },
};

/** For each place of n × n: where its vector points, and its cosine similarity with the true vector there. */
export function stretched(method, n) {
  const old = Array.from({ length: OLD }, (_, i) => i);
  const [toNew, toOld] = [products(old, centres(n)), products(old, old)];
  const every = Array.from({ length: n * n }, (_, i) => [Math.floor(i / n), i % n]);
  return every.map(([row, column]) => {
    const mix = METHODS[method](row, column, n);
    const with_ = (r, c) => mix.reduce((sum, [i, j, share]) => sum + share * (toNew[i][r] + toNew[j][c]), 0);
    // A vector is a part for its row beside a part for its column, so the best row and the best column are found apart.
    const best = (index) => {
      const likeness = (to) => mix.reduce((sum, old) => sum + old[2] * toNew[old[index]][to], 0);
      return every.slice(0, n).reduce((top, [, to]) => (likeness(to) > likeness(top) ? to : top), 0);
    };
    const norm = mix.reduce(
      (sum, [i, j, a]) => sum + mix.reduce((inner, [k, l, b]) => inner + a * b * (toOld[i][k] + toOld[j][l]), 0),
      0,
    );
    return { row, column, to: [best(0), best(1)], cosine: with_(row, column) / Math.sqrt(norm * 2 * WAVES) };
  });
}

const mean = (values) => values.reduce((a, b) => a + b) / values.length;
const pixels = scale([0, 1], [12, 216]);
const SAMPLES = 7; // rows and columns of places that are drawn
const size = scale([14, 28], [12, 216]);

touch("늘린 위치 벡터가 저마다 어느 자리를 가리키는지 이은 선", ({ svg, slider, choice }) => {
  const method = choice({ label: "늘리는 법", choices: { line: "한 줄로", repeat: "되풀이", grid: "2D로" } });
  const side = slider({
    label: "새 격자",
    min: 14,
    max: 28,
    step: 1,
    value: 16,
    along: size,
    show: (n) => `${n} × ${n}`,
  });
  draw(svg, "rect", { x: 12, y: 12, width: 204, height: 204, class: "touch-frame" });
  const lines = Array.from({ length: SAMPLES ** 2 }, () => [
    draw(svg, "path", { class: "touch-line-b" }),
    draw(svg, "circle", { r: 4, class: "touch-ink" }),
  ]);
  const text = (y, words = "") => draw(svg, "text", { x: 228, y }, words);
  text(24, "● 새 패치의 자리");
  text(44, "선 끝: 그 벡터가");
  text(60, "가장 닮은 자리");
  text(108, "어긋난 거리");
  const off = text(126);
  text(160, "정답과의 유사도");
  const cosine = text(178);
  return () => {
    const n = side.value;
    const found = stretched(method.value, n);
    const at = (row, column) => [pixels((column + 0.5) / n), pixels((row + 0.5) / n)];
    lines.forEach(([line, dot], i) => {
      const [row, column] = [Math.floor(i / SAMPLES), i % SAMPLES].map((k) => Math.floor(((k + 0.5) * n) / SAMPLES));
      const [from, to] = [at(row, column), at(...found[row * n + column].to)];
      line.setAttribute("d", `M${from}L${to}`);
      dot.setAttribute("cx", from[0]);
      dot.setAttribute("cy", from[1]);
    });
    const misplaced = mean(found.map(({ row, column, to }) => Math.hypot(row - to[0], column - to[1])));
    const alike = mean(found.map((each) => each.cosine));
    off.textContent = `평균 ${misplaced.toFixed(1)}칸`;
    cosine.textContent = alike.toFixed(3);
    const told = misplaced < 0.5 ? "모두 제자리나 바로 옆을 가리켜요." : "엉뚱한 자리를 가리키는 벡터가 있어요.";
    const say =
      n === OLD ? "아직 늘리지 않았어요. 격자를 끌어 보세요." : `벡터 ${OLD * OLD}개를 ${n * n}개로 늘렸어요. ${told}`;
    return { say, state: { n, misplaced, cosine: alike } };
  };
});
