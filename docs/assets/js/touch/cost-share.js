// How much of a Transformer block's operations compares tokens with one another, while the image grows.
import { axis, draw, path, put, scale, touch } from "./kit.js";

const PATCH = 16;
const SIZES = { Ti: [192, 3], B: [768, 12], L: [1024, 16] }; // dimensions, heads

/** FLOPs of one block for N tokens of D numbers: comparing all pairs, and the layers that take each token alone. */
export const operations = (N, D) => ({ pairs: 4 * N * N * D, alone: 24 * N * D * D });

/** {tokens, share of the pairs, MiB of one layer's maps} for a square image of so many pixels. */
export function cost(pixels, size) {
  const [D, heads] = SIZES[size];
  const tokens = (pixels / PATCH) ** 2 + 1; // the class token is one more
  const { pairs, alone } = operations(tokens, D);
  return { tokens, share: pairs / (pairs + alone), map: (heads * tokens * tokens * 4) / 2 ** 20 };
}

const x = scale([64, 2048], [44, 344]);
const y = scale([0, 1], [192, 30]);
const percent = (share) => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)}%`;
const memory = (MiB) => {
  const [amount, unit] = MiB < 1 ? [1024 * MiB, "KiB"] : [MiB, "MiB"];
  return `${amount.toLocaleString("ko", { maximumSignificantDigits: 3 })} ${unit}`;
};
const shareAt = (size) => (pixels) => [x(pixels), y(cost(pixels, size).share)];

/** What stands still, and the circles of what the run counted of ViT-B: evidence by name. */
function scene(svg, counted) {
  axis(svg, x, [[64, ""], 448, 896, 1344, 2048], 192, "이미지 한 변 (패치는 16 px)");
  draw(svg, "text", { x: 8, y: 16 }, "블록의 연산량 가운데 쌍 계산의 몫");
  for (const [share, text] of [
    [0, "0%"],
    [0.5, "50%"],
    [1, "100%"],
  ]) {
    draw(svg, "text", { x: 38, y: y(share) + 4, "text-anchor": "end", class: "touch-soft" }, text);
  }
  draw(draw(svg, "g", { class: "touch-axis" }), "path", { d: `M44,${y(0.5)}H344`, "stroke-dasharray": "2 4" });
  const marks = draw(svg, "g");
  for (const [name, share] of Object.entries(counted)) {
    const tokens = Number(name.split("_").at(-1));
    const left = x(PATCH * Math.sqrt(tokens - 1));
    draw(marks, "circle", { cx: left, cy: y(share), r: 5, class: "touch-measured" });
  }
  draw(marks, "circle", { cx: 254, cy: 172, r: 5, class: "touch-measured" });
  draw(marks, "text", { x: 264, y: 176, class: "touch-soft" }, "실행이 센 값");
  return marks;
}

touch("이미지 크기에 따라 쌍 계산이 연산량에서 차지하는 몫", ({ svg, numbers, slider, choice }) => {
  const label = "이미지 한 변";
  const pixels = slider({ label, min: 64, max: 2048, step: 16, value: 224, along: x, show: (px) => `${px} px` });
  const size = choice({ label: "모델", choices: { Ti: "ViT-Ti", B: "ViT-B", L: "ViT-L" }, value: "B" });
  const marks = scene(svg, numbers);
  const curve = draw(svg, "path", { class: "touch-line-b" });
  const foot = draw(svg, "path", { class: "touch-line-a", "stroke-dasharray": "3 3" });
  const dot = draw(svg, "circle", { r: 6, class: "touch-fill-b" });
  const name = draw(svg, "text", { "text-anchor": "end", class: "touch-over" });
  return () => {
    const found = cost(pixels.value, size.value);
    const widths = Array.from({ length: 63 }, (_, i) => 64 + 32 * i);
    put(curve, { d: path(widths.map(shareAt(size.value))) });
    put(marks, { visibility: size.value === "B" ? "visible" : "hidden" });
    const [left, top] = shareAt(size.value)(pixels.value);
    put(foot, { d: `M${left},192V${top}` });
    put(dot, { cx: left, cy: top });
    put(name, { x: Math.max(left - 8, 84), y: top - 8 });
    name.textContent = percent(found.share);
    const tokens = found.tokens.toLocaleString("ko");
    return {
      say: `토큰 ${tokens}개. 쌍 계산의 몫: ${percent(found.share)}, 한 층의 어텐션 맵을 모두 적을 메모리: ${memory(found.map)}`,
      state: found,
    };
  };
});
