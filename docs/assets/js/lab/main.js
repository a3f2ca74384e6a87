// The 실험실: what the reader does changes the state, the state is drawn and sent through the model.
// Imports run down this list: main > pointer > controls > frames > draw, answer > heads > image, words, store > the rest.
import { readTheme } from "./canvas.js";
import { open } from "./controls.js";
import { changed, warmUp } from "./frames.js";
import { load } from "./model.js";
import "./pointer.js";
import { lab, part, store } from "./store.js";

// Whether this tab has asked for the model before: then the browser has it, and a link from a thread opens at once.
const asked = {
  get before() {
    try {
      return sessionStorage.getItem("lab-asked");
    } catch {
      return null; // storage may be shut off
    }
  },
  remember() {
    try {
      sessionStorage.setItem("lab-asked", "1");
    } catch {
      // then it asks again
    }
  },
};
let attempts = 0;

function showProgress(bytes) {
  const total = Number(lab.dataset.bytes);
  part("progress").value = Math.min(1, bytes / total);
  if (bytes >= total) part("told").textContent = "계산할 준비를 하고 있어요.";
}

async function start() {
  const button = part("load");
  const progress = part("progress");
  const isFocused = document.activeElement === button;
  button.disabled = true;
  progress.hidden = false;
  part("told").textContent = "불러오고 있어요.";
  try {
    store.model = await load(showProgress, attempts++);
    await warmUp();
    asked.remember();
    lab.classList.add("ready");
    if (isFocused) part("scene").focus({ preventScroll: true });
    document.querySelector(".lab-start").hidden = true;
    changed();
  } catch (error) {
    console.warn(error);
    part("told").textContent = "모델을 불러오지 못했어요. 인터넷 연결을 확인하고 다시 눌러 주세요.";
    progress.hidden = true;
    button.disabled = false;
  }
}

function followTheme() {
  readTheme(part("scene"));
  changed();
}

part("load").addEventListener("click", start);
readTheme(part("scene"));
new MutationObserver(followTheme).observe(document.body, { attributeFilter: ["data-md-color-scheme"] });
new ResizeObserver(() => changed()).observe(part("scene"));
open();
if (asked.before) start();
