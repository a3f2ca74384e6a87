// What is split among the heads: the query after the projection, or (another model) the input before it.
import { draw, normals, put, touch } from "./kit.js";

const D = 100;
const HEADS = [1, 2, 4, 5, 10, 20, 25, 50, 100]; // all that divide D

/** A projection (D, D) of rows: in "cut" each head's rows keep only the columns of its own piece of the input. */
export function projection(heads, way, seed) {
  const next = normals(seed);
  const size = D / heads;
  const own = (row, column) => way === "project" || Math.floor(row / size) === Math.floor(column / size);
  return Array.from({ length: D }, (_, row) =>
    Array.from({ length: D }, (_, column) => (own(row, column) ? next() : 0)),
  );
}

/** On how many inputs the rows depend. */
export const seen = (rows) => rows[0].filter((_, column) => rows.some((row) => row[column] !== 0)).length;

/** Rank of a matrix, by elimination; what is below 1e-6 counts as nothing. */
export function rank(matrix) {
  const rows = matrix.map((row) => [...row]);
  let found = 0;
  for (let column = 0; column < rows[0].length && found < rows.length; column++) {
    let best = found;
    for (let i = found; i < rows.length; i++) if (Math.abs(rows[i][column]) > Math.abs(rows[best][column])) best = i;
    if (Math.abs(rows[best][column]) < 1e-6) continue;
    [rows[found], rows[best]] = [rows[best], rows[found]];
    for (let i = found + 1; i < rows.length; i++) {
      const factor = rows[i][column] / rows[found][column];
      for (let j = column; j < rows[i].length; j++) rows[i][j] -= factor * rows[found][j];
    }
    found++;
  }
  return found;
}

/** What one of the heads gets: {size, seen, parameters of all queries, rank of its scores W^Q W^Kᵀ, maps of all heads}. */
export function split(heads, way) {
  const size = D / heads;
  const queries = projection(heads, way, 1);
  const [query, key] = [queries.slice(0, size), projection(heads, way, 2).slice(0, size)];
  const scores = query[0].map((_, i) =>
    key[0].map((_, j) => query.reduce((sum, row, d) => sum + row[i] * key[d][j], 0)),
  );
  const parameters = queries.flat().filter((weight) => weight !== 0).length;
  return { size, seen: seen(query), parameters, rank: rank(scores), maps: heads };
}

const [LEFT, TOP, SIDE] = [26, 40, 150]; // where the matrix is drawn

/** What stands still. */
function scene(svg) {
  draw(svg, "text", { x: LEFT, y: 16 }, "쿼리를 만드는 행렬");
  draw(svg, "text", { x: LEFT, y: 33, class: "touch-soft" }, "입력 100차원 →");
  const middle = TOP + SIDE / 2;
  const upright = { x: 14, y: middle, transform: `rotate(-90 14 ${middle})`, "text-anchor": "middle" };
  draw(svg, "text", { ...upright, class: "touch-soft" }, "← 쿼리 100차원");
  draw(svg, "rect", { x: LEFT, y: TOP, width: SIDE, height: SIDE, class: "touch-measured" });
  draw(svg, "rect", { x: LEFT, y: 204, width: 12, height: 12, class: "touch-cell-b" });
  draw(svg, "text", { x: LEFT + 18, y: 214 }, "0번 헤드가 쓰는 곳");
}

/** Paths: the block of head 0, those of the others, and the lines between heads. */
function blocks(heads, way) {
  const high = SIDE / heads;
  const block = (_, i) => {
    const [left, wide] = way === "cut" ? [i * high, high] : [0, SIDE];
    return `M${LEFT + left},${TOP + i * high}h${wide}v${high}h${-wide}z`;
  };
  const [first, ...others] = Array.from({ length: heads }, block);
  const cuts = others.map((_, i) => `M${LEFT},${TOP + (i + 1) * high}h${SIDE}`);
  return [first, others.join(""), cuts.join("")];
}

touch("쿼리를 만드는 행렬과, 헤드 하나가 그 가운데 쓰는 곳", ({ svg, slider, choice }) => {
  const show = (i) => `${HEADS[i]}개`;
  const along = { back: (_, y) => HEADS.findLastIndex((h) => SIDE / h >= y - TOP) }; // drag the lower edge of head 0
  const heads = slider({ label: "헤드 수", min: 0, max: HEADS.length - 1, step: 1, value: 4, show, along });
  const way = choice({ label: "나누는 것", choices: { project: "투영한 뒤 나누기", cut: "입력을 자르기" } });
  scene(svg);
  const others = draw(svg, "path", { class: "touch-cell-a", "fill-opacity": 0.35 });
  const first = draw(svg, "path", { class: "touch-cell-b" });
  const cuts = draw(draw(svg, "g", { class: "touch-axis" }), "path");
  const names = ["헤드의 크기", "헤드가 보는 입력", "쿼리의 파라미터", "점수 행렬의 계수", "어텐션 맵"];
  const rows = names.map((name, i) => {
    draw(svg, "text", { x: 200, y: 30 + i * 42, class: "touch-soft" }, name);
    return draw(svg, "text", { x: 200, y: 48 + i * 42 });
  });
  return () => {
    const h = HEADS[heads.value];
    const found = split(h, way.value);
    [first, others, cuts].forEach((node, i) => {
      put(node, { d: blocks(h, way.value)[i] });
    });
    put(cuts, { "stroke-width": Math.min(0.5, 10 / h) });
    const parameters = `${found.parameters.toLocaleString("ko")}개`;
    [`${found.size}차원`, `${found.seen}차원`, parameters, found.rank, `${found.maps}장`].forEach((text, i) => {
      rows[i].textContent = text;
    });
    const end =
      found.seen === D
        ? "입력을 모두 봐요. 파라미터는 그대로예요."
        : "제 몫의 입력만 봐요. 파라미터가 적은 다른 모델이에요.";
    return { say: `${found.size}차원짜리 헤드 ${h}개. 저마다 ${end}`, state: found };
  };
});
