// The search dialog: opened by its button, /, s, f or Ctrl+K.
import { element } from "./dom.js";
import { load, search } from "./fulltext.js";
import { belongsToSyllable } from "./ime.js";
import { lettersOn } from "./store.js";

const KINDS = { thread: "문답", chapter: "장", term: "용어", notebook: "실행 기록", glossary: "용어집" };
const HINT = "물음을 그대로 적어도, 띄어쓰기 없이 적어도, 영어로 적어도 돼요.";
const NOTHING = "맞는 것이 없어요. 다른 말로 적어 보세요.";
const BROKEN = "검색 색인을 읽지 못했어요. 잠시 뒤에 다시 시도해 주세요.";
const PAUSE = 120; // ms between the last key and the search

// A text with the names in it marked.
function marked(text, names) {
  const wanted = names.filter((name) => name.length > 1).sort((a, b) => b.length - a.length);
  if (!wanted.length) return [text];
  const escaped = wanted.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/\s+/g, "\\s*"));
  const pieces = text.split(new RegExp(`(${escaped.join("|")})`, "gi"));
  return pieces.map((piece, place) => (place % 2 ? element("mark", {}, piece) : piece));
}

// A statement of a thread with the verdict on it, its own explanations without.
function statement(said, names) {
  const text = marked(said.at(-1), names);
  if (said.length === 1) return element("span", { className: "search__said" }, ...text);
  const [css, sign, verdict] = said;
  const mark = element("i", { className: `mark ${css}`, role: "img", "aria-label": verdict, title: verdict }, sign);
  return element("span", { className: "search__said" }, mark, element("q", {}, ...text));
}

function option(hit, position, names) {
  const kind = KINDS[hit.kind] ? [element("small", {}, KINDS[hit.kind]), " "] : [];
  const link = element(
    "a",
    { className: "search__hit", id: `search-hit-${position}`, href: hit.url, tabIndex: -1, role: "option" },
    element("strong", {}, ...kind, hit.title),
  );
  if (hit.text) link.append(element("span", {}, ...marked(hit.text, names)));
  if (hit.said) link.append(statement(hit.said, names));
  return link;
}

function messageOf({ hits, meant }) {
  if (!hits.length) return NOTHING;
  return `${meant ? `혹시 ‘${meant}’인가요? ` : ""}${hits.length}개를 찾았어요.`;
}

class SearchDialog {
  constructor(dialog) {
    this.dialog = dialog;
    this.input = dialog.querySelector("input");
    this.list = dialog.querySelector("[role=listbox]");
    this.status = dialog.querySelector("[role=status]");
    this.ask = dialog.querySelector(".search__ask"); // only where the site knows its repository
    this.selected = -1; // position in the list
    this.turn = 0; // of the latest search: an older one that ends later is not shown
    this.timer = 0; // while a search waits for the next key
    this.composed = undefined; // when the last syllable was made: the timeStamp of its event
    this.input.addEventListener("input", () => this.updateSoon());
    this.input.addEventListener("keydown", (event) => this.press(event));
    this.input.addEventListener("compositionend", (event) => {
      this.composed = event.timeStamp;
    });
    this.list.addEventListener("click", (event) => {
      if (event.target.closest("a") && !event.ctrlKey && !event.metaKey) dialog.close();
    });
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  }

  // query: what to look for at once; without it, what was looked for before
  open(query) {
    if (this.dialog.open) return;
    if (query) this.input.value = query;
    this.dialog.showModal(); // keeps the focus inside, and gives it back on closing
    this.input.select();
    load().catch(() => {});
    this.update();
  }

  select(position) {
    const options = [...this.list.children];
    this.selected = options.length ? (position + options.length) % options.length : -1;
    options.forEach((node, place) => {
      node.setAttribute("aria-selected", String(place === this.selected));
    });
    const chosen = options[this.selected];
    if (chosen) {
      this.input.setAttribute("aria-activedescendant", chosen.id);
      chosen.scrollIntoView({ block: "nearest" });
    } else this.input.removeAttribute("aria-activedescendant");
  }

  show(query, hits, message, names = []) {
    this.list.dataset.query = query; // whose results these are
    this.list.replaceChildren(...hits.map((hit, position) => option(hit, position, names)));
    this.list.hidden = !hits.length;
    this.input.setAttribute("aria-expanded", String(hits.length > 0));
    this.status.textContent = message;
    this.offerToAsk(query, message === NOTHING);
    this.select(0);
  }

  // A link to the form for questions, with what was looked for as its title.
  offerToAsk(query, isNothing) {
    if (!this.ask) return;
    this.ask.hidden = !isNothing;
    const link = this.ask.querySelector("a");
    const address = new URL(link.href);
    address.searchParams.set("title", query);
    link.href = address;
  }

  async update() {
    this.turn += 1;
    const { turn } = this;
    const query = this.input.value.trim();
    if (!query) {
      this.show(query, [], HINT);
      return;
    }
    const found = await search(query).catch(() => null);
    if (turn !== this.turn) return;
    if (!found) this.show(query, [], BROKEN);
    else this.show(query, found.hits, messageOf(found), found.names);
  }

  updateSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = 0;
      this.update();
    }, PAUSE);
  }

  async press(event) {
    if (belongsToSyllable(event, this.composed)) return; // Enter and arrows are the input method's meanwhile
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      this.select(this.selected + step);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (this.timer) await this.updateNow(); // typed faster than searched
      this.list.children[this.selected]?.click();
    }
  }

  async updateNow() {
    clearTimeout(this.timer);
    this.timer = 0;
    await this.update();
  }
}

const dialogs = new WeakMap(); // the element of a dialog -> its SearchDialog

function start() {
  const dialog = document.querySelector("[data-search]");
  if (!dialog || dialogs.has(dialog)) return;
  dialogs.set(dialog, new SearchDialog(dialog));
}

function open(query) {
  dialogs.get(document.querySelector("[data-search]"))?.open(query);
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest?.("[data-search-open]");
  if (opener) open(opener.dataset.query);
});
document.addEventListener("keydown", (event) => {
  const writing = event.target.closest?.("input, textarea, select, [contenteditable]:not([contenteditable=false])");
  const shortcut = (event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k";
  const letter = !writing && !event.ctrlKey && !event.metaKey && !event.altKey && ["/", "s", "f"].includes(event.key);
  if (!shortcut && !(letter && lettersOn())) return;
  event.preventDefault();
  open();
});

start();
window.document$?.subscribe(start); // the theme announces the pages that it swaps in
