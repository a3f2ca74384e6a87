// Attention on the benchmark's page: N is dragged through the lengths that were measured; the numbers are the table's.
import { draw, path, touch } from "./touch/kit.js";

const [PLAIN, UNFUSED] = ["식 그대로", ["식 그대로", "math"]];
const UNITS = { ms: "시간 (ms)", MiB: "최대 메모리 (MiB)" };
const [WIDTH, HEIGHT] = [360, 220]; // of a panel
const [LEFT, RIGHT, TOP] = [44, 256, 34];

/**
 * The rows of the table, in its words -> the lengths N that it has, and one way a device and precision:
 * {lengths, ways: [{device, precision, methods: [{name, ms: [number], MiB: [number]}]}]}, the numbers one for each length,
 * NaN where none was measured. Methods: the plain formula, and the fused kernel that is the fastest at its longest N.
 */
export function read(header, rows) {
  const number = (text = "") => Number(text.replaceAll(",", "") || Number.NaN);
  const names = header.filter((title) => title.endsWith(" ms")).map((title) => title.slice(0, -3));
  const lengths = [...new Set(rows.map((row) => number(row[2])))].sort((a, b) => a - b);
  const groups = new Map(rows.map((row) => [`${row[0]}, ${row[1]}`, row]));
  const ways = [...groups.values()].map(([device, precision]) => {
    const own = rows.filter((row) => row[0] === device && row[1] === precision);
    const at = lengths.map((N) => own.find((row) => number(row[2]) === N) ?? []);
    const column = (title) => at.map((row) => number(row[header.indexOf(title)]));
    const methods = names.map((name) => ({ name, ms: column(`${name} ms`), MiB: column(`${name} MiB`) }));
    const last = ({ ms }) => ms.findLastIndex(Number.isFinite);
    const fused = methods.filter((method) => !UNFUSED.includes(method.name) && last(method) >= 0);
    fused.sort((a, b) => last(b) - last(a) || a.ms[last(a)] - b.ms[last(b)]);
    return { device, precision, methods: [methods.find(({ name }) => name === PLAIN), fused[0]] };
  });
  return { lengths, ways };
}

const whole = (value) => value.toLocaleString("ko-KR", { maximumSignificantDigits: 6 });

/** A positive number with three digits. */
export function short(value) {
  const digits = Math.max(0, 2 - Math.floor(Math.log10(value)));
  return value.toLocaleString("ko-KR", { maximumFractionDigits: digits });
}

/** How much one takes beside another, as the end of a sentence. */
export function times(ratio) {
  return ratio < 0.1 ? `${short(1 / ratio)}분의 1이에요` : `${short(ratio)}배예요`;
}

/** Places at least `gap` apart, near the given ones, in their order. At most two. */
export function apart([first, second], gap) {
  const lack = Math.max(0, gap - Math.abs(second - first)) / 2;
  return first <= second ? [first - lack, second + lack] : [first + lack, second - lack];
}

// A map of positive numbers to pixels, by their logarithms.
function scale(values, [low, high]) {
  const finite = values.filter(Number.isFinite).map(Math.log10);
  const [from, to] = [Math.min(...finite), Math.max(...finite)];
  return (value) => low + ((Math.log10(value) - from) / (to - from)) * (high - low);
}

// The frame of one quantity: its name, powers of ten, the lengths at both ends and between.
function frame(group, unit, { x, y, lengths, ends: [least, most] }) {
  draw(group, "text", { x: 8, y: 18, class: "direct" }, UNITS[unit]);
  const axes = draw(group, "g", { class: "touch-axis" });
  for (let power = Math.ceil(Math.log10(least)); power <= Math.log10(most); power++) {
    const step = 10 ** power;
    draw(axes, "path", { d: `M${LEFT},${y(step)}H${RIGHT}`, opacity: 0.35 });
    draw(axes, "text", { x: LEFT - 5, y: y(step) + 4, "text-anchor": "end" }, whole(step));
  }
  for (const N of new Set([0, Math.floor(lengths.length / 2), lengths.length - 1].map((place) => lengths[place])))
    draw(axes, "text", { x: x(N), y: HEIGHT - 8, "text-anchor": "middle" }, whole(N));
}

// One method against N: its line, a dot for each length, and beside it what it takes at the length that is chosen.
function line(group, kind, { x, y, lengths }, unit) {
  const stroke = draw(group, "path", { class: `touch-line-${kind}` });
  const dots = draw(group, "g", { class: `touch-fill-${kind}` });
  const name = draw(group, "text", { x: RIGHT + 10 });
  const value = draw(group, "text", { x: RIGHT + 10, class: "direct" });
  return (method, at, place) => {
    const values = method[unit];
    const measured = lengths.flatMap((N, k) => (Number.isFinite(values[k]) ? [[x(N), y(values[k]), k]] : []));
    stroke.setAttribute("d", path(measured));
    dots.replaceChildren();
    for (const [cx, cy, k] of measured) draw(dots, "circle", { cx, cy, r: k === at ? 5.5 : 3, "fill-opacity": 1 });
    name.setAttribute("y", place);
    value.setAttribute("y", place + 17);
    name.textContent = method.name;
    value.textContent = Number.isFinite(values[at]) ? `${short(values[at])} ${unit}` : "재지 못함";
  };
}

// One quantity against N -> its group, its map of N, and what draws it for a way and the place of a length.
function panel(svg, unit, { lengths, ways }) {
  const values = ways.flatMap((way) => way.methods.flatMap((method) => method[unit]));
  const y = scale(values, [HEIGHT - 30, TOP]);
  const x = scale(lengths, [LEFT + 4, RIGHT]);
  const group = draw(svg, "g");
  const finite = values.filter(Number.isFinite);
  frame(group, unit, { x, y, lengths, ends: [Math.min(...finite), Math.max(...finite)] });
  const cursor = draw(group, "path", { class: "touch-measured", "stroke-dasharray": "3 3" });
  const lines = ["a", "b"].map((kind) => line(group, kind, { x, y, lengths }, unit));
  const update = ({ methods }, at) => {
    cursor.setAttribute("d", `M${x(lengths[at])},${TOP - 6}V${HEIGHT - 26}`);
    const ends = methods.map((method) => y(method[unit].findLast(Number.isFinite)));
    const places = apart(ends, 38);
    const lift = Math.min(0, HEIGHT - 44 - Math.max(...places));
    for (const [i, show] of lines.entries()) show(methods[i], at, places[i] + lift);
  };
  return { group, x, update };
}

function say(N, { precision, methods }, at) {
  const [plain, fused] = methods;
  const time = fused.ms[at] / plain.ms[at];
  const told = Number.isFinite(time)
    ? `합친 커널(${fused.name})의 시간은 식 그대로의 ${short(time)}배, 메모리는 ${times(fused.MiB[at] / plain.MiB[at])}.`
    : "이 길이는 재지 않았거나 메모리가 모자랐어요.";
  return `N = ${whole(N)}, ${precision}: ${told}`;
}

touch("어텐션 한 번의 시간과 메모리를 토큰 수 N에 따라 그린 두 그림", ({ svg, slider, choice }) => {
  const table = document.querySelector("#benchmark_results-attention table");
  const texts = (row) => [...row.cells].map((cell) => cell.textContent.trim());
  const measured = read(texts(table.tHead.rows[0]), [...table.tBodies[0].rows].map(texts));
  const { lengths, ways } = measured;
  const panels = Object.keys(UNITS).map((unit) => panel(svg, unit, measured));
  const wide = matchMedia("(min-width: 45em)");
  const arrange = () => {
    svg.setAttribute("viewBox", wide.matches ? `0 -10 ${2 * WIDTH} ${HEIGHT + 20}` : `0 0 ${WIDTH} ${2 * HEIGHT}`);
    panels[1].group.setAttribute("transform", wide.matches ? `translate(${WIDTH},0)` : `translate(0,${HEIGHT})`);
  };
  wide.addEventListener("change", arrange);
  arrange();
  const several = new Set(ways.map((way) => way.device)).size > 1;
  const names = ways.map(({ device, precision }) => (several ? `${device} ${precision}` : precision));
  const chosen = choice({ label: "정밀도", choices: Object.fromEntries(names.entries()) });
  const nearest = (pixel) => {
    const place = wide.matches ? (2 * pixel) % WIDTH : pixel; // the stage is then two panels wide
    const distances = lengths.map((N) => Math.abs(panels[0].x(N) - place));
    return distances.indexOf(Math.min(...distances));
  };
  const show = (place) => whole(lengths[place]);
  const range = { min: 0, max: lengths.length - 1, step: 1, value: 0 };
  const at = slider({ label: "토큰 수 N", ...range, show, along: { back: nearest } });
  return () => {
    const way = ways[Number(chosen.value)];
    for (const { update } of panels) update(way, at.value);
    const [plain, fused] = way.methods;
    const ratio = (unit) => plain[unit][at.value] / fused[unit][at.value];
    const N = lengths[at.value];
    return { say: say(N, way, at.value), state: { N, time: ratio("ms"), memory: ratio("MiB") } };
  };
});
