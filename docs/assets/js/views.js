// Other ways to see a page: a figure enlarged, and a thread on a projector or as a sheet for a class. What shows it is
// loaded when it is asked for.
import { element, isWide, reachable } from "./dom.js";
import { lettersOn } from "./store.js";

const PRESENT = ["p", "ㅔ"]; // what the key types, by whether Hangul is on
const KEEPS_LETTERS = "input, textarea, select, dialog, [contenteditable]:not([contenteditable=false])";

// Show a figure as large as the window; it is moved there and back, so that no id is there twice.
function enlarge(figure) {
  figure.style.minHeight = `${figure.getBoundingClientRect().height}px`;
  const drawings = [...figure.querySelectorAll(":scope > :is(svg, img)")];
  const caption = element("p", {}, figure.querySelector("figcaption")?.textContent ?? "");
  const close = element("button", { type: "button", className: "enlarged-close" }, "닫기");
  const room = element("div", { className: "enlarged-room run-figure" }, ...drawings);
  const dialog = element(
    "dialog",
    { className: "enlarged md-typeset", "aria-label": "크게 본 그림" },
    close,
    room,
    caption,
  );
  dialog.addEventListener("click", (event) => event.target.closest("svg, img, p") || dialog.close());
  dialog.addEventListener("close", () => {
    figure.prepend(...drawings);
    figure.style.minHeight = "";
    dialog.remove();
    figure.querySelector(".enlarge").focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  reachable(room, isWide(room), "옆으로 넘겨 보는 그림");
}

// A button over each figure, of the figure's own size.
function addEnlarge(figure) {
  if (figure.querySelector(".enlarge") || !figure.querySelector(":scope > :is(svg, img)")) return;
  const button = element("button", { type: "button", className: "enlarge", "aria-label": "그림 크게 보기" });
  button.addEventListener("click", () => enlarge(figure));
  figure.querySelector("figcaption")?.before(button);
}

async function present() {
  if (!document.querySelector(".page-thread > .conclusion")) return;
  const { toggle } = await import("./present.js");
  document.getElementById("rail").hidePopover?.();
  await toggle();
}

async function start() {
  for (const tools of document.querySelectorAll(".rail-tools")) tools.hidden = false;
  document.documentElement.classList.toggle("no-letters", !lettersOn());
  document.querySelectorAll("article .run-figure").forEach(addEnlarge);
  if (new URLSearchParams(location.search).has("handout") && document.querySelector(".page-thread"))
    (await import("./handout.js")).hand();
}

start();
document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-present]")) present();
});
document.addEventListener("keydown", (event) => {
  const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
  if (!PRESENT.includes(event.key.toLowerCase()) || !isPlain || event.target.closest?.(KEEPS_LETTERS)) return;
  if (!lettersOn()) return;
  present();
});
window.document$?.subscribe(start);
