// Inside a thread: only the controls of what the thread speaks of.
import { read, USUAL } from "./state.js";
import { isEmbedded, lab } from "./store.js";

if (isEmbedded) {
  const state = read(location.search);
  const told = Object.keys(USUAL).filter((key) => state[key] !== USUAL[key]);
  for (const panel of lab.querySelectorAll("[data-keys]")) {
    const keys = panel.dataset.keys.split(" ");
    const isWanted = keys.some((key) => told.includes(key) && key !== "scene");
    panel.classList.toggle("wanted", isWanted);
    if (isWanted && "open" in panel) panel.open = true;
  }
  const [layer, head] = state.map.split("-");
  for (const label of lab.querySelectorAll(".lab-heads label")) {
    const [itsLayer, itsHead] = label.querySelector("input").value.split("-");
    label.hidden = head === "mean" ? itsHead !== "mean" : itsLayer !== layer; // all layers' means, or one layer's heads
  }
}
