// How an image becomes a row of tokens: the patches of a grid, one by one, behind the class token.
import { draw, put, scale, touch } from "./kit.js";

const PATCH = 16; // pixels
const DIM = 768; // ViT-B
const [LEFT, TOP, SIDE] = [12, 30, 150]; // the image on the stage
const [FROM, TO, ROW] = [192, 348, 56]; // the row of tokens

/** Of an image of so many pixels a side: patches a side, patches, tokens. */
export function counted(pixels) {
  const grid = pixels / PATCH;
  return { grid, patches: grid ** 2, tokens: grid ** 2 + 1 };
}

/** Row and column, from 1, of the patch that a token stands for; the class token, number 0, stands for none. */
export function placeOf(token, grid) {
  return token ? [Math.floor((token - 1) / grid) + 1, ((token - 1) % grid) + 1] : null;
}

touch("이미지를 자른 격자와, 그 패치들이 한 줄로 선 토큰의 열", ({ svg, slider, choice }) => {
  const along = scale([0, 1], [FROM, TO]);
  const share = slider({ label: "토큰", min: 0, max: 100, step: 1, value: 42, along: scale([0, 100], [FROM, TO]) });
  const size = choice({ label: "이미지의 크기", choices: { 224: "224×224", 384: "384×384" } });
  draw(svg, "text", { x: LEFT, y: 20 }, "16×16 패치로 자른 이미지");
  const cuts = draw(draw(svg, "g", { class: "touch-axis" }), "path", { "stroke-width": 0.6 });
  const patch = draw(svg, "rect", { class: "touch-cell-b" });
  draw(svg, "rect", { x: LEFT, y: TOP, width: SIDE, height: SIDE, class: "touch-measured" });
  draw(svg, "text", { x: FROM, y: 20 }, "토큰의 열");
  draw(svg, "rect", { x: FROM, y: ROW, width: TO - FROM, height: 22, class: "touch-fill-a" });
  const mark = draw(svg, "rect", { y: ROW - 4, height: 30, width: 4, class: "touch-cell-b" });
  draw(svg, "text", { x: FROM, y: ROW + 40, class: "touch-soft" }, "0번: 클래스 토큰");
  const [which, where, count, shape] = [132, 152, 190, 210].map((y) => draw(svg, "text", { x: FROM, y }));
  const inside = draw(svg, "text", { x: LEFT, y: TOP + SIDE + 18 });
  return () => {
    const { grid, patches, tokens } = counted(Number(size.value));
    const token = Math.round((share.value / 100) * patches);
    const step = SIDE / grid;
    const lines = Array.from({ length: grid - 1 }, (_, i) => step * (i + 1));
    put(cuts, { d: lines.map((at) => `M${LEFT + at},${TOP}v${SIDE}M${LEFT},${TOP + at}h${SIDE}`).join("") });
    const place = placeOf(token, grid);
    const [row, column] = place ?? [1, 1];
    const corner = { x: LEFT + step * (column - 1), y: TOP + step * (row - 1) };
    put(patch, { ...corner, width: place ? step : 0, height: place ? step : 0 });
    put(mark, { x: along(token / patches) - 2 });
    inside.textContent = `${grid}×${grid} = 패치 ${patches}개`;
    which.textContent = `${token}번 토큰`;
    where.textContent = place ? `${row}째 줄 ${column}째 칸의 패치` : "어느 패치도 아니에요";
    count.textContent = `모두 ${tokens}개`;
    shape.textContent = `모양 ${tokens}×${DIM}`;
    const told = place
      ? `${token}번 토큰은 위에서 ${row}째 줄, 왼쪽에서 ${column}째 칸이에요.`
      : "0번은 클래스 토큰이에요.";
    return {
      say: `패치 ${patches}개와 클래스 토큰, 모두 ${tokens}개예요. ${told}`,
      state: { grid, patches, tokens, token },
    };
  };
});
