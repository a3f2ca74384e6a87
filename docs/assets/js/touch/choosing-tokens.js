// Which translation is written: token by token the likeliest, drawn at a temperature, or the likeliest as a whole.
import { draw, scale, touch } from "./kit.js";

const NOTATIONS = ["23-06-05", "5/6/23", "5.6.23"];

/** Shares of a distribution at a temperature: p^(1/T), made to sum to one. */
export function heated(shares, temperature) {
  const logs = shares.map((share) => Math.log(share) / temperature);
  const most = Math.max(...logs);
  const raised = logs.map((each) => Math.exp(each - most));
  const total = raised.reduce((a, b) => a + b);
  return raised.map((each) => each / total);
}

/** Shares of the three notations: the year's digit first with that probability, else / or . with a half each. */
export function whole(year, temperature = 1) {
  const [first, other] = heated([year, 1 - year], temperature);
  const [slash, dot] = heated([0.5, 0.5], temperature);
  return [first, other * slash, other * dot];
}

const x = scale([0, 1], [8, 352]);
const percent = (share) => `${Math.round(100 * share)}%`;

/** A bar cut into parts; what is returned sets the parts' shares. texts(i, share): a part's words. */
function cut(svg, y, classes, texts) {
  const parts = classes.map((name) => [
    draw(svg, "rect", { y, height: 30, class: name }),
    draw(svg, "text", { y: y + 20, "text-anchor": "middle" }),
  ]);
  return (shares) => {
    let from = 0;
    parts.forEach(([rect, label], i) => {
      rect.setAttribute("x", x(from));
      rect.setAttribute("width", x(from + shares[i]) - x(from));
      label.setAttribute("x", x(from + shares[i] / 2));
      const words = texts(i, shares[i]);
      label.textContent = x(shares[i]) - x(0) > 7.5 * words.length + 6 ? words : "";
      from += shares[i];
    });
  };
}

/** What greedy and beam chose. greedy, likeliest: of which notation. */
function sentence(shares, greedy, likeliest) {
  const chosen = `고른 번역의 확률은 그리디 ${percent(shares[greedy])}, 빔 ${percent(shares[likeliest])}`;
  const missed = greedy === likeliest ? "둘이 같은 것을 골라요." : "한 글자씩 고르다 더 그럴듯한 번역을 놓쳤어요.";
  return `${chosen}. ${missed}`;
}

const label = (svg, y, words) => draw(svg, "text", { x: 8, y }, words);

touch("첫 글자의 확률과 번역 전체의 확률을 나눈 막대", ({ svg, slider }) => {
  const year = slider({
    label: "년부터 쓸 확률",
    min: 0.02,
    max: 0.98,
    step: 0.01,
    value: 0.4,
    along: x,
    show: percent,
  });
  const heat = slider({ label: "온도", min: 0.1, max: 3, step: 0.1, value: 1, show: (value) => value.toFixed(1) });
  label(svg, 16, "첫 글자의 분포");
  const first = cut(
    svg,
    22,
    ["touch-fill-b", "touch-fill-a"],
    (i, share) => `${["년", "일"][i]}부터 ${percent(share)}`,
  );
  label(svg, 80, "번역 전체의 분포");
  const classes = ["touch-fill-b", "touch-fill-a", "touch-fill-a"];
  const all = cut(svg, 86, classes, (i) => NOTATIONS[i]);
  const choices = label(svg, 138, "");
  label(svg, 176, "온도를 주고 뽑으면");
  const drawn = cut(svg, 182, classes, (_, share) => percent(share));
  const note = label(svg, 230, "");
  const chosen = draw(svg, "path", { class: "touch-measured" });
  return () => {
    const shares = whole(year.value);
    const sampled = whole(year.value, heat.value);
    const greedy = year.value > 0.5 ? 0 : 1; // the likelier first token; then / and . are even
    const likeliest = shares[0] >= shares[1] ? 0 : 1;
    first([year.value, 1 - year.value]);
    all(shares);
    drawn(sampled);
    const from = x(likeliest === 0 ? 0 : shares[0]);
    chosen.setAttribute("d", `M${from},86h${x(shares[likeliest]) - x(0)}v30H${from}Z`);
    choices.textContent = `그리디: ${NOTATIONS[greedy]} · 빔(굵은 테두리): ${NOTATIONS[likeliest]}`;
    note.textContent = `년부터 ${percent(sampled[0])}, 일부터 ${percent(1 - sampled[0])}`;
    const state = { year: year.value, temperature: heat.value, sampled: sampled[0] };
    return {
      say: sentence(shares, greedy, likeliest),
      state: { ...state, greedy: Number(greedy === 0), beam: Number(likeliest === 0) },
    };
  };
});
