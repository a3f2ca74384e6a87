// A sheet for a class, to be printed: the question, a guess to make, a figure to read, claims to judge; no answer.
import { addStyle, element } from "./dom.js";

const VERDICTS = ["맞음", "일부 맞음", "틀림", "미확인"];

// The text of a node, without what a page adds to it.
function textOf(node, left = ".mark, .headerlink, .permalink, small") {
  const copy = node.cloneNode(true);
  for (const each of copy.querySelectorAll(left)) each.remove();
  for (const link of copy.querySelectorAll("a, s, button")) link.replaceWith(...link.childNodes);
  for (const each of copy.querySelectorAll("[id]")) each.removeAttribute("id");
  copy.normalize();
  if (copy.firstChild?.nodeType === Node.TEXT_NODE) copy.firstChild.data = copy.firstChild.data.trimStart();
  return [...copy.childNodes];
}

// A line to write each number on that is guessed.
function blanks({ names, unit }) {
  const words = (name) => `${names.length > 1 ? name : "내 예상"}: ________ ${unit}`;
  return names.map((name) => element("li", { className: "handout-blank" }, words(name)));
}

function guess(article) {
  const ask = article.querySelector(".predict > p");
  if (!ask) return [];
  const choices = [...article.querySelectorAll(".choices li")].map((item) =>
    element("li", {}, ...textOf(item.querySelector("button") ?? item)),
  );
  const ruler = article.querySelector(".guess");
  if (ruler) choices.push(...blanks(JSON.parse(ruler.dataset.guess)));
  return [element("p", {}, ...textOf(ask)), element("ul", { className: "handout-choices" }, ...choices)];
}

// A figure without its caption, which says what was found.
function figure(article) {
  const found = article.querySelector(".predict .run-figure") ?? article.querySelector(".run-figure");
  if (!found) return [];
  for (const each of found.querySelectorAll("figcaption, .enlarge")) each.remove();
  return [found, element("p", { className: "handout-lines" }, "그림에서 무엇을 읽을 수 있나요?")];
}

function rows(answer) {
  const statement = element("th", { colSpan: 2 + VERDICTS.length, scope: "rowgroup" });
  statement.append(...textOf(answer.querySelector("summary h2")));
  const claims = [...answer.querySelectorAll(".claim-text > p")].map((claim) => {
    const boxes = VERDICTS.map((verdict) => element("td", { className: "handout-box", "aria-label": verdict }));
    return element("tr", {}, element("td", {}, ...textOf(claim)), ...boxes, element("td"));
  });
  return element("tbody", {}, element("tr", {}, statement), ...claims);
}

function claims(article) {
  const heads = ["주장", ...VERDICTS, "그렇게 본 까닭"].map((head) => element("th", { scope: "col" }, head));
  const judged = [...article.querySelectorAll(".answer")].filter((answer) => answer.querySelector(".claim"));
  return element(
    "table",
    { className: "data" },
    element("thead", {}, element("tr", {}, ...heads)),
    ...judged.map(rows),
  );
}

/** Make the sheet of the page, once. */
export async function hand() {
  const { classList } = document.documentElement;
  if (classList.contains("handout")) return;
  classList.add("handout");
  await addStyle("handout.css");
  const article = document.querySelector(".page-thread");
  const title = article.querySelector("h1");
  title.querySelector(".headerlink")?.remove();
  const page = location.origin + location.pathname;
  const print = element("button", { type: "button" }, "인쇄하기");
  print.addEventListener("click", () => window.print());
  const tools = element("p", { className: "handout-tools" }, print, element("a", { href: page }, "글로 돌아가기"));
  const sheet = [
    tools,
    title, // itself, as the page's first link leads there
    element("p", { className: "handout-name" }, "이름"),
    ...guess(article),
    ...figure(article),
    element("p", {}, "주장마다 하나에 표시하고, 그렇게 본 까닭을 적어 보세요."),
    claims(article),
    element("p", { className: "handout-address" }, `답과 그 실행: ${decodeURI(page)}`),
  ];
  document.title = `수업용 한 장: ${title.textContent}`;
  article.replaceChildren(...sheet);
}
