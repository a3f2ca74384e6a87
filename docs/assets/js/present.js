// A thread on a projector: its question, answer and figure, then one answer of the source at a time, in large letters.
import { addStyle, element } from "./dom.js";

const NEXT = ["ArrowRight", "ArrowDown", "PageDown"];
const BACK = ["ArrowLeft", "ArrowUp", "PageUp"]; // a pointer in the lecturer's hand sends pages
let show; // what is on, while it is

class Show {
  constructor(article) {
    this.article = article;
    this.heading = article.querySelector("h1");
    const first = article.querySelectorAll(":scope > :is(h1, .conclusion, .predict, .touch)");
    this.slides = [[...first], ...[...article.querySelectorAll(":scope > .answer")].map((answer) => [answer])];
    this.opened = this.slides.flat().filter((node) => node.matches("details") && node.open);
    this.status = element("span", { role: "status" });
    this.bar = element("div", { className: "present-bar", role: "group", "aria-label": "크게 보기" });
    const button = (text, label, act) => {
      const node = element("button", { type: "button", "aria-label": label }, text);
      node.addEventListener("click", act);
      return node;
    };
    this.bar.append(
      button("←", "앞으로", () => this.go(this.place - 1)),
      this.status,
      button("→", "다음 답", () => this.go(this.place + 1)),
      button("나가기 Esc", "크게 보기 끝내기", () => this.end()),
    );
    this.press = (event) => {
      if (event.target.closest?.("dialog")) return;
      const takesArrows = event.target.closest?.("input, select, textarea");
      const step = NEXT.includes(event.key) ? 1 : BACK.includes(event.key) ? -1 : 0;
      if (event.key === "Escape") this.end();
      else if (step && !takesArrows) this.go(this.place + step);
      else return;
      event.preventDefault();
    };
  }

  begin() {
    const at = this.slides.findIndex((nodes, place) => place && nodes[0].contains(document.activeElement));
    document.documentElement.classList.add("presenting");
    document.querySelector("main").append(this.bar);
    document.addEventListener("keydown", this.press);
    this.bar.querySelector("[aria-label='다음 답']").focus();
    this.go(Math.max(0, at));
  }

  go(place) {
    if (place < 0 || place >= this.slides.length) return;
    this.place = place;
    const shown = this.slides[place];
    for (const node of this.article.children) node.classList.toggle("on-slide", shown.includes(node));
    for (const node of shown) if (node.matches("details")) node.open = true;
    this.heading.classList.toggle("visually-hidden", place > 0); // a page has one for who does not see it
    const title = shown[0].querySelector("h2") ?? shown[0];
    const words = title.textContent.replace(/#$/, "").trim();
    this.status.replaceChildren(
      `${place + 1} / ${this.slides.length}`,
      element("span", { className: "visually-hidden" }, ` ${words}`),
    );
    scrollTo(0, 0);
  }

  end() {
    const [node] = this.slides[this.place];
    document.removeEventListener("keydown", this.press);
    document.documentElement.classList.remove("presenting");
    this.bar.remove();
    this.heading.classList.remove("visually-hidden");
    for (const child of this.article.children) child.classList.remove("on-slide");
    for (const row of this.slides.flat())
      if (row.matches("details")) row.open = row === node || this.opened.includes(row);
    node.scrollIntoView();
    node.querySelector("summary")?.focus({ preventScroll: true });
    show = undefined;
  }
}

/** Begin, or end what is on. */
export async function toggle() {
  if (show) {
    show.end();
    return;
  }
  await addStyle("present.css");
  if (show) return; // asked for twice while the style was on its way
  show = new Show(document.querySelector(".page-thread"));
  show.begin();
}
