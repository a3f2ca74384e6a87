// What a thread lets a reader try opens where it stands: its link becomes a button that puts the page into a frame.
import { element } from "./dom.js";

function open(button, link) {
  const frame = element("iframe", { src: link.href, title: link.textContent });
  const follow = () => frame.contentDocument?.body?.setAttribute("data-md-color-scheme", scheme());
  frame.addEventListener("load", () => {
    follow();
    frame.title = frame.contentDocument?.title || frame.title;
    frame.classList.add("shown");
    if (document.activeElement === document.body) frame.focus(); // the button that had the focus is gone
  });
  new MutationObserver(follow).observe(document.body, { attributeFilter: ["data-md-color-scheme"] });
  const box = button.closest(".embed");
  link.textContent = "따로 크게 열기";
  link.className = "wide";
  button.replaceWith(link);
  box.append(element("div", { className: "embed-room" }, "여는 중이에요.", frame));
  box.scrollIntoView({ block: "nearest" });
}

const scheme = () => document.body.getAttribute("data-md-color-scheme");

function start() {
  for (const link of document.querySelectorAll(".embed a")) {
    if (link.closest(".embed").querySelector("iframe")) continue; // it is open
    const button = element("button", { type: "button" }, ...link.cloneNode(true).childNodes);
    button.addEventListener("click", () => open(button, link));
    link.replaceWith(button);
  }
}

start();
window.document$?.subscribe(start); // the theme announces the pages that it swaps in
