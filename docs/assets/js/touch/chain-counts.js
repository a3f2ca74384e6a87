// How many numbers fix a distribution over n black-or-white pixels, each of which sees k pixels before it.
import { draw, put, touch } from "./kit.js";

/** How many numbers each of n pixels needs: one for every state of the at most k pixels before it. */
export const tables = (n, k) => Array.from({ length: n }, (_, i) => 2 ** Math.min(i, k));

const [MOST, BASE, WIDTH] = [16, 200, 21]; // pixels, where the columns stand, how wide they are
const left = (i) => 12 + i * WIDTH;
const rise = (count) => 6 + 8 * Math.log2(count);
const words = (count) => `${count.toLocaleString("ko")}개`;

/** A column for each pixel, and the pixel beneath it: shown up to the last one, which sees so many before it. */
function show(columns, pixels, needed, seen) {
  const end = needed.length - 1;
  for (let i = 0; i < MOST; i++) {
    const height = i > end ? 0 : rise(needed[i]);
    put(columns[i], { y: BASE - height, height, class: i === end ? "touch-fill-b" : "touch-fill-a" });
    const looked = i < end && i >= end - seen;
    const name = i === end ? "touch-fill-b" : looked ? "touch-cell-b" : "touch-fill-a";
    put(pixels[i], { class: name, visibility: i > end ? "hidden" : "visible" });
  }
}

function assumption(seen, before) {
  if (seen === before) return "아무 가정도 없어서 표와 똑같아요.";
  return seen ? `앞의 ${seen}개만 본다고 가정했어요.` : "모두 독립이라고 가정했어요.";
}

touch("픽셀마다 조건부 확률을 적는 데 필요한 숫자", ({ svg, slider }) => {
  const some = (count) => `${count}개`;
  const n = slider({ label: "픽셀 수 n", min: 2, max: MOST, step: 1, value: 10, show: some });
  const first = { back: (x) => n.value - 1 - Math.floor((x - left(0)) / WIDTH) }; // drag to the first pixel to be seen
  const k = slider({ label: "앞을 보는 수", min: 0, max: MOST - 1, step: 1, value: 9, show: some, along: first });
  const total = draw(svg, "text", { x: 12, y: 24 });
  const whole = draw(svg, "text", { x: 12, y: 44, class: "touch-soft" });
  draw(svg, "text", { x: 12, y: 64, class: "touch-soft" }, "기둥이 한 칸 높으면 두 배");
  const row = (options) =>
    Array.from({ length: MOST }, (_, i) => draw(svg, "rect", { x: left(i) + 2, width: WIDTH - 4, ...options }));
  const [columns, pixels] = [row({}), row({ y: BASE + 6, height: WIDTH - 6 })];
  const last = draw(svg, "text", { "text-anchor": "end" });
  const name = draw(svg, "text", { y: BASE + 36, "text-anchor": "end" }, "마지막 픽셀");
  return () => {
    const needed = tables(n.value, k.value);
    const before = n.value - 1;
    const seen = Math.min(k.value, before);
    show(columns, pixels, needed, seen);
    const sum = needed.reduce((a, b) => a + b, 0);
    const table = 2 ** n.value - 1;
    put(last, { x: left(n.value), y: BASE - 8 - rise(needed[before]) });
    put(name, { x: Math.max(left(n.value), 90) });
    last.textContent = words(needed[before]);
    total.textContent = `모두 ${words(sum)}`;
    whole.textContent = `가정이 없는 표는 ${words(table)}`;
    const share = Math.round((100 * needed[before]) / sum);
    return {
      say: `${assumption(seen, before)} 필요한 숫자: ${words(sum)}, 그 가운데 마지막 픽셀의 몫: ${share}%`,
      state: { n: n.value, k: k.value, sum, table },
    };
  };
});
