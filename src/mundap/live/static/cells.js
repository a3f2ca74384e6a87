// Added by `make serve` to the pages that it sends, never to the static site: every block of code can be edited and run.
// The cells of a page share one kernel, which starts with the first run and ends with the page.
const article = document.querySelector(".page-thread, .page-notebook");
const isNotebook = article?.classList.contains("page-notebook");
const DRAFTS = `mundap-cells:${location.pathname}`;
const LOST = {
  memory: "메모리를 너무 많이 써서 커널을 멈췄어요.",
  stopped: "도중에 멈출 수 없는 계산이라 커널을 닫았어요.",
  died: "커널이 갑자기 끝났어요.",
  idle: "오래 쓰지 않아서 커널을 닫았어요.",
  room: "다른 페이지의 커널을 열려고 이 페이지의 커널을 닫았어요.",
  restart: "커널을 닫았어요.",
  closed: "서버와 연결이 끊어졌어요. `make serve`가 켜져 있는지 확인해 주세요.",
};
const AGAIN = "변수는 사라졌고, 다음 실행이 앞의 코드부터 다시 돌려요.";
const REFUSED =
  "이 브라우저에서는 아직 코드를 돌릴 수 없어요. 터미널에 나온 주소 가운데 enter가 들어 있는 것을 여기서 한 번 열어 주세요.";

let socket = null; // a WebSocket that is open, or a promise of one
let running = null; // the cell under way
const waiting = new Map(); // cell number -> what its run waits for
const cells = [];

function make(name, properties = {}, ...content) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...content);
  return element;
}

// The panel: one for the page, at its lower edge, once something has been run.
const said = make("p", { role: "status" });
const stopButton = make("button", { type: "button", textContent: "중단", onclick: stop, hidden: true });
const restartButton = make("button", { type: "button", textContent: "다시 시작", onclick: restart, hidden: true });
const panel = make("section", { className: "cells-panel", hidden: true }, said, stopButton, restartButton);
panel.setAttribute("aria-label", "코드 실행");

function say(text) {
  said.textContent = text;
  panel.hidden = false;
  stopButton.hidden = !running;
  restartButton.hidden = !(socket instanceof WebSocket) || Boolean(running);
}

class Cell {
  constructor(code, number) {
    this.number = number;
    this.pre = code.parentElement;
    this.box = this.pre.closest(".highlight");
    this.original = code.textContent.replace(/\n$/, "");
    this.of = this.box.querySelector(".filename")?.textContent.match(/^snippets\/(\w+)\.py$/)?.[1] ?? null;
    this.recorded = isNotebook ? [...this.box.parentElement.children].filter((element) => element !== this.box) : [];
    this.ran = null; // the text that the kernel has run
    this.view = null; // the editor
    const label = `코드 ${number + 1}`;
    this.label = label;
    const button = (text, name, onclick) => {
      const element = make("button", { type: "button", textContent: text, onclick });
      element.setAttribute("aria-label", `${text}: ${label}`);
      element.className = `cell-${name}`;
      return element;
    };
    this.runButton = button("실행", "run", () => (running === this ? stop() : run(this)));
    this.editButton = button("고치기", "edit", () => edit(this));
    this.resetButton = button("원래대로", "reset", () => this.reset());
    this.resetButton.hidden = true;
    this.note = make("span", { className: "cell-note" });
    this.bar = make("div", { className: "cell-bar" }, this.runButton, this.editButton, this.resetButton, this.note);
    this.out = make("div", { className: "cell-live", hidden: true });
    this.out.setAttribute("role", "group");
    this.out.setAttribute("aria-label", `${label}의 실행 결과`);
    this.box.after(this.bar, this.out);
  }

  get text() {
    return this.view ? this.view.state.doc.toString() : this.original;
  }

  changed() {
    this.resetButton.hidden = this.text === this.original && this.out.hidden;
    this.mark(null);
    if (this.ran !== null) this.note.textContent = this.text === this.ran ? "" : "고친 코드는 아직 돌리지 않았어요";
    const drafts = Object.fromEntries(
      cells.filter((cell) => cell.text !== cell.original).map((cell) => [cell.number, [cell.original, cell.text]]),
    );
    sessionStorage.setItem(DRAFTS, JSON.stringify(drafts));
  }

  // Empty the place of the outputs, and let it stand for the recorded ones.
  clear() {
    this.out.replaceChildren(make("p", { className: "cell-live-title", textContent: "방금 이 컴퓨터에서 돌린 결과" }));
    this.out.hidden = false;
    this.stream = null;
    for (const element of this.recorded) element.hidden = true;
    this.resetButton.hidden = false;
    this.mark(null);
  }

  reset() {
    this.view?.destroy();
    this.view = null;
    this.pre.hidden = false;
    this.editButton.hidden = false;
    this.out.hidden = true;
    this.out.replaceChildren();
    for (const element of this.recorded) element.hidden = false;
    this.note.textContent = "";
    this.changed();
    this.resetButton.hidden = true;
    this.runButton.focus();
  }

  addText(text, name) {
    if (this.stream?.dataset.stream !== name) {
      this.stream = make("pre", { className: "run-output" });
      Object.assign(this.stream.dataset, { stream: name, label: name === "stderr" ? "오류 출력" : "출력" });
      this.out.append(this.stream);
    }
    // A carriage return takes the line back, as a progress bar wants it.
    const before = this.stream.textContent;
    const start = text.includes("\r") ? before.lastIndexOf("\n") + 1 : before.length;
    const lines = (before.slice(start) + text)
      .replaceAll("\r\n", "\n")
      .split("\n")
      .map((line, i, all) => (i < all.length - 1 ? line.replace(/\r+$/, "") : line).replace(/^.*\r(?=[^\r])/s, ""));
    if (start === before.length) this.stream.append(lines.join("\n"));
    else this.stream.textContent = before.slice(0, start) + lines.join("\n");
    this.stream.scrollTop = this.stream.scrollHeight;
    reachable(this.stream);
  }

  addOutput(html) {
    this.stream = null;
    const template = make("template", { innerHTML: html }); // the server's own markup, which holds no script
    this.out.append(template.content);
    for (const element of this.out.querySelectorAll(".scroll, .run-output")) reachable(element);
  }

  fail({ status, name, value, line, traceback }) {
    const title = status === "stopped" ? "여기서 멈췄어요." : `${name}: ${value}`;
    const head = make("p", {}, make("strong", { textContent: title }));
    if (line) head.append(` (${line}번째 줄)`);
    const more = make(
      "details",
      {},
      make("summary", { textContent: "어디를 거쳐 왔는지 보기" }),
      make("pre", { className: "run-output", textContent: traceback }),
    );
    more.lastChild.dataset.label = "오류";
    more.addEventListener("toggle", () => reachable(more.lastChild));
    this.out.append(make("div", { className: "cell-error" }, head, ...(traceback ? [more] : [])));
    if (line) this.mark(line);
  }

  // Mark a line of the code as the one that failed, in the editor or in the page's own block.
  mark(line) {
    this.pre.querySelector(".cell-error-line")?.remove();
    if (this.view) this.view.dispatch({ effects: editor.setError.of(line) });
    if (!line || this.view) return;
    const code = this.pre.querySelector("code");
    const style = getComputedStyle(code);
    const top = code.offsetTop + parseFloat(style.paddingTop) + (line - 1) * parseFloat(style.lineHeight);
    this.pre.append(make("span", { className: "cell-error-line", style: `top:${top}px;height:${style.lineHeight}` }));
  }
}

// What overflows can be reached and scrolled by keyboard.
function reachable(element) {
  const overflows = element.scrollWidth > element.clientWidth + 1 || element.scrollHeight > element.clientHeight + 1;
  const attributes = { tabindex: "0", role: "group", "aria-label": element.dataset.label ?? "출력" };
  for (const [name, value] of Object.entries(attributes)) {
    if (overflows) element.setAttribute(name, value);
    else element.removeAttribute(name);
  }
}

// The editor, loaded with the first cell that is edited.
let editor = null;

async function loadEditor() {
  const cm = await import("/assets/vendor/editor.js");
  const setError = cm.StateEffect.define();
  const errorLine = cm.StateField.define({
    create: () => cm.Decoration.none,
    update(marks, transaction) {
      let next = transaction.docChanged ? cm.Decoration.none : marks;
      for (const effect of transaction.effects) {
        if (!effect.is(setError)) continue;
        const { doc } = transaction.state;
        const known = effect.value && effect.value <= doc.lines;
        const mark = cm.Decoration.line({ class: "cell-error-mark" });
        next = known ? cm.Decoration.set(mark.range(doc.line(effect.value).from)) : cm.Decoration.none;
      }
      return next;
    },
    provide: (field) => cm.EditorView.decorations.from(field),
  });
  return { ...cm, setError, errorLine };
}

async function edit(cell, text = cell.original, focus = true) {
  try {
    editor ??= await loadEditor();
  } catch {
    say("편집기를 불러오지 못했어요. 페이지를 새로 고쳐 주세요.");
    return;
  }
  if (cell.view) return;
  const keys = [
    { key: "Shift-Enter", run: () => (run(cell), true) },
    { key: "Mod-Enter", run: () => (run(cell), true) },
    { key: "Escape", run: () => (cell.runButton.focus(), true) },
    editor.indentWithTab,
  ];
  cell.view = new editor.EditorView({
    doc: text,
    extensions: [
      editor.Prec.highest(editor.keymap.of(keys)),
      editor.lineNumbers(),
      editor.history(),
      editor.bracketMatching(),
      editor.indentOnInput(),
      editor.indentUnit.of("    "),
      editor.EditorState.tabSize.of(4),
      editor.python(),
      editor.syntaxHighlighting(editor.classHighlighter),
      editor.errorLine,
      editor.keymap.of([...editor.defaultKeymap, ...editor.historyKeymap]),
      editor.EditorView.contentAttributes.of({
        tabindex: "0",
        "aria-label": `${cell.label} 편집. Tab은 들여쓰기, Shift+Enter는 실행, Esc를 누르면 편집기에서 나가요.`,
      }),
      editor.EditorView.updateListener.of((update) => update.docChanged && cell.changed()),
    ],
  });
  cell.pre.hidden = true;
  cell.pre.after(cell.view.dom);
  cell.editButton.hidden = true;
  cell.note.textContent = "Shift+Enter 실행 · Esc 편집기에서 나가기";
  cell.resetButton.hidden = false;
  if (focus) cell.view.focus();
}

async function restoreDrafts() {
  const drafts = JSON.parse(sessionStorage.getItem(DRAFTS) ?? "{}");
  for (const [number, [original, text]] of Object.entries(drafts)) {
    const cell = cells[number];
    if (cell?.original === original) await edit(cell, text, false);
  }
}

// Running: a page's cells one after another, over one socket.
async function connect() {
  const answer = await fetch("/_live/may", { cache: "no-store" })
    .then((found) => found.json())
    .catch(() => {
      throw new Error(LOST.closed);
    }); // the browser's own words are English
  if (!answer.may) throw new Error(REFUSED);
  const opened = new WebSocket(`ws://${location.host}/_live/kernel`);
  await new Promise((resolve, reject) => {
    opened.addEventListener("open", resolve, { once: true });
    opened.addEventListener("close", () => reject(new Error(LOST.closed)), { once: true });
  });
  opened.addEventListener("message", ({ data }) => hear(JSON.parse(data)));
  opened.addEventListener("close", () => {
    socket = null;
    lose("closed");
    for (const resolve of waiting.values()) resolve({ status: "lost", value: "closed", seconds: 0 });
  });
  return opened;
}

function hear(news) {
  const cell = cells[news.cell];
  if (news.what === "setup") say(`코드를 돌릴 환경을 준비하고 있어요. ${news.text.replace("[준비] ", "")}`);
  else if (news.what === "starting") say("커널을 여는 중이에요.");
  else if (news.what === "running") say(progress(cell, news));
  else if (news.what === "text") cell.addText(news.text, news.name);
  else if (news.what === "output") cell.addOutput(news.html);
  else if (news.what === "clear") cell.clear();
  else if (news.what === "lost") lose(news.why);
  else if (news.what === "done") waiting.get(news.cell)?.(news);
}

function progress(cell, { step, steps }) {
  return steps > 1
    ? `${cell.label}: snippets/${cell.of}.py의 셀 ${steps}개 가운데 ${step}번째를 돌리고 있어요.`
    : `${cell.label}: 돌리고 있어요.`;
}

function lose(why) {
  for (const cell of cells) cell.ran = null;
  say(why === "closed" ? LOST.closed : `${LOST[why] ?? LOST.died} ${AGAIN}`);
}

// The cells that have to run for this one: in a notebook everything from the first that the kernel does not know.
function needed(cell) {
  if (!isNotebook) return [cell];
  const first = cells.find((each) => each.number < cell.number && each.ran !== each.text);
  return cells.slice(first ? first.number : cell.number, cell.number + 1);
}

async function run(cell) {
  if (running) {
    say(`${running.label}: 아직 돌리고 있어요. 끝나거나 중단한 뒤에 다시 눌러 주세요.`);
    return;
  }
  running = cell;
  cell.runButton.textContent = "중단";
  cell.runButton.setAttribute("aria-label", `중단: ${cell.label}`);
  let [last, seconds] = ["", 0];
  try {
    if (!(socket instanceof WebSocket)) say("서버에 연결하고 있어요.");
    socket ??= await connect();
    const todo = needed(cell);
    for (const each of todo) {
      const answer = await execute(each);
      seconds += answer.seconds;
      last = outcome(each, answer, todo.length, seconds);
      if (answer.status !== "ok") {
        if (each !== cell) cell.note.textContent = `먼저 돌린 ${each.label}에서 멈췄어요`;
        break;
      }
    }
  } catch (error) {
    last = error.message;
  } finally {
    running = null;
    cell.runButton.textContent = "실행";
    cell.runButton.setAttribute("aria-label", `실행: ${cell.label}`);
    say(last);
  }
}

async function execute(cell) {
  const { text } = cell;
  cell.clear();
  cell.note.textContent = "돌리고 있어요";
  for (const later of cells) {
    if (isNotebook && later.number > cell.number) later.ran = null; // it may have used what changes now
  }
  const order = cell.of
    ? { do: "snippet", cell: cell.number, of: cell.of, edits: [...edited(cell), [cell.original, text]] }
    : { do: "run", cell: cell.number, code: text };
  const answer = await new Promise((resolve) => {
    waiting.set(cell.number, resolve);
    socket.send(JSON.stringify(order));
  });
  waiting.delete(cell.number);
  cell.ran = answer.status === "ok" ? text : null;
  if (["error", "stopped"].includes(answer.status)) cell.fail(answer);
  return answer;
}

// The other texts of the same snippet that were edited in this page.
function edited(cell) {
  return cells
    .filter((other) => other !== cell && other.of === cell.of && other.text !== other.original)
    .map((other) => [other.original, other.text]);
}

function outcome(cell, { status, name, value, line, seconds }, count, all) {
  const place = line ? ` ${line}번째 줄` : "";
  const texts = {
    ok: `${count > 1 ? "앞의 코드부터 모두" : cell.label} 돌렸어요(${all.toFixed(1)}초).`,
    error: `${cell.label}${place}에서 오류가 났어요: ${name}`,
    stopped: `${cell.label}${place}에서 멈췄어요.`,
    lost: value === "closed" ? LOST.closed : `${LOST[value] ?? LOST.died} ${AGAIN}`,
    trouble: value,
  };
  cell.note.textContent = status === "ok" ? `${seconds.toFixed(1)}초` : "";
  if (status === "ok" && cell.out.childElementCount === 1) {
    cell.out.append(make("p", { className: "cell-empty", textContent: "오류 없이 돌았고, 보여 줄 출력은 없어요." }));
  }
  if (["lost", "trouble"].includes(status)) {
    cell.out.append(make("div", { className: "cell-error" }, make("p", { textContent: texts[status] })));
  }
  return texts[status];
}

function stop() {
  if (socket instanceof WebSocket) socket.send(JSON.stringify({ do: "stop" }));
  say("멈추고 있어요.");
}

function restart() {
  socket.send(JSON.stringify({ do: "restart" }));
}

if (article) {
  document.head.append(make("link", { rel: "stylesheet", href: "/_live/cells.css" }));
  article.querySelectorAll(".highlight pre > code").forEach((code, number) => cells.push(new Cell(code, number)));
  if (cells.length) {
    document.body.append(panel);
    addEventListener("pagehide", () => socket instanceof WebSocket && socket.close());
    restoreDrafts();
  }
}
