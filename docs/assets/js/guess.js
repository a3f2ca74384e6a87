// A number to guess on a ruler, or several as a curve: what was guessed stays drawn beside what was measured.
import { element } from "./dom.js";
import { remember, remembered } from "./store.js";
import { axis, draw, path, scale, WIDTH } from "./touch/kit.js";

/** A value as it is told: with as many decimals as a step has, and its unit. */
export function told(value, { step, unit }) {
  const digits = (String(step).split(".")[1] ?? "").length;
  return `${value.toLocaleString("ko-KR", { minimumFractionDigits: digits, maximumFractionDigits: digits })}${unit}`;
}

/** The value of the ruler that is nearest. */
export function nearest(value, { from, to, step }) {
  return Math.min(to, Math.max(from, from + Math.round((value - from) / step) * step));
}

const ends = (ruler) => [ruler.from, ruler.to].map((value) => [value, told(value, ruler)]);

/** The mark of a value on the ruler; beneath: whether its words stand below. */
function mark(svg, x, words, css, beneath) {
  const group = draw(svg, "g", { class: css });
  const place = Math.max(52, Math.min(WIDTH - 52, x));
  draw(group, "path", { d: beneath ? `M${x},38v22` : `M${x},24v14` });
  draw(group, "circle", { cx: x, cy: 38, r: 7 });
  draw(group, "text", { x: place, y: beneath ? 75 : 17, "text-anchor": "middle" }, words);
  return group;
}

function onRuler(svg, ruler) {
  const x = scale([ruler.from, ruler.to], [20, WIDTH - 20]);
  svg.setAttribute("viewBox", `0 0 ${WIDTH} 82`);
  axis(svg, x, ends(ruler), 38);
  const marks = draw(svg, "g");
  const render = (guess, isShown) => {
    marks.replaceChildren();
    mark(marks, x(guess[0]), `내 예상 ${told(guess[0], ruler)}`, "guess-mine", false);
    const [measured] = ruler.measured;
    if (isShown) mark(marks, x(measured), `재 보면 ${told(measured, ruler)}`, "guess-measured", true);
  };
  return { render, valueAt: (px) => [0, x.back(px)] };
}

function onChart(svg, ruler) {
  const x = scale([0, ruler.names.length - 1], [64, WIDTH - 28]);
  const y = scale([ruler.from, ruler.to], [184, 28]);
  svg.setAttribute("viewBox", `0 0 ${WIDTH} 210`);
  for (const [value, words] of ends(ruler)) {
    draw(svg, "path", { class: "guess-grid", d: `M44,${y(value)}H${WIDTH - 12}` });
    draw(svg, "text", { x: 40, y: y(value) + 4, "text-anchor": "end" }, words);
  }
  for (const [i, name] of ruler.names.entries()) draw(svg, "text", { x: x(i), y: 204, "text-anchor": "middle" }, name);
  const marks = draw(svg, "g");
  const line = (values, css, words) => {
    const group = draw(marks, "g", { class: css });
    draw(group, "path", { d: path(values.map((value, i) => [x(i), y(value)])) });
    for (const [i, value] of values.entries()) {
      draw(group, "circle", { cx: x(i), cy: y(value), r: 7 });
      if (words) draw(group, "text", { x: x(i), y: y(value) - 12, "text-anchor": "middle" }, told(value, ruler));
    }
  };
  const render = (guess, isShown) => {
    marks.replaceChildren();
    line(guess, "guess-mine", false);
    if (isShown) line(ruler.measured, "guess-measured", true);
  };
  return { render, valueAt: (px, py) => [Math.round(x.back(px)), y.back(py)] };
}

function slider(ruler, name, value, changed) {
  const input = element("input", { type: "range" });
  Object.assign(input, { min: ruler.from, max: ruler.to, step: ruler.step });
  input.value = value;
  input.addEventListener("input", () => changed(Number(input.value)));
  return element("label", {}, element("span", {}, name), input, element("output", {}));
}

function sentence(ruler, guess) {
  const isOne = ruler.names.length === 1;
  const measured = ruler.measured.map((value, i) => (isOne ? "" : `${ruler.names[i]}: `) + told(value, ruler));
  return `내 예상은 ${guess.map((value) => told(value, ruler)).join(", ")}, 재 보면 ${measured.join(", ")}.`;
}

/** What was guessed before, if it is a guess of these numbers. */
function kept(thread, ruler) {
  const guess = remembered().guesses[thread];
  return Array.isArray(guess) && guess.length === ruler.names.length ? guess : undefined;
}

/** Call changed(i, value) while a pointer is pressed on a stage. place: valueAt of what is drawn there. */
function dragged(svg, place, changed) {
  const follow = (event) => {
    if (event.type === "pointermove" && !event.buttons) return;
    const stage = svg.getBoundingClientRect();
    const ratio = WIDTH / stage.width;
    changed(...place((event.clientX - stage.left) * ratio, (event.clientY - stage.top) * ratio));
  };
  svg.addEventListener("pointerdown", follow);
  svg.addEventListener("pointermove", follow);
}

/** Let the reader guess in a box of the page, and see what was measured; thread: by which the guess is remembered. */
export function askForNumber(box, thread) {
  const ruler = JSON.parse(box.dataset.guess);
  const guess = kept(thread, ruler) ?? ruler.names.map(() => nearest((ruler.from + ruler.to) / 2, ruler));
  let isShown = kept(thread, ruler) !== undefined;

  const isCurve = ruler.names.length > 1;
  const svg = draw(box, "svg", { role: "img", "aria-label": isCurve ? "내 예상을 그리는 곡선" : "내 예상을 놓는 자" });
  const { render, valueAt } = (isCurve ? onChart : onRuler)(svg, ruler);
  const said = element("p", { className: "guess-said", role: "status" });
  const sliders = ruler.names.map((name, i) => slider(ruler, name, guess[i], (value) => set(i, value)));
  const button = element("button", { type: "button" }, "재 보기");
  box.replaceChildren(svg, said, element("div", { className: "guess-controls" }, ...sliders, button));

  function show() {
    render(guess, isShown);
    for (const [i, label] of sliders.entries()) {
      label.querySelector("input").value = guess[i];
      label.querySelector("input").setAttribute("aria-valuetext", told(guess[i], ruler));
      label.querySelector("output").textContent = told(guess[i], ruler);
      label.querySelector("input").disabled = isShown; // a guess is one that was made before
    }
    button.hidden = isShown;
    said.textContent = isShown ? sentence(ruler, guess) : "";
    if (isShown) box.closest(".predict").querySelector("details").open = true;
  }
  function set(i, value) {
    if (!(i in guess)) return;
    guess[i] = nearest(value, ruler);
    show();
  }
  button.addEventListener("click", () => {
    isShown = true;
    remember((state) => {
      state.guesses[thread] = guess;
    });
    show();
  });
  dragged(svg, valueAt, (i, value) => isShown || set(i, value));
  show();
}
