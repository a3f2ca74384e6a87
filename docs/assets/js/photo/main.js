// 실험실: 진짜 모델. What the reader does changes the state, the state is drawn and sent through the model.
// Imports run down this list: main > pointer, loading > controls > frames > draw > heads, pictures, words, store > the rest.
import { readTheme } from "../lab/canvas.js";
import { open } from "./controls.js";
import { looked } from "./frames.js";
import { startWhenAsked } from "./loading.js";
import { part } from "./store.js";
import "./pointer.js";

function followTheme() {
  readTheme(part("map"));
  looked();
}

readTheme(part("map"));
new MutationObserver(followTheme).observe(document.body, { attributeFilter: ["data-md-color-scheme"] });
new ResizeObserver(looked).observe(part("map"));
open();
startWhenAsked();
