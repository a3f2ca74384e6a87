// A cell: a block of code of the page that can be run and edited, with its buttons and its outputs.

import { element } from "../assets/js/dom.js";
import { openEditor } from "./editor.js";
import { Output } from "./output.js";

/** actions: { run, stop, changed }, called with the cell. isNotebook: what was recorded beside the code is its output. */
export class Cell {
  constructor(code, number, isNotebook, actions) {
    this.number = number;
    this.actions = actions;
    this.label = `코드 ${number + 1}`;
    this.original = code.textContent.replace(/\n$/, "");
    this.ran = null; // the text that the kernel has run
    this.editor = null; // { view, mark } while it is edited
    this.pre = code.parentElement;
    const box = this.pre.closest(".highlight");
    this.of = box.querySelector(".filename")?.textContent.match(/^snippets\/(\w+)\.py$/)?.[1] ?? null; // a snippet
    const place = (isNotebook && box.closest("details.folded")) || box; // a folded cell runs without being opened
    this.recorded = isNotebook ? [...place.parentElement.children].filter((node) => node !== place) : [];
    this.runButton = this.button("실행", "run", () => (this.isRunning ? actions.stop() : actions.run(this)));
    this.editButton = this.button("고치기", "edit", () => this.edit(this.original));
    this.resetButton = this.button("원래대로", "reset", () => this.reset());
    this.resetButton.hidden = true;
    this.note = element("span", { className: "cell-note" });
    this.output = new Output(this.label);
    const parts = [this.runButton, this.editButton, this.resetButton, this.note];
    place.after(element("div", { className: "cell-bar" }, ...parts), this.output.node);
  }

  button(text, name, onclick) {
    const attributes = { type: "button", className: `cell-${name}`, onclick, "aria-label": `${text}: ${this.label}` };
    return element("button", attributes, text);
  }

  get text() {
    return this.editor ? this.editor.view.state.doc.toString() : this.original;
  }

  get isEdited() {
    return this.text !== this.original;
  }

  /** Show whether it is running: then its button stops it. */
  setRunning(isRunning) {
    this.isRunning = isRunning;
    const text = isRunning ? "중단" : "실행";
    this.runButton.textContent = text;
    this.runButton.setAttribute("aria-label", `${text}: ${this.label}`);
  }

  /** Open the editor with a text. Says so if it cannot be fetched. */
  async edit(text, takesFocus = true) {
    this.pre.closest("details.folded")?.setAttribute("open", "");
    const editor = await openEditor({
      text,
      label: this.label,
      onRun: () => this.actions.run(this),
      onLeave: () => this.runButton.focus(),
      onChange: () => this.changed(),
    }).catch(() => null);
    if (!editor) this.actions.say("편집기를 불러오지 못했어요. 페이지를 새로 고쳐 주세요.");
    if (!editor || this.editor) return;
    this.editor = editor;
    this.pre.hidden = true;
    this.pre.after(editor.view.dom);
    this.editButton.hidden = true;
    this.note.textContent = "Shift+Enter 실행 · Esc 편집기에서 나가기";
    this.resetButton.hidden = false;
    if (takesFocus) editor.view.focus();
  }

  changed() {
    this.resetButton.hidden = !this.isEdited && this.output.node.hidden;
    this.mark(null);
    if (this.ran !== null) this.note.textContent = this.text === this.ran ? "" : "고친 코드는 아직 돌리지 않았어요";
    this.actions.changed();
  }

  /** Empty the place of the outputs, and let it stand for the recorded ones. */
  clear() {
    this.output.clear();
    for (const node of this.recorded) node.hidden = true;
    this.resetButton.hidden = false;
    this.mark(null);
  }

  reset() {
    this.editor?.view.destroy();
    this.editor = null;
    this.pre.hidden = false;
    this.editButton.hidden = false;
    this.output.remove();
    for (const node of this.recorded) node.hidden = false;
    this.note.textContent = "";
    this.changed();
    this.resetButton.hidden = true;
    this.runButton.focus();
  }

  /** Show what failed, in the outputs and at its line. */
  fail(error) {
    this.output.addError(error);
    if (error.line) this.mark(error.line);
  }

  /** Mark a line of the code as the one that failed, in the editor or in the page's own block; null for none. */
  mark(line) {
    this.pre.querySelector(".cell-error-line")?.remove();
    this.editor?.mark(line);
    if (!line || this.editor) return;
    const code = this.pre.querySelector("code");
    const { paddingTop, lineHeight } = getComputedStyle(code);
    const top = code.offsetTop + Number.parseFloat(paddingTop) + (line - 1) * Number.parseFloat(lineHeight);
    const style = `top:${top}px;height:${lineHeight}`;
    this.pre.append(element("span", { className: "cell-error-line", style }));
  }
}
