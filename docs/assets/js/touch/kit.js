// What the figures to touch are made of: a stage of 360 by 240, controls beneath it, and a line that says what is seen.
import { element } from "../dom.js";

export const WIDTH = 360;
export const HEIGHT = 240;

/** A new SVG element in a parent. attributes: by their SVG names; text: its content. */
export function draw(parent, tag, attributes = {}, text = "") {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  put(node, attributes);
  node.textContent = text;
  parent.append(node);
  return node;
}

/** Give a node other attributes. */
export function put(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
}

/** A map from [from, to] to the pixels [low, high]; its `back` is the map from pixels. */
export function scale([from, to], [low, high]) {
  const map = (value) => low + ((value - from) / (to - from)) * (high - low);
  map.back = (pixel) => from + ((pixel - low) / (high - low)) * (to - from);
  return map;
}

/** Numbers of the standard normal distribution, the same ones for the same seed: a function that gives the next. */
export function normals(seed) {
  let state = seed;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0; // mulberry32
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()); // Box and Muller's
}

/** A number's text with so many digits and a true minus sign, and none before a zero. */
export function signed(value, digits = 2) {
  const text = value.toFixed(digits);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
}

/** The path through points [[x, y], …] in pixels. */
export const path = (points) => `M${points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join("L")}`;

/** A line of the stage with ticks beneath. ticks: values, or [value, text] pairs; y: where it lies, in pixels. */
export function axis(parent, map, ticks, y, label) {
  const group = draw(parent, "g", { class: "touch-axis" });
  const places = ticks.map((tick) => (Array.isArray(tick) ? tick : [tick, String(tick)]));
  const [first, last] = [places[0][0], places.at(-1)[0]];
  draw(group, "path", { d: `M${map(first)},${y}H${map(last)}` });
  for (const [value, text] of places) draw(group, "text", { x: map(value), y: y + 15, "text-anchor": "middle" }, text);
  if (label) draw(group, "text", { x: (map(first) + map(last)) / 2, y: y + 30, "text-anchor": "middle" }, label);
  return group;
}

/** A slider in a labelled row. show: text of a value; along: a scale of the stage, on which it can be dragged too, or anything whose back(x, y) makes a value of pixels. */
function slider(svg, controls, { label, min, max, step, value, show = String, along }, changed) {
  const input = element("input", { type: "range" });
  Object.assign(input, { min, max, step });
  input.value = value;
  const output = element("output", {});
  const update = () => {
    output.textContent = show(Number(input.value));
    input.setAttribute("aria-valuetext", output.textContent);
    changed();
  };
  input.addEventListener("input", update);
  controls.append(element("label", { className: "touch-slider" }, element("span", {}, label), input, output));
  output.textContent = show(Number(input.value));
  if (along) {
    const follow = (event) => {
      if (event.type === "pointermove" && !event.buttons) return;
      const box = svg.getBoundingClientRect();
      const place = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
      input.value = along.back(place[0] * WIDTH, place[1] * HEIGHT);
      update();
    };
    svg.addEventListener("pointerdown", follow);
    svg.addEventListener("pointermove", follow);
    svg.classList.add("can-drag");
  }
  return {
    get value() {
      return Number(input.value);
    },
    set value(next) {
      input.value = next;
      update();
    },
  };
}

/** Buttons of which one is chosen. choices: {value: text}. */
function choice(controls, { label, choices, value }, changed) {
  const group = element("div", { className: "touch-choice", role: "group", "aria-label": label });
  let chosen = value ?? Object.keys(choices)[0];
  const buttons = Object.entries(choices).map(([name, text]) => {
    const button = element("button", { type: "button", "aria-pressed": String(name === chosen) }, text);
    button.addEventListener("click", () => {
      chosen = name;
      for (const each of buttons) each.setAttribute("aria-pressed", String(each === button));
      changed();
    });
    return button;
  });
  group.append(...buttons);
  controls.append(group);
  return {
    get value() {
      return chosen;
    },
  };
}

/** A button that does something. */
function action(controls, text, done) {
  const button = element("button", { type: "button", className: "touch-action" }, text);
  button.addEventListener("click", done);
  controls.append(button);
  return button;
}

/**
 * Set the figure of this page up. build(kit) -> what draws it, called after every change; it returns
 * {say: a sentence, state: {name: number}}; the state stands in the page for tests.
 * kit: {svg, numbers: the evidence that the page hands over, slider(options), choice(options), action(text, done), redraw()}.
 */
export function touch(label, build) {
  const room = globalThis.document?.querySelector(".touch-room"); // none where tests compute
  if (!room || room.firstChild) return;
  const svg = draw(room, "svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label });
  const controls = element("div", { className: "touch-controls" });
  const said = element("p", { className: "touch-said", role: "status" });
  room.append(said, controls);
  let render;
  const redraw = () => {
    if (!render) return;
    const { say, state } = render();
    said.textContent = say;
    room.dataset.state = JSON.stringify(state);
  };
  render = build({
    svg,
    numbers: JSON.parse(room.dataset.numbers),
    slider: (options) => slider(svg, controls, options, redraw),
    choice: (options) => choice(controls, options, redraw),
    action: (text, done) => action(controls, text, done),
    redraw,
  });
  redraw();
}
