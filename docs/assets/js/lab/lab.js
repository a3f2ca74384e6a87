// The 실험실: what the reader does changes the state, the state is drawn and sent through the model.
import { CLASSES, boxOf, inFrame, render, sample, shapes, shuffled } from "./scenes.js";
import { DEPTH, HEADS, PATCH, distances, load, normalised, positions, rollout, row, softmax } from "./model.js";
import { SHIFT, USUAL, read, write } from "./state.js";

const $ = (name) => document.getElementById(`lab-${name}`);
const lab = document.querySelector(".lab");
const GROUNDS = [null, 11, 23, 35, 42, "plain"]; // backgrounds to choose from: the scene's own, those of other seeds
const PEN = 0.075; // width of the pen, as of a letter's strokes

let state = read(location.search);
let model = null;
let pictureOf = null; // the reader's own picture, an ImageBitmap
let lines = []; // drawn with the pen: [[x, y], …] each
let edits = 0; // how often the lines or the picture have changed
let pen = { x: 0.5, y: 0.5, down: false, shown: false };
let hovered = null; // the patch under the mouse; the chosen query counts while there is none
let seen = null; // what the last run was of, and gave

// --- From the state to what the model takes ---

// The scene of the state: sample() with what the reader has changed of it.
function scene() {
  const found = sample(state.scene);
  if (state.letter !== null) found.letter.label = CLASSES.indexOf(state.letter);
  if (state.r !== null) found.letter.radius = state.r;
  if (state.x !== null) found.letter.x = state.x;
  if (state.y !== null) found.letter.y = state.y;
  found.letter = inFrame(found.letter);
  if (!state.bars) found.bars = null;
  if (state.source !== "scene") found.letter = found.bars = null;
  if (state.bg === "plain") found.ground.waves = [];
  else if (state.bg !== null) found.ground = sample(state.bg).ground;
  return found;
}

const painter = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

// The pixels of a drawing at size x size: draw(context) works in a frame of 1 x 1.
function painted(size, draw) {
  painter.canvas.width = painter.canvas.height = size;
  painter.scale(size, size);
  draw(painter);
  return painter.getImageData(0, 0, size, size).data;
}

// Colours in [0, 1] of what the reader has made, channel by channel, before anything is shuffled or moved.
function colours(size) {
  const drawn = shapes(scene()),
    image = render(drawn, size),
    area = size * size;
  if (state.source === "picture" && pictureOf) {
    const { width, height } = pictureOf,
      side = Math.min(width, height);
    const pixels = painted(size, (context) => {
      context.imageSmoothingQuality = "high";
      context.drawImage(pictureOf, (width - side) / 2, (height - side) / 2, side, side, 0, 0, 1, 1);
    });
    over(image, pixels, area, (i, c) => pixels[4 * i + c] / 255);
  }
  if (state.source === "draw" && lines.length) {
    const pixels = painted(size, (context) => {
      Object.assign(context, { lineWidth: PEN, lineCap: "round", lineJoin: "round" });
      for (const line of lines) {
        context.beginPath();
        context.moveTo(...line[0]);
        for (const point of line) context.lineTo(...point);
        context.stroke();
      }
    });
    over(image, pixels, area, (_, c) => Math.min(1, drawn.colour[c]));
  }
  return image;
}

// Lay a colour over an image, as thick as the pixels' alpha says.
function over(image, pixels, area, colour) {
  for (let i = 0; i < area; i++) {
    const alpha = pixels[4 * i + 3] / 255;
    if (alpha) for (let c = 0; c < 3; c++) image[c * area + i] += alpha * (colour(i, c) - image[c * area + i]);
  }
}

// The image with everything moved by whole pixels, what leaves on one side coming in on the other.
function rolled(image, size, dx, dy) {
  const result = new Float32Array(image.length);
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        const target = ((y + dy + size) % size) * size + ((x + dx + size) % size);
        result[c * size * size + target] = image[c * size * size + y * size + x];
      }
    }
  }
  return result;
}

// The image with place i showing patch order[i].
function rearranged(image, size, order) {
  const result = new Float32Array(image.length),
    grid = size / PATCH;
  order.forEach((from, to) => {
    const [fy, fx, ty, tx] = [Math.floor(from / grid), from % grid, Math.floor(to / grid), to % grid].map(
      (v) => v * PATCH,
    );
    for (let c = 0; c < 3; c++) {
      for (let y = 0; y < PATCH; y++) {
        const source = c * size * size + (fy + y) * size + fx;
        result.set(image.subarray(source, source + PATCH), c * size * size + (ty + y) * size + tx);
      }
    }
  });
  return result;
}

// What the answer is compared with: the same without shuffling and moving, else the model as it was trained.
function reference() {
  if (state.shuffle !== "none" || state.dx || state.dy) {
    return { ...state, shuffle: "none", dx: 0, dy: 0, when: state.shuffle !== "none" ? "섞기 전" : "옮기기 전" };
  }
  if (state.pos !== "2d" || state.size !== USUAL.size)
    return { ...state, pos: "2d", size: USUAL.size, when: "학습한 그대로일 때" };
  return null;
}

async function answer(image, { size, pos, shuffle, order, dx, dy }) {
  const grid = size / PATCH,
    places = shuffle === "none" ? null : shuffled(grid * grid, order);
  let input = dx || dy ? rolled(image, size, dx, dy) : image;
  if (places) input = rearranged(input, size, places);
  const given = positions(pos, grid, grid, shuffle === "tokens" ? places : null);
  return { input, grid, places, ...(model ? await model.run(normalised(input), grid, grid, given) : {}) };
}

// --- Frames: one at a time, and no more than are wanted ---

let wanted = false,
  busy = false;

function changed({ all = true } = {}) {
  if (!all) return seen && !busy ? drawMap() : undefined;
  wanted = true;
  lab.dataset.state = "busy";
  if (!busy) frames();
}

async function frames() {
  busy = true;
  try {
    while (wanted) {
      wanted = false;
      await new Promise(requestAnimationFrame);
      const began = performance.now(),
        before = reference(),
        image = colours(state.size);
      const now = { state: { ...state }, size: state.size, image, ...(await answer(image, state)) };
      if (model && before) {
        const known = JSON.stringify([before, edits]);
        const kept = seen?.before?.known === known ? seen.before : null; // unshuffled again: no need to reckon anew
        now.before = kept ?? {
          known,
          when: before.when,
          ...(await answer(before.size === state.size ? image : colours(before.size), before)),
        };
      }
      seen = now;
      drawScene();
      if (model) drawTokens();
      drawMap();
      if (model) {
        drawAnswer();
        drawTime(performance.now() - began);
      }
    }
  } finally {
    busy = false;
  }
  later();
}

let timer;
// What need not happen at every step: the address, the heads' distances, and what is said aloud.
function later() {
  lab.dataset.state = "busy";
  clearTimeout(timer);
  timer = setTimeout(() => {
    history.replaceState(history.state, "", (write(state) || location.pathname) + location.hash);
    if (seen?.attn) {
      seen.far ??= distances(seen, seen.grid);
      for (const { map, number } of thumbnails) if (number) number.textContent = Math.round(seen.far[map]);
    }
    $("said").textContent = [
      $("verdict").textContent,
      $("change").textContent,
      model ? `${nameOf(queryToken(seen.grid), seen.grid)} ${$("seen").textContent}` : "",
    ].join(" ");
    lab.dataset.state = "idle";
  }, 500);
}

// --- Drawing ---

let palette = {},
  ramps = {};
function readPalette() {
  const style = getComputedStyle($("scene"));
  const colour = (name) => {
    painter.fillStyle = style.getPropertyValue(name).trim();
    return [1, 3, 5].map((i) => parseInt(painter.fillStyle.slice(i, i + 2), 16));
  };
  palette = Object.fromEntries(
    ["paper", "wash", "accent", "ink", "partly-bar"].map((name) => [name, colour(`--${name}`)]),
  );
  const ramp = (from, to) =>
    Uint32Array.from({ length: 256 }, (_, i) =>
      packed(...from.map((value, c) => Math.round(value + (i / 255) * (to[c] - value)))),
    );
  ramps = {
    heat: ramp(palette.wash, palette.accent),
    plus: ramp(palette.paper, palette.accent),
    minus: ramp(palette.paper, palette["partly-bar"]),
  };
  palette.faded = palette.paper.map((value, c) => value + 0.22 * (palette.ink[c] - value)); // neither white nor black
}
const packed = (r, g, b) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0; // as ImageData lies in memory
const css = (rgb) => `rgb(${rgb.join(" ")})`;

// A canvas as large as it is shown -> [context, side in CSS pixels].
function sized(canvas) {
  const side = canvas.clientWidth,
    dots = Math.round(side * devicePixelRatio);
  if (canvas.width !== dots) canvas.width = canvas.height = dots;
  const context = canvas.getContext("2d");
  context.setTransform(dots / side, 0, 0, dots / side, 0, 0);
  context.clearRect(0, 0, side, side);
  return [context, side];
}

// A small canvas that holds pixels: colour(i) -> pixel i, packed.
function pixels(canvas, width, height, colour) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const values = new Uint32Array(width * height);
  for (let i = 0; i < values.length; i++) values[i] = colour(i);
  canvas.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(values.buffer), width, height), 0, 0);
  return canvas;
}

// Colours in [0, 1], channel by channel, as a canvas.
function asPixels(canvas, image, size) {
  const area = size * size;
  return pixels(canvas, size, size, (i) =>
    packed(255 * image[i] + 0.5, 255 * image[area + i] + 0.5, 255 * image[2 * area + i] + 0.5),
  );
}

const sceneBuffer = document.createElement("canvas"),
  inputBuffer = document.createElement("canvas");

function drawScene() {
  const { image, size } = seen,
    [context, side] = sized($("scene"));
  context.imageSmoothingEnabled = false;
  context.drawImage(asPixels(sceneBuffer, image, size), 0, 0, side, side);
  const focused = document.activeElement === $("scene");
  if (state.source === "scene") {
    const [x0, y0, x1, y1] = boxOf(scene().letter).map((value) => value * side);
    Object.assign(context, { strokeStyle: "#fff", lineWidth: 1.5, globalAlpha: dragging || focused ? 0.95 : 0.5 });
    context.setLineDash(dragging ? [] : [4, 4]);
    context.strokeRect(x0 - 3, y0 - 3, x1 - x0 + 6, y1 - y0 + 6);
  } else if (state.source === "draw" && focused && pen.shown) {
    Object.assign(context, { strokeStyle: "#fff", lineWidth: 2, fillStyle: pen.down ? "#fff" : "transparent" });
    context.beginPath();
    context.arc(pen.x * side, pen.y * side, (PEN * side) / 2, 0, 7);
    context.fill();
    context.stroke();
  }
  context.globalAlpha = 1;
  context.setLineDash([]);
}

const queryNow = () => hovered ?? state.query;
// The chosen query as the number of its token, 0 the class token. A place outside a smaller grid is its nearest one.
function queryToken(grid, query = queryNow()) {
  if (query === "cls") return 0;
  const [r, c] = query.map((place) => Math.min(place, grid - 1));
  return 1 + r * grid + c;
}
const nameOf = (token, grid) =>
  token ? `${Math.floor((token - 1) / grid) + 1}행 ${((token - 1) % grid) + 1}열` : "클래스 토큰";

// The weights that the chosen map gives to all tokens.
function weights(map, query) {
  if (map === "rollout") return rollout(seen, query);
  const [layer, head] = map.split("-");
  return row(seen, layer - 1, head === "mean" ? null : head - 1, query);
}

const percent = (share) => (share < 0.0995 ? `${(100 * share).toFixed(1)}%` : `${Math.round(100 * share)}%`);

function drawMap() {
  const { input, size, grid } = seen,
    [context, side] = sized($("map"));
  asPixels(inputBuffer, input, size);
  const query = queryToken(grid),
    heat = seen.attn ? weights(state.map, query) : null;
  const patches = heat ? heat.subarray(1) : null;
  const most = heat ? Math.max(...patches) : 1,
    top = heat ? patches.indexOf(most) + 1 : -1;
  const step = side / grid,
    gap = Math.max(1, step * 0.07),
    tile = step - gap;
  context.imageSmoothingEnabled = false;
  for (let i = 0; i < grid * grid; i++) {
    const [x, y] = [(i % grid) * step + gap / 2, Math.floor(i / grid) * step + gap / 2];
    if (heat) {
      Object.assign(context, { globalAlpha: 1, fillStyle: css(palette.faded) });
      context.fillRect(x, y, tile, tile);
    }
    context.globalAlpha = heat ? 0.1 + 0.9 * (patches[i] / most) ** 0.8 : 1;
    context.drawImage(inputBuffer, (i % grid) * PATCH, Math.floor(i / grid) * PATCH, PATCH, PATCH, x, y, tile, tile);
  }
  context.globalAlpha = 1;
  const frame = (token, colour, width) => {
    const i = token - 1,
      [x, y] = [(i % grid) * step, Math.floor(i / grid) * step];
    Object.assign(context, { strokeStyle: colour, lineWidth: width });
    context.strokeRect(x + width / 2, y + width / 2, step - width, step - width);
  };
  if (heat) frame(top, css(palette["partly-bar"]), Math.max(2, step * 0.06));
  if (query) frame(query, css(palette.accent), Math.max(2, step * 0.08));
  const cls = $("cls");
  cls.setAttribute("aria-pressed", String(query === 0));
  cls.style.setProperty("--heat", heat ? Math.min(1, heat[0] / most) : 0);
  if (!heat) return;
  $("seen").textContent =
    query || state.map !== "rollout"
      ? `${query ? `${nameOf(query, grid)}에서 본 곳: ` : "에서 본 곳: "}${nameOf(top, grid)} ${percent(most)}, 클래스 토큰 ${percent(heat[0])}`
      : `까지 가장 많이 온 곳: ${nameOf(top, grid)} ${percent(most)}`;
  drawHeads(query);
  markToken(query);
}

function drawHeads(query) {
  const { grid } = seen;
  for (const { map, canvas } of thumbnails) {
    const heat = weights(map, query).subarray(1),
      most = Math.max(...heat);
    pixels(canvas, grid, grid, (i) => ramps.heat[Math.round((255 * heat[i]) / most)]);
  }
}

const tokenBuffer = document.createElement("canvas");

function drawTokens() {
  const { tokens, n } = seen,
    dim = tokens.length / n;
  pixels(tokenBuffer, n, dim, (i) => {
    const value = tokens[(i % n) * dim + Math.floor(i / n)];
    return ramps[value < 0 ? "minus" : "plus"][Math.round(255 * Math.min(1, Math.abs(value) / 3))];
  });
}

function markToken(query) {
  const canvas = $("tokens"),
    { n, grid } = seen,
    width = canvas.clientWidth,
    height = canvas.clientHeight;
  const dots = [width, height].map((value) => Math.round(value * devicePixelRatio));
  if (canvas.width !== dots[0]) canvas.width = dots[0];
  if (canvas.height !== dots[1]) canvas.height = dots[1];
  const context = canvas.getContext("2d"),
    step = width / n;
  context.setTransform(dots[0] / width, 0, 0, dots[1] / height, 0, 0);
  context.clearRect(0, 0, width, height);
  context.imageSmoothingEnabled = false;
  context.drawImage(tokenBuffer, 0, 0, width, height);
  Object.assign(context, { strokeStyle: css(palette.ink), lineWidth: 2 });
  context.strokeRect(query * step, 1, Math.max(step, 3), height - 2);
  $("tokens-title").textContent = `토큰 ${n}개 × ${tokenBuffer.height}차원`;
  $("tokens-note").textContent =
    `세로줄 하나가 토큰 하나예요. 테두리를 두른 줄은 ${nameOf(query, grid)}${query ? "의 패치예요" : "이에요"}.`;
  canvas.setAttribute("aria-label", `첫 블록에 들어가는 토큰 ${n}개의 값. ${$("tokens-note").textContent}`);
}

const isVowel = (label) => CLASSES[label] >= "ㅏ"; // its name ends without a consonant
const right = () => (state.source === "scene" ? scene().letter.label : -1);

function drawAnswer() {
  const { logits, before } = seen,
    chances = softmax(logits),
    best = chances.indexOf(Math.max(...chances));
  const chancesBefore = before && softmax(before.logits),
    bestBefore = before && chancesBefore.indexOf(Math.max(...chancesBefore));
  bars.forEach((bar, i) => {
    bar.item.style.setProperty("--now", chances[i]);
    bar.item.classList.toggle("best", i === best);
    bar.item.classList.toggle("right", i === right());
    bar.before.hidden = !before || chancesBefore[i] < 0.005;
    if (before) bar.item.style.setProperty("--before", chancesBefore[i]);
    bar.chance.textContent = `${Math.round(100 * chances[i])}%`;
    bar.logit.textContent = (Math.round(10 * logits[i]) / 10 + 0).toFixed(1).replace("-", "−"); // + 0: no −0.0
  });
  const judged =
    right() < 0
      ? ""
      : right() === best
        ? " 맞혔어요."
        : ` 정답은 ${CLASSES[right()]}${isVowel(right()) ? "예요" : "이에요"}.`;
  $("verdict").textContent = `${CLASSES[best]} ${Math.round(100 * chances[best])}%.${judged}`;
  if (!before) {
    $("change").textContent = "";
    return;
  }
  const most = Math.max(...logits.map((value, i) => Math.abs(value - before.logits[i])));
  const change =
    most < 1e-4
      ? "로짓이 그대로예요(반올림 오차뿐)"
      : `로짓이 최대 ${most < 0.1 ? most.toPrecision(1) : most.toFixed(1)}만큼 달라요`;
  const answered =
    best === bestBefore
      ? "답도 같아요"
      : `그때는 ${CLASSES[bestBefore]}${isVowel(bestBefore) ? "라고" : "이라고"} 답했어요(${Math.round(100 * chancesBefore[bestBefore])}%)`;
  $("change").textContent = `가는 금은 ${before.when}의 확률이에요. 그때와 견주면 ${change}. ${answered}.`;
}

const recent = [];
let first = true;
function drawTime(milliseconds) {
  if (first) {
    // it also makes what later ones use again
    first = false;
    return;
  }
  recent.push(milliseconds);
  if (recent.length > 9) recent.shift();
  const typical = [...recent].sort((a, b) => a - b)[recent.length >> 1];
  $("time").textContent = `한 장면을 그리고 계산하고 보여 주는 데 ${typical.toFixed(0)} ms`;
  $("time").dataset.ms = milliseconds.toFixed(1);
}

// --- Controls: each shows the state, and changes it ---

const choices = (name) => [...lab.querySelectorAll(`input[name="${name}"]`)];

function showControls() {
  for (const name of ["source", "pos", "shuffle", "map"])
    choices(name).forEach((input) => {
      input.checked = input.value === state[name];
    });
  choices("bg").forEach((input) => {
    input.checked = input.value === String(state.bg);
  });
  const { letter } = { letter: inFrame(letterNow()) };
  choices("letter").forEach((input) => {
    input.checked = CLASSES.indexOf(input.value) === letter.label;
  });
  $("x").value = letter.x;
  $("y").value = letter.y;
  $("r").value = letter.radius;
  $("bars").checked = Boolean(state.bars);
  for (const name of ["size", "dx", "dy"]) $(name).value = state[name];
  const grid = state.size / PATCH;
  $("size-text").textContent = `${state.size} px = 패치 ${grid}×${grid}`;
  $("dx-text").textContent = `가로로 ${state.dx} px`.replace("-", "−");
  $("dy-text").textContent = `세로로 ${state.dy} px`.replace("-", "−");
  $("again").disabled = state.shuffle === "none";
  $("pos-note").textContent =
    state.size === USUAL.size && ["line", "repeat"].includes(state.pos)
      ? "학습한 크기인 64 px에서는 늘릴 것이 없어서 2D와 같아요. 해상도를 바꿔 보세요."
      : "";
  for (const part of lab.querySelectorAll("[data-source]")) part.hidden = !part.dataset.source.includes(state.source);
  $("scene-keys").textContent = {
    scene: "끌거나 화살표 키로 옮겨요.",
    draw: "여기에 그려 보세요.",
    picture: pictureOf ? "가운데를 잘라 썼어요." : "그림을 골라 주세요.",
  }[state.source];
  const where = `가로 ${Math.round(100 * letter.x)}%, 세로 ${Math.round(100 * letter.y)}%`;
  $("scene").setAttribute(
    "aria-label",
    { scene: `장면: ${CLASSES[letter.label]}, ${where}`, draw: "그림판", picture: "내 그림" }[state.source],
  );
}

function letterNow() {
  const kept = state.source;
  state.source = "scene";
  const { letter } = scene();
  state.source = kept;
  return letter;
}

function set(changes) {
  Object.assign(state, changes);
  if (changes.source === "draw") pen.shown = false;
  showControls();
  changed();
}

function radio(name, value, content, label) {
  const input = Object.assign(document.createElement("input"), { type: "radio", name, value });
  const box = document.createElement("label"),
    shown = document.createElement("span");
  if (label) input.setAttribute("aria-label", label);
  shown.append(...content);
  box.append(input, shown);
  return box;
}

const bars = CLASSES.map((letter) => {
  const item = document.createElement("li");
  const part = (name, text = "") => {
    const made = Object.assign(document.createElement("span"), { className: name, textContent: text });
    item.append(made);
    return made;
  };
  part("letter", letter);
  const bar = part("bar"),
    now = document.createElement("i"),
    before = document.createElement("u");
  bar.append(now, before);
  before.hidden = true;
  const found = { item, before, chance: part("chance"), logit: part("logit") };
  $("logits").append(item);
  return found;
});

const thumbnails = [];
for (let layer = 1; layer <= DEPTH; layer++) {
  const named = Object.assign(document.createElement("span"), { className: "layer", textContent: `${layer}층` });
  named.setAttribute("aria-hidden", "true");
  $("heads").append(named);
  for (const head of [...Array.from({ length: HEADS }, (_, h) => String(h + 1)), "mean"]) {
    const canvas = Object.assign(document.createElement("canvas"), { width: 8, height: 8 });
    canvas.setAttribute("aria-hidden", "true");
    const number = head === "mean" ? null : Object.assign(document.createElement("small"), { textContent: "\u00a0" });
    const said = head === "mean" ? `${layer}층, 헤드 평균` : `${layer}층, 헤드 ${head}`;
    const caption = number ?? Object.assign(document.createElement("small"), { textContent: "평균" });
    const map = `${layer}-${head}`;
    $("heads").append(radio("map", map, [canvas, caption], said));
    thumbnails.push({ map, canvas, number });
  }
}
$("letters").append(...CLASSES.map((letter) => radio("letter", letter, [letter])));
const groundNames = ["이 장면의 배경", ...GROUNDS.slice(1, -1).map((_, i) => `다른 배경 ${i + 1}`), "무늬 없는 배경"];
const swatches = GROUNDS.map((ground, i) => {
  const canvas = document.createElement("canvas");
  canvas.setAttribute("aria-hidden", "true");
  $("grounds").append(radio("bg", String(ground), [canvas], groundNames[i]));
  return { ground, canvas };
});

function drawSwatches() {
  for (const { ground, canvas } of swatches) {
    const found = sample(typeof ground === "number" ? ground : state.scene).ground;
    if (ground === "plain") found.waves = [];
    asPixels(canvas, render({ ground: found, shapes: [] }, 16), 16);
  }
}

lab.addEventListener("change", ({ target }) => {
  const value = target.value;
  if (target.name === "source") {
    if (value === "draw") lines = [];
    set({ source: value });
  } else if (target.name === "bg") set({ bg: value === "null" ? null : value === "plain" ? value : Number(value) });
  else if (target.name === "map") {
    state.map = value;
    changed({ all: false });
    later();
  } else if (["pos", "shuffle", "letter"].includes(target.name)) set({ [target.name]: value });
  else if (target === $("bars")) set({ bars: Number(target.checked) });
  else if (target === $("file") && target.files[0]) take(target.files[0]);
});
for (const name of ["x", "y", "r"])
  $(name).addEventListener("input", () => {
    const letter = inFrame({ ...letterNow(), [{ x: "x", y: "y", r: "radius" }[name]]: Number($(name).value) });
    set({ x: letter.x, y: letter.y, r: letter.radius });
  });
for (const name of ["size", "dx", "dy"])
  $(name).addEventListener("input", () => set({ [name]: Number($(name).value) }));
$("new").addEventListener("click", () => {
  set({ scene: Math.floor(Math.random() * 1e6), letter: null, x: null, y: null, r: null });
  drawSwatches();
});
$("clear").addEventListener("click", () => {
  lines = [];
  drew();
});
$("again").addEventListener("click", () => set({ order: state.order + 1 }));
$("cls").addEventListener("click", () => choose("cls"));
$("reset").addEventListener("click", () => {
  lines = [];
  set({ ...USUAL });
  drawSwatches();
});
$("link").addEventListener("click", async ({ currentTarget: button }) => {
  const address = new URL(write(state) || location.pathname, location.href);
  history.replaceState(history.state, "", address);
  const copied = await navigator.clipboard?.writeText(address.href).then(
    () => true,
    () => false,
  );
  button.textContent = copied ? "복사했어요" : "주소창에 있어요";
  setTimeout(() => {
    button.textContent = "이 상태의 주소 복사";
  }, 2000);
});
const tries = [...lab.querySelectorAll(".lab-tries a")];
for (const link of tries)
  link.addEventListener("click", (event) => {
    event.preventDefault();
    history.pushState(null, "", link.href);
    open();
  });

// Show what the address says.
function open() {
  set(read(location.search));
  drawSwatches();
  const chosen = tries.find((link) => link.search === location.search);
  tries.forEach((link) => link.toggleAttribute("aria-current", link === chosen));
  $("try").textContent = chosen?.dataset.say ?? "";
}
addEventListener("popstate", open);

// --- Scene: drag, draw, keys, pictures ---

let dragging = null; // where in the letter it was taken, or the line being drawn

function placeIn(canvas, { clientX, clientY }) {
  const { left, top, width, height } = canvas.getBoundingClientRect();
  return [(clientX - left) / width, (clientY - top) / height].map((value) => Math.min(Math.max(value, 0), 0.9999));
}

$("scene").addEventListener("pointerdown", (event) => {
  if (event.button) return;
  const [x, y] = placeIn($("scene"), event);
  if (state.source === "draw") {
    pen = { x, y, down: false, shown: false };
    dragging = { line: [[x, y]] };
    lines.push(dragging.line);
    drew();
  } else if (state.source === "scene") {
    const letter = scene().letter,
      [x0, y0, x1, y1] = boxOf(letter);
    const inside = x > x0 && x < x1 && y > y0 && y < y1;
    dragging = inside ? { dx: letter.x - x, dy: letter.y - y } : { dx: 0, dy: 0 }; // elsewhere: it comes here
    move(x + dragging.dx, y + dragging.dy);
  } else return;
  $("scene").setPointerCapture(event.pointerId);
});
$("scene").addEventListener("pointermove", (event) => {
  if (!dragging) return;
  for (const moved of event.getCoalescedEvents?.() ?? [event]) {
    const [x, y] = placeIn($("scene"), moved);
    if (dragging.line) dragging.line.push([x, y]);
  }
  const [x, y] = placeIn($("scene"), event);
  if (dragging.line) drew();
  else move(x + dragging.dx, y + dragging.dy);
});
for (const end of ["pointerup", "pointercancel"])
  $("scene").addEventListener(end, () => {
    dragging = null;
    changed();
  });

function drew() {
  edits++;
  changed();
}

function move(x, y) {
  const letter = inFrame({ ...scene().letter, x, y });
  set({ x: letter.x, y: letter.y });
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

$("scene").addEventListener("keydown", (event) => {
  const arrow = ARROWS[event.key],
    step = (event.shiftKey ? PATCH : 1) / USUAL.size;
  if (state.source === "scene" && arrow) {
    const { x, y } = scene().letter;
    move(x + arrow[0] * step, y + arrow[1] * step);
  } else if (state.source === "draw" && arrow) {
    const stride = 2 * step,
      inside = (value) => Math.min(Math.max(value, 0), 1);
    Object.assign(pen, { shown: true, x: inside(pen.x + arrow[0] * stride), y: inside(pen.y + arrow[1] * stride) });
    if (pen.down) lines.at(-1).push([pen.x, pen.y]);
    drew();
  } else if (state.source === "draw" && event.key === " ") {
    pen.down = !pen.down;
    pen.shown = true;
    if (pen.down) lines.push([[pen.x, pen.y]]);
    $("said").textContent = pen.down ? "펜을 내렸어요." : "펜을 올렸어요.";
    drew();
  } else return;
  event.preventDefault();
});
for (const name of ["focus", "blur"])
  $("scene").addEventListener(name, () => {
    if (seen) drawScene();
  });

async function take(file) {
  try {
    pictureOf = await createImageBitmap(file);
    edits++;
    set({ source: "picture" });
  } catch {
    set({ source: "picture" });
    $("scene-keys").textContent = $("said").textContent =
      `${file.name} 파일을 그림으로 읽지 못했어요. PNG나 JPEG로 해 보세요.`;
  }
}
$("scene").addEventListener("dragover", (event) => event.preventDefault());
$("scene").addEventListener("drop", (event) => {
  event.preventDefault();
  const file = event.dataTransfer.files[0];
  if (file) take(file);
});
addEventListener("paste", ({ clipboardData }) => {
  const file = [...(clipboardData?.files ?? [])].find(({ type }) => type.startsWith("image/"));
  if (file) take(file);
});

// --- Map: point at a patch ---

function choose(query) {
  hovered = null;
  state.query = query;
  changed({ all: false });
  later();
}

const patchAt = (event) => {
  const grid = state.size / PATCH,
    [x, y] = placeIn($("map"), event);
  return [Math.floor(y * grid), Math.floor(x * grid)];
};
$("map").addEventListener("pointermove", (event) => {
  if (event.pointerType === "mouse" && !event.buttons) {
    hovered = patchAt(event);
    changed({ all: false });
  } else if (event.buttons) choose(patchAt(event));
});
$("map").addEventListener("pointerdown", (event) => {
  $("map").setPointerCapture(event.pointerId);
  choose(patchAt(event));
});
$("map").addEventListener("pointerleave", () => {
  hovered = null;
  changed({ all: false });
});
$("map").addEventListener("keydown", (event) => {
  const arrow = ARROWS[event.key],
    grid = state.size / PATCH;
  if (event.key === "Home") choose("cls");
  else if (arrow) {
    const [r, c] = state.query === "cls" ? [grid >> 1, grid >> 1] : state.query;
    const inside = (value) => Math.min(Math.max(value, 0), grid - 1);
    choose(state.query === "cls" ? [r, c] : [inside(r + arrow[1]), inside(c + arrow[0])]);
  } else return;
  event.preventDefault();
});

// --- Loading ---

// Whether this tab has asked for the model before: then the browser has it, and a link from a thread opens at once.
const asked = {
  get before() {
    try {
      return sessionStorage.getItem("lab-asked");
    } catch {
      return null;
    }
  }, // storage may be shut off
  remember() {
    try {
      sessionStorage.setItem("lab-asked", "1");
    } catch {
      /* then it asks again */
    }
  },
};
let attempts = 0;

async function start() {
  const button = $("load"),
    progress = $("progress"),
    total = Number(lab.dataset.bytes);
  const focused = document.activeElement === button;
  button.disabled = true;
  progress.hidden = false;
  $("told").textContent = "불러오고 있어요.";
  try {
    model = await load((bytes) => {
      progress.value = Math.min(1, bytes / total);
      if (bytes >= total) $("told").textContent = "계산할 준비를 하고 있어요.";
    }, attempts++);
    await answer(colours(state.size), state); // the first run is slow: what it compiles is kept
    asked.remember();
    lab.classList.add("ready");
    if (focused) $("scene").focus({ preventScroll: true });
    document.querySelector(".lab-start").hidden = true;
    changed();
  } catch (error) {
    console.warn(error);
    $("told").textContent = "모델을 불러오지 못했어요. 인터넷 연결을 확인하고 다시 눌러 주세요.";
    progress.hidden = true;
    button.disabled = false;
  }
}

$("load").addEventListener("click", start);
readPalette();
new MutationObserver(() => {
  readPalette();
  changed();
}).observe(document.body, { attributeFilter: ["data-md-color-scheme"] });
new ResizeObserver(() => changed()).observe($("scene"));
open();
if (asked.before) start();
