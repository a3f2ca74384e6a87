// On every page: what overflows sideways can be scrolled with the keyboard, and code can be copied.
import { element, isWide, reachable } from "./dom.js";

const SCROLLERS = ".md-typeset :is(.scroll, .math-block, .run-output, .md-typeset__scrollwrap, .highlight pre > code)";
const RENAMED = { gpu_benchmark: "attention_cost" }; // runs, whose figures old links name

if (window.frameElement) {
  document.documentElement.classList.add("embedded"); // by a thread: see embed.js
  document.addEventListener("click", ({ target }) => {
    const link = target.closest?.("a[href]"); // what leads elsewhere leads there for the whole page
    if (link && !link.getAttribute("href").startsWith("#")) link.target = "_top";
  });
}

const observer = new ResizeObserver((entries) => {
  for (const { target } of entries) reachable(target, isWide(target), "옆으로 넘겨 보는 내용");
});

// A button on each block of code that copies it.
function addCopy(code) {
  if (code.parentElement.querySelector(".copy")) return;
  const button = element("button", { type: "button", className: "copy", title: "복사", "aria-label": "코드 복사" });
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(code.textContent.trimEnd());
    button.classList.add("copied");
    button.setAttribute("aria-label", "복사했어요");
    setTimeout(() => {
      button.classList.remove("copied");
      button.setAttribute("aria-label", "코드 복사");
    }, 2000);
  });
  code.before(button);
}

// A link to a figure of a run that has another name now still arrives.
function arrive() {
  const [, run, figure] = location.hash.match(/^#(\w+)(-.+)$/) ?? [];
  if (Object.hasOwn(RENAMED, run ?? "")) location.replace(`#${RENAMED[run]}${figure}`);
}

function start() {
  arrive();
  observer.disconnect();
  for (const node of document.querySelectorAll(SCROLLERS)) observer.observe(node);
  if (navigator.clipboard) document.querySelectorAll(".md-typeset .highlight pre > code").forEach(addCopy);
}

start();
addEventListener("hashchange", arrive);
window.document$?.subscribe(start); // the theme announces the pages that it swaps in
