// The panel of the live cells: one for the page, at its lower edge, once something has been run.
import { element } from "../assets/js/dom.js";

/** A panel whose buttons stop and restart the kernel -> { node, say }. */
export function makePanel({ stop, restart }) {
  const text = element("p", { role: "status" });
  const stopButton = element("button", { type: "button", onclick: stop, hidden: true }, "중단");
  const restartButton = element("button", { type: "button", onclick: restart, hidden: true }, "다시 시작");
  const node = element("section", { className: "cells-panel", hidden: true, "aria-label": "코드 실행" });
  node.append(text, stopButton, restartButton);

  /** Say something, with the buttons that do something now. isRunning: a cell is; isOpen: there is a kernel. */
  function say(words, { isRunning, isOpen }) {
    text.textContent = words;
    node.hidden = false;
    stopButton.hidden = !isRunning;
    restartButton.hidden = !isOpen || isRunning;
  }
  return { node, say };
}
