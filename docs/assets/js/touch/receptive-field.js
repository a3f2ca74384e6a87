// Which pixels of a 24 × 24 image one place depends on, after so many layers of a convolution or of attention.
import { draw, touch } from "./kit.js";

const SIZE = 24;
const MIDDLE = 12;
const PATCH = 6; // of the ViT
const GAPS = [1, 4, 8]; // pixels between the taps of the layers that look further; 8 from there on

/** One layer back: every pixel hands its share on to the nine it looks at. Those outside the image are lost. */
function convolve(share, gap) {
  const before = new Float64Array(SIZE * SIZE);
  share.forEach((value, place) => {
    if (!value) return;
    const [row, column] = [Math.floor(place / SIZE), place % SIZE];
    for (const i of [row - gap, row, row + gap]) {
      for (const j of [column - gap, column, column + gap]) {
        if (i >= 0 && i < SIZE && j >= 0 && j < SIZE) before[i * SIZE + j] += value / 9;
      }
    }
  });
  return before;
}

/** The share of the paths from the middle that ends at each pixel. */
export function field(kind, layers) {
  let share = new Float64Array(SIZE * SIZE);
  if (kind === "attention") {
    const patch = (place) => Math.floor(place / PATCH);
    const own = (i, j) => patch(i) === patch(MIDDLE) && patch(j) === patch(MIDDLE);
    return share.map((_, place) =>
      layers ? 1 / SIZE ** 2 : own(Math.floor(place / SIZE), place % SIZE) ? 1 / PATCH ** 2 : 0,
    );
  }
  share[MIDDLE * SIZE + MIDDLE] = 1;
  for (let layer = layers - 1; layer >= 0; layer--) share = convolve(share, kind === "plain" ? 1 : (GAPS[layer] ?? 8));
  return share;
}

/** How many columns of the image are seen, and how many pixels of its rim. */
export function span(share) {
  const columns = Array.from({ length: SIZE }, (_, column) =>
    share.some((value, place) => value && place % SIZE === column),
  );
  const rim = share.filter((value, place) => {
    const [row, column] = [Math.floor(place / SIZE), place % SIZE];
    return value && Math.min(row, column, SIZE - 1 - row, SIZE - 1 - column) === 0;
  });
  return { width: columns.lastIndexOf(true) - columns.indexOf(true) + 1, rim: rim.length };
}

const [LEFT, TOP, CELL, MOST] = [12, 12, 9, 12]; // the image, and the most layers
const DEPTHS = Array.from({ length: MOST + 1 }, (_, layers) => layers);

/** The cells of the image, the middle one framed. */
function picture(svg) {
  const cells = Array.from({ length: SIZE * SIZE }, (_, place) => {
    const [row, column] = [Math.floor(place / SIZE), place % SIZE];
    const corner = { x: LEFT + column * CELL, y: TOP + row * CELL };
    return draw(svg, "rect", {
      ...corner,
      width: CELL,
      height: CELL,
      class: "touch-cell-b",
      "shape-rendering": "crispEdges",
    });
  });
  const all = SIZE * CELL;
  draw(svg, "rect", { x: LEFT, y: TOP, width: all, height: all, class: "touch-measured" });
  const middle = MIDDLE * CELL;
  draw(svg, "rect", { x: LEFT + middle, y: TOP + middle, width: CELL, height: CELL, class: "touch-measured" });
  draw(svg, "text", { x: 242, y: 206, class: "touch-soft" }, "진할수록");
  draw(svg, "text", { x: 242, y: 222, class: "touch-soft" }, "영향이 커요");
  return cells;
}

/** How many layers it takes to see the pixel at a place of the stage; the most there are where none suffice. */
function depthFor(kind, x, y) {
  const [column, row] = [x - LEFT, y - TOP].map((at) => Math.min(Math.max(Math.floor(at / CELL), 0), SIZE - 1));
  return DEPTHS.find((layers) => field(kind, layers)[row * SIZE + column] > 0) ?? MOST;
}

touch("한가운데 칸이 보는 픽셀", ({ svg, slider, choice }) => {
  const along = { back: (x, y) => depthFor(kind.value, x, y) };
  const layers = slider({ label: "층 수", min: 0, max: MOST, step: 1, value: 2, show: (n) => `${n}층`, along });
  const kind = choice({ label: "층의 종류", choices: { plain: "합성곱", wide: "간격 벌림", attention: "어텐션" } });
  const cells = picture(svg);
  const rows = ["보는 폭", "가장자리", "24 px을 다 보려면"].map((name, i) => {
    draw(svg, "text", { x: 242, y: 30 + i * 56, class: "touch-soft" }, name);
    return draw(svg, "text", { x: 242, y: 50 + i * 56 });
  });
  return () => {
    const share = field(kind.value, layers.value);
    const most = Math.max(...share);
    share.forEach((value, place) => {
      cells[place].style.fillOpacity = value ? 0.15 + 0.85 * Math.sqrt(value / most) : 0;
    });
    const found = span(share);
    const whole = DEPTHS.find((depth) => span(field(kind.value, depth)).width === SIZE);
    const rim = found.rim > 0;
    [`${found.width} px`, rim ? "보여요" : "안 보여요", whole ? `${whole}층` : "이 간격으론 못 봐요"].forEach(
      (text, i) => {
        rows[i].textContent = text;
      },
    );
    const edge = rim ? "가장자리의 배경까지 닿아요." : "가장자리의 배경에는 닿지 못해요.";
    return {
      say: `${layers.value}층을 지난 한가운데 칸이 보는 폭: ${found.width} px. ${edge}`,
      state: { ...found, layers: layers.value, whole },
    };
  };
});
