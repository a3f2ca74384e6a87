// What must be computed before one place of the second layer: a recurrent network, an encoder, a decoder with its mask.
import { draw, scale, touch } from "./kit.js";

const LENGTH = 9;
const LAYERS = 2;
const upTo = (place) => Array.from({ length: place + 1 }, (_, i) => i);

/** The cells [layer, place] that a cell reads directly. Layer 0 is the input, which is there from the start. */
const READS = {
  rnn: (layer, place) => [[layer - 1, place], ...(place > 0 ? [[layer, place - 1]] : [])],
  encoder: (layer) => upTo(LENGTH - 1).map((place) => [layer - 1, place]),
  masked: (layer, place) => upTo(place).map((each) => [layer - 1, each]),
};

/** How long the chain of computations is that ends in a cell, and all the cells that it needs: {"layer,place": length}. */
export function needed(kind, layer, place, found = {}) {
  const name = `${layer},${place}`;
  if (name in found) return found;
  const before = layer === 0 ? [] : READS[kind](layer, place);
  for (const [below, beside] of before) needed(kind, below, beside, found);
  found[name] = layer === 0 ? 0 : 1 + Math.max(...before.map((cell) => found[cell.join(",")]));
  return found;
}

const x = scale([0, LENGTH - 1], [72, 336]);
const top = (layer) => 186 - 74 * layer;
const NAMES = { rnn: "RNN", encoder: "인코더", masked: "마스크 있는 디코더" };

/** Draw into an emptied group the cells that are needed, each with its turn, and what each of them reads. */
function paint(group, kind, found) {
  group.replaceChildren();
  const cells = Object.keys(found).map((name) => name.split(",").map(Number));
  for (const [layer, place] of cells.filter(([layer]) => layer > 0)) {
    for (const [below, beside] of READS[kind](layer, place)) {
      const d = `M${x(beside)},${top(below)}L${x(place)},${top(layer)}`;
      draw(group, "path", { class: "touch-line-b", "stroke-opacity": 0.55, d });
    }
  }
  for (const [layer, place] of cells) {
    const at = { cx: x(place), cy: top(layer), r: 11 };
    draw(group, "circle", { ...at, class: "touch-paper" });
    draw(group, "circle", { ...at, class: "touch-cell-b", "fill-opacity": 0.35 });
    const turn = found[`${layer},${place}`] || ""; // the input has none
    draw(group, "text", { x: x(place), y: top(layer) + 4, "text-anchor": "middle" }, turn);
  }
}

touch("한 자리의 벡터를 구하려면 먼저 셈해야 하는 것", ({ svg, slider, choice }) => {
  const kind = choice({ label: "모델", choices: { rnn: NAMES.rnn, encoder: NAMES.encoder, masked: "마스크" } });
  const place = slider({
    label: "자리",
    min: 1,
    max: LENGTH,
    step: 1,
    value: 7,
    along: { back: (at) => x.back(at) + 1 },
  });
  ["입력", "1층", "2층"].forEach((name, layer) => {
    draw(svg, "text", { x: 10, y: top(layer) + 4, class: "touch-soft" }, name);
  });
  for (const each of upTo(LENGTH - 1))
    draw(svg, "text", { x: x(each), y: 222, "text-anchor": "middle", class: "touch-soft" }, String(each + 1));
  const group = draw(svg, "g");
  return () => {
    const at = place.value - 1;
    const found = needed(kind.value, LAYERS, at);
    paint(group, kind.value, found);
    const chain = found[`${LAYERS},${at}`];
    const seen = Object.keys(found).filter((name) => name.startsWith("0,"));
    const later = seen.filter((name) => Number(name.slice(2)) > at).length;
    const waits = `차례로 셈할 단계: ${chain}. 보는 입력: ${seen.length}개`;
    const which = later > 0 ? `뒤의 자리: ${later}개 포함` : "뒤의 자리는 없음";
    return {
      say: `${NAMES[kind.value]}. ${waits}(${which})`,
      state: { place: at + 1, chain, seen: seen.length, later },
    };
  };
});
