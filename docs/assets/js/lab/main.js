// The 실험실: what the reader does changes the state, the state is drawn and sent through the model.
// Imports run down this list:
// main > tries, embedded > pointer, loading > controls > frames > draw, answer > heads > image, words, store > the rest.
import { readTheme } from "./canvas.js";
import { changed } from "./frames.js";
import { startWhenSeen } from "./loading.js";
import { part } from "./store.js";
import "./pointer.js";
import "./tries.js";
import "./embedded.js";

function followTheme() {
  readTheme(part("scene"));
  changed();
}

readTheme(part("scene"));
new MutationObserver(followTheme).observe(document.body, { attributeFilter: ["data-md-color-scheme"] });
new ResizeObserver(() => changed()).observe(part("scene"));
startWhenSeen();
