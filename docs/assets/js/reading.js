// On a thread: rows open for links into them, guesses stay, and what was read is remembered on this device alone.
import { element } from "./dom.js";
import { forget, lettersOn, remember, remembered, turnLetters } from "./store.js";

// Open what a link into the page leads to.
function openTarget() {
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  const isOld = target.matches("a:empty"); // an address that is gone stands before what took over
  let node = isOld ? (target.parentElement.nextElementSibling ?? target) : target;
  for (; node; node = node.parentElement) if (node.matches("details")) node.open = true;
  target.scrollIntoView();
}

// Choices become buttons; the guess stays marked beside what came out.
function predictions() {
  const box = document.querySelector(".predict");
  if (!box || box.dataset.asks) return;
  box.dataset.asks = "1";
  const { right, thread } = box.dataset;
  const ruler = box.querySelector(".guess");
  if (ruler) return void import("./guess.js").then(({ askForNumber }) => askForNumber(ruler, thread));
  const items = [...box.querySelectorAll(".choices li")];
  const show = (guess) => {
    items.forEach((item, number) => {
      item.classList.toggle("mine", number === guess);
      item.classList.toggle("right", number === Number(right));
      item.querySelector("button").setAttribute("aria-pressed", String(number === guess));
      item.querySelector("small").textContent =
        number === guess ? "내 예상" : number === Number(right) ? "재 보면" : "";
    });
    box.querySelector("details").open = true;
  };
  items.forEach((item, number) => {
    const button = element("button", { type: "button", "aria-pressed": "false" }, ...item.childNodes, element("small"));
    button.addEventListener("click", () => {
      remember((state) => (state.guesses[thread] = number));
      show(number);
    });
    item.replaceChildren(button);
  });
  const guess = remembered().guesses[thread];
  if (Number.isInteger(guess) && guess < items.length) show(guess);
}

// A thread counts as read when its end has been seen; lists show it.
function marks() {
  const { read } = remembered();
  for (const link of document.querySelectorAll("[data-thread]"))
    link.classList.toggle("read", Object.hasOwn(read, link.dataset.thread));
  const here = document.querySelector(".rail [aria-current]")?.dataset.thread;
  const end = document.querySelector(".page-thread .next");
  if (!here || !end || Object.hasOwn(read, here)) return;
  new IntersectionObserver((entries, observer) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    remember((state) => (state.read[here] = 1));
  }).observe(end);
}

// Single letters as shortcuts are in the way of who speaks to the device: a switch, remembered on it.
function letters() {
  const button = element(
    "button",
    { type: "button", "aria-pressed": String(lettersOn()) },
    "한 글자 단축키(P, S, F, /)",
  );
  button.addEventListener("click", () => {
    turnLetters(!lettersOn());
    button.setAttribute("aria-pressed", String(lettersOn()));
  });
  return button;
}

// Lists show one level at a time where a reader asks for it; contents say what was read, and can forget it.
function lists() {
  const list = document.querySelector(".thread-list");
  if (!list || document.querySelector(".levels")) return;
  const rows = [...document.querySelectorAll(".thread-list > li")];
  const names = ["모두", "기초", "중급", "심화"];
  const buttons = names.map((name, level) => {
    const button = element("button", { type: "button", "aria-pressed": String(level === 0) }, name);
    button.addEventListener("click", () => {
      for (const row of rows) row.hidden = level > 0 && row.dataset.level !== String(level);
      for (const [number, other] of buttons.entries()) other.setAttribute("aria-pressed", String(number === level));
    });
    return button;
  });
  const clear = element("button", { type: "button" }, "읽은 자국 지우기");
  clear.addEventListener("click", () => {
    forget();
    marks();
  });
  const levels = element("div", { className: "levels", role: "group", "aria-label": "난이도와 읽은 자국" }, ...buttons);
  if (Object.keys(remembered().read).length) levels.append(clear);
  document.querySelector(".md-typeset h1").after(levels);
  const lists = document.querySelectorAll(".thread-list");
  lists[lists.length - 1].after(element("p", { className: "letters" }, letters())); // last: few look for it
}

// A term's definition opens where it stands, taken from the glossary's page; without scripts the link leads there.
async function define(link) {
  const address = new URL(link.href);
  const id = decodeURIComponent(address.hash.slice(1));
  const answer = await fetch(address);
  const glossary = new DOMParser().parseFromString(await answer.text(), "text/html");
  const heading = glossary.getElementById(id);
  if (!answer.ok || !heading) throw new Error(id);
  const title = element("strong", {}, heading.firstChild.textContent.trim());
  const words = heading.nextElementSibling;
  for (const inner of words.querySelectorAll("a")) inner.href = new URL(inner.getAttribute("href"), address).href;
  return element("div", {}, title, words, element("a", { href: link.href }, "용어집에서 보기"));
}

async function openTerm(event) {
  const link = event.target.closest('a.term, .md-content a[href*="glossary/#"]'); // found by the engine, or written
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey || !("popover" in link)) return;
  event.preventDefault();
  let card = document.querySelector(".term-card");
  if (!card) {
    card = element("div", {
      className: "term-card md-typeset",
      popover: "auto",
      role: "dialog",
      "aria-label": "용어의 뜻",
    });
    document.body.append(card);
  }
  try {
    card.replaceChildren(await define(link));
  } catch {
    location.assign(link.href);
    return;
  }
  const { left, bottom } = link.getBoundingClientRect();
  card.style.left = `${Math.max(8, Math.min(left, innerWidth - 340))}px`;
  card.style.top = `${Math.min(bottom + 6, innerHeight - 200)}px`;
  card.showPopover();
}

let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("details.answer:not([open])")];
  for (const row of opened) row.open = true;
});
addEventListener("afterprint", () => {
  for (const row of opened) row.open = false;
});

function start() {
  openTarget();
  predictions();
  marks();
  lists();
}

start();
addEventListener("hashchange", openTarget);
document.addEventListener("click", openTerm);
document.addEventListener("click", (event) => {
  if (event.target.closest(".rail a")) document.getElementById("rail").hidePopover?.();
});
window.document$?.subscribe(start);
