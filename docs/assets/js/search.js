// The search dialog: opened by its button, /, s, f or Ctrl+K. The index is fetched when it is first opened.
import { normalize, parse, prepare, rank } from "./query.js";

const ROOT = new URL("../../", import.meta.url); // the site, wherever it is hosted
const KINDS = { thread: "문답", chapter: "장", term: "용어", notebook: "실행 기록", glossary: "용어집" };
const SHOWN = 10,
  DEEP = 8,
  NAMES = 4;

let index; // a promise of { pagefind, dictionary }, kept once it is there
let turn = 0;
let hits = [];
let selected = -1;

function load() {
  index ??= (async () => {
    const [pagefind, response] = await Promise.all([
      import(new URL("pagefind/pagefind.js", ROOT)),
      fetch(new URL("pagefind/dictionary.json", ROOT)),
    ]);
    if (!response.ok) throw new Error(`dictionary.json: ${response.status}`);
    await pagefind.init();
    return { pagefind, dictionary: prepare(await response.json()) };
  })();
  index.catch(() => (index = undefined)); // the next key tries again
  return index;
}

// Every group of names against the full text: url -> the best score of each group, and what to show of the page.
async function searchText(pagefind, groups) {
  const scores = new Map(),
    pages = new Map();
  await Promise.all(
    groups.flatMap((names, group) =>
      names.slice(0, NAMES).map(async (name) => {
        const { results } = await pagefind.search(normalize(name));
        const top = results[0]?.score || 1;
        await Promise.all(
          results.slice(0, DEEP).map(async (result) => {
            const data = await result.data();
            const url = data.raw_url.replace(/^\//, "");
            const row = scores.get(url) ?? groups.map(() => 0);
            row[group] = Math.max(row[group], result.score / top);
            scores.set(url, row);
            if (!pages.has(url)) pages.set(url, data);
          }),
        );
      }),
    ),
  );
  return { scores, pages };
}

async function search(query) {
  const { pagefind, dictionary } = await load();
  const groups = parse(query, dictionary).slice(0, 6);
  const { scores, pages } = await searchText(pagefind, groups);
  return rank(groups, dictionary, scores)
    .slice(0, SHOWN)
    .map(({ page }) => {
      return { ...page, url: new URL(page.url, ROOT), excerpt: pages.get(page.url)?.excerpt };
    });
}

function element(tag, attributes, ...children) {
  const node = Object.assign(document.createElement(tag), attributes);
  node.append(...children);
  return node;
}

function option(hit, position) {
  const link = element(
    "a",
    { className: "search__hit", id: `search-hit-${position}`, href: hit.url, tabIndex: -1 },
    element("strong", {}, hit.title),
  );
  if (KINDS[hit.kind]) link.firstChild.prepend(element("small", {}, KINDS[hit.kind]), " ");
  link.setAttribute("role", "option");
  if (hit.text) link.append(element("span", {}, hit.text));
  else if (hit.excerpt) link.append(element("span", { innerHTML: hit.excerpt })); // escaped by Pagefind, but for <mark>
  return link;
}

function start() {
  const dialog = document.querySelector("[data-search]");
  if (!dialog || dialog.dataset.search === "ready") return;
  dialog.dataset.search = "ready";
  const [input, list, status] = ["input", "[role=listbox]", "[role=status]"].map((part) => dialog.querySelector(part));

  function select(position) {
    selected = hits.length ? (position + hits.length) % hits.length : -1;
    [...list.children].forEach((node, place) => node.setAttribute("aria-selected", String(place === selected)));
    if (selected < 0) return input.removeAttribute("aria-activedescendant");
    input.setAttribute("aria-activedescendant", list.children[selected].id);
    list.children[selected].scrollIntoView({ block: "nearest" });
  }

  function show(query, found, message) {
    hits = found;
    list.dataset.query = query; // whose results these are
    list.dataset.query = input.value.trim(); // which query the list answers
    list.replaceChildren(...hits.map(option));
    list.hidden = !hits.length;
    input.setAttribute("aria-expanded", String(hits.length > 0));
    status.textContent = message;
    select(0);
  }

  async function update() {
    const mine = ++turn,
      query = input.value.trim();
    if (!query) return show(query, [], "물음을 그대로 적어도, 띄어쓰기 없이 적어도, 영어로 적어도 돼요.");
    try {
      const found = await search(query);
      if (mine === turn)
        show(query, found, found.length ? `${found.length}개를 찾았어요.` : "맞는 것이 없어요. 다른 말로 적어 보세요.");
    } catch (error) {
      if (mine === turn) show(query, [], "검색 색인을 읽지 못했어요. 잠시 뒤에 다시 시도해 주세요.");
    }
  }

  function open() {
    if (dialog.open) return;
    dialog.showModal(); // keeps the focus inside, and gives it back on closing
    input.select();
    load().catch(() => {});
    update();
  }

  let timer;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      timer = 0;
      update();
    }, 120);
  });
  input.addEventListener("keydown", async (event) => {
    if (event.isComposing) return; // Enter and arrows belong to the input method while a syllable is being made
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      select(selected + step);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (timer) {
        // typed faster than searched
        clearTimeout(timer);
        timer = 0;
        await update();
      }
      if (selected >= 0) list.children[selected].click();
    }
  });
  list.addEventListener("click", (event) => {
    if (event.target.closest("a") && !event.ctrlKey && !event.metaKey) dialog.close();
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.openSearch = open;
}

function open() {
  document.querySelector("[data-search]")?.openSearch();
}

document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-search-open]")) open();
});
document.addEventListener("keydown", (event) => {
  const writing = event.target.closest?.("input, textarea, select, [contenteditable]:not([contenteditable=false])");
  const shortcut = (event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k";
  const letter = !writing && !event.ctrlKey && !event.metaKey && !event.altKey && ["/", "s", "f"].includes(event.key);
  if (!shortcut && !letter) return;
  event.preventDefault();
  open();
});

start();
window.document$?.subscribe(start); // the theme announces the pages that it swaps in
