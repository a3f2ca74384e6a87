// The place of a cell's outputs: text as it arrives, markup of the server, what failed.
import { element, isHigh, isWide, reachable } from "../assets/js/dom.js";

const scrollable = (node) => reachable(node, isWide(node) || isHigh(node), "출력");

// Text after more of it has come: a carriage return takes the line back, as a progress bar wants it.
function printed(before, more) {
  const start = more.includes("\r") ? before.lastIndexOf("\n") + 1 : before.length;
  const lines = (before.slice(start) + more).replaceAll("\r\n", "\n").split("\n");
  const kept = lines.map((line, i) => {
    const whole = i < lines.length - 1 ? line.replace(/\r+$/, "") : line;
    return whole.replace(/^.*\r(?=[^\r])/s, "");
  });
  return before.slice(0, start) + kept.join("\n");
}

/** What a cell has given, in a node of its own. label: the cell's name. */
export class Output {
  constructor(label) {
    const name = `${label}의 실행 결과`;
    this.node = element("div", { className: "cell-live", hidden: true, role: "group", "aria-label": name });
    this.stream = null; // the block that the next text goes on in
  }

  get isEmpty() {
    return this.node.childElementCount === 1; // its title
  }

  /** Empty it, and show that a run has begun. */
  clear() {
    const title = element("p", { className: "cell-live-title" }, "방금 이 컴퓨터에서 돌린 결과");
    this.node.replaceChildren(title);
    this.node.hidden = false;
    this.stream = null;
  }

  remove() {
    this.node.hidden = true;
    this.node.replaceChildren();
  }

  /** Text of "stdout" or "stderr". */
  addText(text, stream) {
    if (this.stream?.dataset.stream !== stream) {
      const label = stream === "stderr" ? "오류 출력" : "출력";
      this.stream = element("pre", { className: "run-output", "data-stream": stream, "data-label": label });
      this.node.append(this.stream);
    }
    const before = this.stream.textContent;
    const after = printed(before, text);
    if (after.startsWith(before)) this.stream.append(after.slice(before.length));
    else this.stream.textContent = after;
    this.stream.scrollTop = this.stream.scrollHeight;
    scrollable(this.stream);
  }

  /** Markup of the server's own, which holds no script. */
  addMarkup(html) {
    this.stream = null;
    this.node.append(element("template", { innerHTML: html }).content);
    for (const node of this.node.querySelectorAll(".scroll, .run-output")) scrollable(node);
  }

  /** Say that there is nothing to show. */
  addNothing() {
    this.node.append(element("p", { className: "cell-empty" }, "오류 없이 돌았고, 보여 줄 출력은 없어요."));
  }

  /** Say why there is nothing to show. */
  addTrouble(text) {
    this.node.append(element("div", { className: "cell-error" }, element("p", {}, text)));
  }

  /** What went wrong, in which line, and how it came there. */
  addError({ status, name, value, line, traceback }) {
    const title = status === "stopped" ? "여기서 멈췄어요." : `${name}: ${value}`;
    const head = element("p", {}, element("strong", {}, title), line ? ` (${line}번째 줄)` : "");
    const box = element("div", { className: "cell-error" }, head);
    if (traceback) {
      const way = element("pre", { className: "run-output", "data-label": "오류" }, traceback);
      const more = element("details", {}, element("summary", {}, "어디를 거쳐 왔는지 보기"), way);
      more.addEventListener("toggle", () => scrollable(way));
      box.append(more);
    }
    this.node.append(box);
  }
}
