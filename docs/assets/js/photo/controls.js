// The controls: each shows the state, and changes it.
import { element } from "../dom.js";
import { copiesLink } from "../lab/link.js";
import { changed, looked } from "./frames.js";
import { PATCH } from "./model.js";
import { addressOf } from "./pictures.js";
import { read, USUAL, write } from "./state.js";
import { lab, part, store } from "./store.js";

const INPUTS = ["photo", "size", "pos"]; // of a state: what the model has to run for

for (const input of lab.querySelectorAll('[name="photo"]')) {
  const src = addressOf(input.value).href;
  input.nextElementSibling.append(element("img", { alt: "", width: 64, height: 64, loading: "lazy", src }));
}

/** Change the state, and show what follows. */
export function set(changes) {
  Object.assign(store.state, changes);
  showControls();
  if (Object.keys(changes).some((key) => INPUTS.includes(key))) changed();
  else looked();
}

/** Choose the query of the map: "cls", or row and column from 0. */
export function choose(query) {
  store.hovered = null;
  Object.assign(store.state, { query });
  looked();
}

/** Show what the address says. */
export function open() {
  set(read(location.search));
  for (const panel of lab.querySelectorAll("details[data-keys]")) {
    if (panel.dataset.keys.split(" ").some((key) => store.state[key] !== USUAL[key])) panel.open = true;
  }
}

function showControls() {
  const { state } = store;
  for (const name of ["photo", "view", "head", "from", "size", "pos"]) {
    for (const input of lab.querySelectorAll(`input[name="${name}"]`))
      input.checked = input.value === String(state[name]);
  }
  part("layer").value = state.layer;
  part("layer-text").textContent = `${state.layer}층`;
  for (const node of lab.querySelectorAll("[data-view]")) node.hidden = node.dataset.view !== state.view;
  const grid = state.size / PATCH;
  part("size-note").textContent = `패치 ${grid}×${grid} = 토큰 ${1 + grid * grid}개.`;
}

lab.addEventListener("change", ({ target: { name, value } }) => {
  if (["photo", "view", "pos"].includes(name)) set({ [name]: value });
  else if (name === "head" && value === "mean") set({ head: value });
  else if (["head", "from", "size"].includes(name)) set({ [name]: Number(value) });
});
part("layer").addEventListener("input", ({ target }) => set({ layer: Number(target.value) }));
part("cls").addEventListener("click", () => choose("cls"));
part("reset").addEventListener("click", () => set({ ...USUAL }));
copiesLink(part("link"), () => write(store.state));
for (const link of lab.querySelectorAll(".lab-tries a")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    history.pushState(null, "", link.href);
    open();
    lab.querySelector(".lab-stage").scrollIntoView({ block: "nearest" }); // on a low screen it may be above
  });
}
addEventListener("popstate", open);
