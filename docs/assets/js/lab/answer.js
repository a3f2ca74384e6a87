// The answer of the last frame: a bar a letter, what it was before, and how long it took.
import { element } from "../dom.js";
import { softmax } from "./attention.js";
import { sceneOf } from "./image.js";
import { CLASSES } from "./scenes.js";
import { lab, part, store } from "./store.js";
import { changeText, verdictText } from "./words.js";

const HARDLY = 0.005; // a probability that is not marked
const RECENT = 9; // frames whose median time is told

const bars = CLASSES.map((letter) => {
  const span = (className, ...content) => element("span", { className }, ...content);
  const before = element("u", { hidden: true });
  const [chance, logit] = [span("chance"), span("logit")];
  const bar = span("bar", element("i"), before);
  const item = element("li", {}, span("letter", letter), bar, chance, logit);
  part("logits").append(item);
  return { item, before, chance, logit };
});

/** Bars and sentences of the last frame. */
export function drawAnswer() {
  const { logits, before } = store.frame;
  lab.classList.toggle("answered", Boolean(logits));
  if (!logits) {
    part("verdict").textContent = "모델을 기다려요.";
    part("change").textContent = "";
    return;
  }
  const now = { logits, chances: softmax(logits) };
  const then = before && { logits: before.logits, chances: softmax(before.logits) };
  const right = store.state.source === "scene" ? sceneOf(store.state).letter.label : -1;
  const best = now.chances.indexOf(Math.max(...now.chances));
  bars.forEach((bar, i) => {
    bar.item.style.setProperty("--now", now.chances[i]);
    bar.item.classList.toggle("best", i === best);
    bar.item.classList.toggle("right", i === right);
    bar.before.hidden = !then || then.chances[i] < HARDLY;
    if (then) bar.item.style.setProperty("--before", then.chances[i]);
    bar.chance.textContent = `${Math.round(100 * now.chances[i])}%`;
    bar.logit.textContent = (Math.round(10 * logits[i]) / 10 + 0).toFixed(1).replace("-", "−"); // + 0: no −0.0
  });
  part("verdict").textContent = verdictText(now.chances, right);
  part("change").textContent = then ? changeText(now, then, before.when) : "";
}

const times = [];
let isFirst = true;

/** The time that frames take, in ms. The first is not told: it also makes what later ones use again. */
export function drawTime(milliseconds) {
  if (isFirst) {
    isFirst = false;
    return;
  }
  times.push(milliseconds);
  if (times.length > RECENT) times.shift();
  const median = [...times].sort((a, b) => a - b)[times.length >> 1];
  part("time").textContent = `한 장면을 그리고 계산하고 보여 주는 데 ${median.toFixed(0)} ms`;
  part("time").dataset.ms = milliseconds.toFixed(1);
}
