// What a smaller patch or a larger image costs ViT-B: patches, parameters of the embeddings, operations.
import { draw, put, scale, touch } from "./kit.js";

const [D, DEPTH, CLASSES] = [768, 12, 1000]; // ViT-B
export const SIDES = [56, 32, 28, 16, 14, 8, 7, 4, 2, 1]; // of a patch, all of which divide 224

/** {patches, values in a patch, weights of E, of the position embedding, flops, share of the pairs in them}. */
export function cost(pixels, side) {
  const patches = (pixels / side) ** 2;
  const values = 3 * side * side;
  const N = patches + 1; // the class token is one more
  const pairs = DEPTH * 4 * N * N * D;
  const flops = pairs + DEPTH * 24 * N * D * D + 2 * patches * values * D + 2 * D * CLASSES;
  return { patches, values, embedding: values * D, positions: N * D, flops, share: pairs / flops };
}

const USUAL = cost(224, 16);
const x = scale([-8, 16], [186, 346]); // powers of two
const [LEFT, TOP, SIDE] = [10, 32, 156]; // the image
const FINEST = 1.4; // pixels between cuts that can still be drawn
const words = (count) => {
  const large = count >= 1e5;
  return count.toLocaleString("ko", {
    notation: large ? "compact" : "standard",
    useGrouping: true,
    maximumSignificantDigits: large ? 3 : 5,
  });
};
const times = (ratio) => {
  const maximumSignificantDigits = ratio < 0.1 ? 1 : ratio < 10 ? 2 : ratio < 100 ? 3 : 4;
  return `${ratio.toLocaleString("ko", { maximumSignificantDigits })}배`;
};

/** Cut the image: lines a step apart, and one patch in the middle. */
function slice(cuts, patch, pixels, side) {
  const step = (SIDE * side) / pixels;
  const between = Math.max(step, FINEST);
  const lines = Array.from({ length: Math.ceil(SIDE / between) - 1 }, (_, i) => between * (i + 1));
  const line = (at) => `M${LEFT + at},${TOP}v${SIDE}M${LEFT},${TOP + at}h${SIDE}`;
  put(cuts, { d: lines.map(line).join(""), "stroke-width": Math.max(0.25, Math.min(1, step / 6)) });
  const corner = Math.floor(pixels / side / 2) * step;
  put(patch, { x: LEFT + corner, y: TOP + corner, width: Math.max(step, 1.5), height: Math.max(step, 1.5) });
}

/** A row of the costs: its name, and functions of what to show. */
function row(svg, name, i) {
  const y = 22 + i * 56;
  draw(svg, "text", { x: 186, y }, name);
  const value = draw(svg, "text", { x: 346, y, "text-anchor": "end" });
  const bar = draw(svg, "rect", { y: y + 7, height: 10 });
  draw(svg, "path", { d: `M${x(0)},${y + 4}v16`, class: "touch-measured" });
  const ratio = draw(svg, "text", { x: 346, y: y + 31, "text-anchor": "end", class: "touch-soft" });
  return (text, found) => {
    value.textContent = text;
    ratio.textContent = times(found);
    const end = x(Math.log2(found));
    const width = Math.max(2, Math.abs(end - x(0)));
    put(bar, { x: Math.min(end, x(0)), width, class: found > 1 ? "touch-fill-b" : "touch-fill-a" });
  };
}

touch("패치 크기와 해상도에 따라 ViT-B에 드는 것", ({ svg, slider, choice }) => {
  const show = (i) => `${SIDES[i]} px`;
  const along = scale([0, SIDES.length - 1], [LEFT, LEFT + SIDE]);
  const side = slider({ label: "패치 크기 P", min: 0, max: SIDES.length - 1, step: 1, value: 5, show, along });
  const pixels = choice({ label: "해상도", choices: { 224: "224 px", 448: "448 px" } });
  draw(svg, "text", { x: LEFT, y: 20 }, "자르는 곳과 패치 하나");
  const cuts = draw(draw(svg, "g", { class: "touch-axis" }), "path");
  const patch = draw(svg, "rect", { class: "touch-cell-b" });
  draw(svg, "rect", { x: LEFT, y: TOP, width: SIDE, height: SIDE, class: "touch-measured" });
  const inside = draw(svg, "text", { x: LEFT, y: TOP + SIDE + 18 });
  draw(svg, "text", { x: LEFT, y: TOP + SIDE + 36, class: "touch-soft" }, "막대: P = 16, 224 px의 몇 배");
  const rows = ["패치", "투영 E", "위치 임베딩", "연산량"].map((name, i) => row(svg, name, i));
  return () => {
    const P = SIDES[side.value];
    const found = cost(Number(pixels.value), P);
    slice(cuts, patch, pixels.value, P);
    inside.textContent = `패치 하나에 수 ${words(found.values)}개`;
    ["patches", "embedding", "positions", "flops"].forEach((name, i) => {
      rows[i](`${words(found[name])}${name === "flops" ? "" : "개"}`, found[name] / USUAL[name]);
    });
    const ratio = found.flops / USUAL.flops;
    const share = Math.round(100 * found.share);
    return {
      say: `패치 ${words(found.patches)}개로 나눠 보면 연산이 ${times(ratio)} 들어요. 연산량에서 어텐션의 몫: ${share}%`,
      state: { ...found, side: P, ratio },
    };
  };
});
