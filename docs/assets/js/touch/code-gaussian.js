// A VAE's code: noise from outside made into draws of N(μ, σ²), and what KL charges for lying elsewhere than N(0, 1).
import { axis, draw, normals, path, scale, signed, touch } from "./kit.js";

const density = (x, mu, sigma) => Math.exp(-(((x - mu) / sigma) ** 2) / 2) / (sigma * Math.sqrt(2 * Math.PI));

/** KL(N(mu, sigma²) ‖ N(0, 1)) in nats: the closed form. */
export const kl = (mu, sigma) => (mu ** 2 + sigma ** 2 - 1 - 2 * Math.log(sigma)) / 2;

/** The same by summing q log(q / p) over a fine grid of ten deviations to either side. */
export function klBySum(mu, sigma) {
  const step = sigma / 200;
  let total = 0;
  for (let x = mu - 10 * sigma; x < mu + 10 * sigma; x += step) {
    const logRatio = -(((x - mu) / sigma) ** 2) / 2 - Math.log(sigma) + x ** 2 / 2;
    total += density(x, mu, sigma) * logRatio * step;
  }
  return total;
}

const next = normals(4);
const NOISE = Array.from({ length: 14 }, next);
const x = scale([-6, 6], [14, 346]);
const GRID = Array.from({ length: 481 }, (_, i) => -6 + i * 0.025);
const BASE = 106;
const bar = scale([0, 8], [48, 300]);

/** The density as an area on the stage; a very narrow one is cut off at the top. */
const area = (mu, sigma) =>
  `${path(GRID.map((each) => [x(each), Math.max(24, BASE - 150 * density(each, mu, sigma))]))}L${x(6)},${BASE}L${x(-6)},${BASE}Z`;

/** The row of noise and the row of codes, a line from each to each; what is returned moves the codes. */
function draws(svg) {
  for (const [y, name] of [
    [146, "ε"],
    [178, "z"],
  ])
    draw(svg, "text", { x: 2, y: y + 4 }, name);
  const made = NOISE.map((noise) => {
    draw(svg, "circle", { cx: x(noise), cy: 146, r: 3, class: "touch-ink" });
    return [
      draw(svg, "path", { class: "touch-line-a", "stroke-opacity": 0.5 }),
      draw(svg, "circle", { cy: 178, r: 4, class: "touch-cell-b" }),
    ];
  });
  return (mu, sigma) =>
    made.forEach(([line, circle], i) => {
      const place = x(Math.min(6, Math.max(-6, mu + sigma * NOISE[i])));
      line.setAttribute("d", `M${x(NOISE[i])},149L${place},174`);
      circle.setAttribute("cx", place);
    });
}

touch("부호의 분포와 N(0, 1), 그 사이의 KL", ({ svg, numbers, slider }) => {
  const mu = slider({ label: "평균 μ", min: -3, max: 3, step: 0.05, value: 1.5, along: x, show: signed });
  const sigma = slider({ label: "표준편차 σ", min: 0.05, max: 3.2, step: 0.05, value: 0.4, show: signed });
  draw(svg, "text", { x: 14, y: 14 }, "회색: N(0, 1), 색: 부호의 분포 N(μ, σ²)");
  draw(svg, "path", { class: "touch-fill-a", d: area(0, 1) });
  const code = draw(svg, "path", { class: "touch-fill-b" });
  axis(
    svg,
    x,
    [-6, -4, -2, 0, 2, 4, 6].map((tick) => [tick, signed(tick, 0)]),
    BASE,
  );
  const move = draws(svg);
  draw(svg, "text", { x: 14, y: 211 }, "KL");
  const length = draw(svg, "rect", { x: bar(0), y: 198, height: 18, class: "touch-fill-b" });
  const value = draw(svg, "text", { y: 211 });
  const learnt = numbers["mean(vae.beta_1_kl)"] / 8; // of one of a code's eight numbers
  draw(svg, "path", { class: "touch-measured", d: `M${bar(learnt)},194V220` });
  draw(svg, "text", { x: bar(learnt), y: 233, class: "touch-soft" }, `배운 VAE: ${learnt.toFixed(2)}`);
  return () => {
    const found = kl(mu.value, sigma.value);
    code.setAttribute("d", area(mu.value, sigma.value));
    move(mu.value, sigma.value);
    length.setAttribute("width", Math.max(1, bar(found) - bar(0)));
    value.setAttribute("x", bar(found) + 6);
    value.textContent = `${found.toFixed(2)}나트`;
    const say =
      found < 0.005
        ? "N(0, 1)과 똑같아 KL이 0이에요. 대신 z만 보고는 어느 이미지인지 알 수 없어요."
        : `z = ${signed(mu.value)} + ${signed(sigma.value)} × ε. N(0, 1)에서 벗어난 만큼 드는 KL: ${found.toFixed(2)}나트`;
    return { say, state: { mu: mu.value, sigma: sigma.value, kl: found, by_sum: klBySum(mu.value, sigma.value) } };
  };
});
