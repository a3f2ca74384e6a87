// The small maps of all heads, to choose one from: what the query looks at in each, and how far.
import { element, radio } from "../dom.js";
import { distances, weights } from "./attention.js";
import { pixels, theme } from "./canvas.js";
import { DEPTH, HEADS } from "./model.js";
import { part, store } from "./store.js";

// [{map, canvas, number}]: number is the place of its distance, null for a mean of heads
const thumbnails = Array.from({ length: DEPTH }, (_, layer) => layer + 1).flatMap((layer) => {
  part("heads").append(element("span", { className: "layer", "aria-hidden": "true" }, `${layer}층`));
  return [...Array.from({ length: HEADS }, (_, head) => String(head + 1)), "mean"].map((head) => {
    const isMean = head === "mean";
    const map = `${layer}-${head}`;
    const canvas = element("canvas", { width: 8, height: 8, "aria-hidden": "true" });
    const caption = element("small", {}, isMean ? "평균" : "\u00a0");
    const label = isMean ? `${layer}층, 헤드 평균` : `${layer}층, 헤드 ${head}`;
    part("heads").append(radio("map", map, [canvas, caption], label));
    return { map, canvas, number: isMean ? null : caption };
  });
});

/** Every head's map of a query, as far as the last frame has them. */
export function drawHeads(query) {
  const { frame } = store;
  if (!part("heads").closest("details").open) return; // drawn when it is opened
  for (const { map, canvas } of thumbnails) {
    const heat = weights(frame, map, query).subarray(1);
    const most = Math.max(...heat);
    pixels(canvas, frame.grid, frame.grid, (i) => theme.ramps.heat[Math.round((255 * heat[i]) / most)]);
  }
}

/** Every head's attention distance in pixels. */
export function drawDistances() {
  const { frame } = store;
  frame.distances ??= distances(frame, frame.grid);
  for (const { map, number } of thumbnails) if (number) number.textContent = Math.round(frame.distances[map]);
}
