// Added by `make serve` to the pages that it sends, never to the static site: every block of code can be edited and run.
// The cells of a page share one kernel, which starts with the first run and ends with the page.

import { element } from "../assets/js/dom.js";
import { Cell } from "./cell.js";
import { Kernel } from "./kernel.js";
import { makePanel } from "./panel.js";

const DRAFTS = `mundap-cells:${location.pathname}`;

function saveDrafts(cells) {
  const drafts = cells.filter((cell) => cell.isEdited).map((cell) => [cell.number, [cell.original, cell.text]]);
  sessionStorage.setItem(DRAFTS, JSON.stringify(Object.fromEntries(drafts)));
}

async function restoreDrafts(cells) {
  const drafts = JSON.parse(sessionStorage.getItem(DRAFTS) ?? "{}");
  for (const [number, [original, text]] of Object.entries(drafts)) {
    const cell = cells[number];
    if (cell?.original === original) await cell.edit(text, false);
  }
}

function start(article) {
  const isNotebook = article.classList.contains("page-notebook");
  const cells = [];
  const panel = makePanel({ stop: () => kernel.stop(), restart: () => kernel.restart() });
  const kernel = new Kernel(cells, isNotebook, panel);
  const actions = {
    run: (cell) => kernel.run(cell),
    stop: () => kernel.stop(),
    say: (text) => kernel.say(text),
    changed: () => saveDrafts(cells),
  };
  document.head.append(element("link", { rel: "stylesheet", href: new URL("cells.css", import.meta.url) }));
  for (const code of article.querySelectorAll(".highlight pre > code")) {
    cells.push(new Cell(code, cells.length, isNotebook, actions));
  }
  if (!cells.length) return;
  document.body.append(panel.node);
  addEventListener("pagehide", () => kernel.close());
  restoreDrafts(cells);
}

const article = document.querySelector(".page-thread, .page-notebook");
if (article) start(article);
