// Where to go on reading: threads that were begun are remembered, and the home says which comes next and which were read.
import { element } from "./dom.js";
import { remember, remembered } from "./store.js";

/** Of threads in reading order, [what to say, the thread to read], or nothing where all are read; state: store.js's. */
export function following(threads, { begun, read }) {
  const at = (id) => threads.find((thread) => thread.id === id);
  const unread = ({ id }) => !(id in read);
  const open = Object.keys(begun).findLast((id) => at(id) && unread(at(id)));
  if (open) return ["이어 읽기", at(open)];
  const last = threads.findLastIndex((thread) => !unread(thread));
  const next = threads.slice(last + 1).find(unread) ?? threads.find(unread);
  return next && [last < 0 ? "처음부터 읽기" : "다음에 읽기", next];
}

// How many threads of a chapter were read, beside their count.
function dots(card, read, all) {
  card.querySelector(".thread-dots")?.remove();
  const attributes = { className: "thread-dots", role: "img", "aria-label": `${read}개 읽음` };
  card
    .querySelector(".thread-count")
    .append(element("span", attributes, ` ${"●".repeat(read)}${"○".repeat(all - read)}`));
}

function home(path) {
  const state = remembered();
  const read = Object.keys(state.read).length > 0;
  const threads = [];
  for (const card of path.children) {
    const own = JSON.parse(card.dataset.threads).map(([id, title, file]) => ({
      id,
      title,
      href: file.replace(/\.md$/, "/"),
    }));
    threads.push(...own);
    if (read) dots(card, own.filter(({ id }) => id in state.read).length, own.length);
  }
  const [words, thread] = following(threads, state) ?? [];
  const line = document.querySelector(".resume p");
  if (thread) line.replaceChildren(`${words}: `, element("a", { href: thread.href }, thread.title));
  else line.textContent = "문답을 모두 읽었어요.";
}

function start() {
  const here = document.querySelector(".rail [aria-current]")?.dataset.thread;
  if (here)
    remember(({ begun }) => {
      delete begun[here]; // the latest stands last
      begun[here] = 1;
    });
  const path = document.querySelector(".path");
  if (path && document.querySelector(".resume")) home(path);
}

if (globalThis.document) {
  start();
  addEventListener("pageshow", ({ persisted }) => persisted && start());
  window.document$?.subscribe(start);
}
