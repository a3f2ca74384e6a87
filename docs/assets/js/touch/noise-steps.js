// The forward process of a diffusion model: a digit and noise mixed at a step, and what can still be told of the digit.
import { axis, draw, normals, path, scale, touch } from "./kit.js";

// One handwritten digit of each kind, 8 × 8 pixels of 0 to 16: a letter a pixel (scikit-learn's first ten).
const DIGITS = [
  "005d910000dfaf5003f20b8004c008800580098004b01c7002e5ac00006da000",
  "000cd500000bg900003fg60007fgg200001gg300001gg600001gg600000bga00",
  "0004fc00003gfe00008d8g000016fb00018df10009gg500003dggb500003bg90",
  "007fd10008d6f400021dd000002fb1000001cc1000001a8000845e90007dd900",
  "0001b00000078000001d6220007f098005ga0g6004fgdg100003fa000002g400",
  "00ca000000egge0000dgfa1000bgg70000047g7000004g900054cg40009gga00",
  "000cd000005g800000dg300000ed000000fc720000dgdg30007gbf800019fb30",
  "0078dgf100774bc000008d100488ff6002bff400000g5000009f100000d50000",
  "009e810000ceec00009a0f40003gce20004gg20003g8ad2001f13g8000bgfb10",
  "00bc000002gggd0003gcae0001g1cf0000dg9f20000309b000009f40009cd300",
];
const [MEAN, STD] = [4.884, 6.017]; // of all pixels of the snippet's data
const IMAGES = DIGITS.map((letters) => Array.from(letters, (each) => (Number.parseInt(each, 17) - MEAN) / STD));
const SHOWN = 3;

// DDPM: beta grows in a straight line from 0.0001 to 0.02 over 1000 steps; ALPHA_BAR[t] is the product of 1 − beta.
const ALPHA_BAR = [1];
for (let t = 0; t < 1000; t++) ALPHA_BAR.push(ALPHA_BAR[t] * (1 - (1e-4 + ((0.02 - 1e-4) * t) / 999)));

/** x_t in one jump: √ᾱ x_0 + √(1 − ᾱ) ε, of an image and noise (64 each) at step t. */
export function diffuse(image, noise, t) {
  const [signal, rest] = [Math.sqrt(ALPHA_BAR[t]), Math.sqrt(1 - ALPHA_BAR[t])];
  return image.map((pixel, i) => signal * pixel + rest * noise[i]);
}

/** How likely each of the images is to be the one that became `mixed` by step t, all being as likely before. */
export function posterior(mixed, t) {
  if (t === 0) return IMAGES.map((_, i) => Number(i === SHOWN));
  const signal = Math.sqrt(ALPHA_BAR[t]);
  const logs = IMAGES.map((image) => {
    const distance = image.reduce((sum, pixel, i) => sum + (mixed[i] - signal * pixel) ** 2, 0);
    return -distance / (2 * (1 - ALPHA_BAR[t]));
  });
  const likeliest = Math.max(...logs);
  const shares = logs.map((each) => Math.exp(each - likeliest));
  const total = shares.reduce((a, b) => a + b);
  return shares.map((each) => each / total);
}

/** A square of 8 × 8 pixels; what is returned paints it: values of −1 and less are paper, of 2 and more ink. */
function square(svg, left, top, side) {
  const size = side / 8;
  const cells = Array.from({ length: 64 }, (_, i) =>
    draw(svg, "rect", {
      x: left + (i % 8) * size,
      y: top + Math.floor(i / 8) * size,
      width: size + 0.2, // no seams
      height: size + 0.2,
      class: "touch-ink",
    }),
  );
  draw(svg, "rect", { x: left, y: top, width: side, height: side, class: "touch-frame" });
  return (values) => {
    cells.forEach((cell, i) => {
      cell.setAttribute("fill-opacity", Math.min(1, Math.max(0, (values[i] + 0.8) / 2.6)).toFixed(2));
    });
  };
}

const x = scale([0, 1000], [28, 254]);
const y = scale([0, 1], [203, 143]);

/** The two curves and the step's line on them. */
function curves(svg) {
  axis(svg, x, [0, 250, 500, 750, 1000], 203, "걸음 t");
  const steps = Array.from({ length: 101 }, (_, i) => 10 * i);
  draw(svg, "path", { class: "touch-line-b", d: path(steps.map((t) => [x(t), y(Math.sqrt(ALPHA_BAR[t]))])) });
  draw(svg, "path", { class: "touch-line-a", d: path(steps.map((t) => [x(t), y(Math.sqrt(1 - ALPHA_BAR[t]))])) });
  draw(svg, "text", { x: 276, y: 206 }, "신호 √ᾱ");
  draw(svg, "text", { x: 276, y: 148 }, "잡음 √(1−ᾱ)");
  return draw(svg, "path", { class: "touch-measured" });
}

touch("숫자 그림에 잡음을 섞는 과정", ({ svg, slider, action, redraw }) => {
  let seed = 1;
  const step = slider({ label: "걸음 t", min: 0, max: 1000, step: 10, value: 150, along: x });
  action("다른 잡음으로", () => {
    seed += 1;
    redraw();
  });
  const [original, noisy, mixed] = [8, 138, 272].map((left) => square(svg, left, 20, 80));
  const titles = ["숫자 3", "잡음 ε", "섞은 그림"];
  titles.forEach((title, i) => {
    draw(svg, "text", { x: [48, 178, 312][i], y: 14, "text-anchor": "middle" }, title);
  });
  for (const [left, sign] of [
    [113, "+"],
    [245, "="],
  ])
    draw(svg, "text", { x: left, y: 66, "text-anchor": "middle" }, sign);
  const shares = [48, 178].map((left) => draw(svg, "text", { x: left, y: 117, "text-anchor": "middle" }));
  const line = curves(svg);
  return () => {
    const t = step.value;
    const noise = IMAGES[SHOWN].map(normals(seed));
    const [signal, rest] = [Math.sqrt(ALPHA_BAR[t]), Math.sqrt(1 - ALPHA_BAR[t])];
    const result = diffuse(IMAGES[SHOWN], noise, t);
    const told = posterior(result, t)[SHOWN];
    original(IMAGES[SHOWN]);
    noisy(noise);
    mixed(result);
    shares[0].textContent = `× ${signal.toFixed(2)}`;
    shares[1].textContent = `× ${rest.toFixed(2)}`;
    line.setAttribute("d", `M${x(t)},140V203`);
    const say = `남은 신호: ${signal.toFixed(3)}배. 숫자 열 개 가운데 3에서 왔을 확률: ${Math.round(100 * told)}%`;
    return { say, state: { t, seed, signal, noise_variance: rest ** 2, shrunk: 1 / signal, told } };
  };
});
