// The small maps of a layer's heads, to choose one from: what the query looks at in each, and how far.

import { element, radio } from "../dom.js";
import { distance, row } from "../lab/attention.js";
import { pixels, theme } from "../lab/canvas.js";
import { HEADS } from "./model.js";
import { part, store } from "./store.js";

const NAMES = ["mean", ...Array.from({ length: HEADS }, (_, head) => head + 1)];

const thumbnails = NAMES.map((name) => {
  const canvas = element("canvas", { width: 16, height: 16, "aria-hidden": "true" });
  const caption = element("small", {}, name === "mean" ? "평균" : "\u00a0");
  const label = name === "mean" ? "헤드 평균" : `헤드 ${name}`;
  part("heads").append(radio("head", String(name), [canvas, caption], label));
  return { name, canvas, caption };
});

/** Every head's map of a query in the chosen layer, with its attention distance in pixels. */
export function drawHeads(query) {
  const { frame, state } = store;
  const layer = state.layer - 1;
  if (!frame.attn || state.view !== "attention") return;
  for (const { name, canvas, caption } of thumbnails) {
    const heat = row(frame, layer, name === "mean" ? null : name - 1, query).subarray(1);
    const most = Math.max(...heat);
    pixels(canvas, frame.grid, frame.grid, (i) => theme.ramps.heat[Math.round((255 * heat[i]) / most)]);
    if (name === "mean") continue;
    frame.distances ??= {};
    const place = `${layer}-${name}`;
    frame.distances[place] ??= distance(frame, layer, name - 1, frame.grid);
    caption.textContent = `${Math.round(frame.distances[place])} px`;
  }
}
