// Experiments to begin with: each asks for a guess first, then shows what comes out.
import { element } from "../dom.js";
import { open, set } from "./controls.js";
import { start } from "./loading.js";
import { read, reference, USUAL } from "./state.js";
import { lab, part } from "./store.js";

const links = [...lab.querySelectorAll(".lab-tries a")];

function mark(chosen) {
  for (const link of links) link.toggleAttribute("aria-current", link === chosen);
  part("ask").hidden = !chosen;
}

// Show what the experiment begins with, and ask what it will come to.
function ask(link) {
  const target = read(link.search);
  mark(link);
  set({ ...USUAL, scene: target.scene, query: target.query, ...reference(target) });
  part("question").textContent = link.dataset.ask;
  part("try").textContent = "";
  const buttons = link.dataset.choices.split("|").map((choice, number) => {
    const button = element("button", { type: "button", "aria-pressed": "false" }, choice, element("small"));
    button.addEventListener("click", () => answer(link, number, buttons));
    return button;
  });
  part("guesses").replaceChildren(...buttons);
}

function answer(link, guess, buttons) {
  const right = Number(link.dataset.right);
  buttons.forEach((button, number) => {
    button.setAttribute("aria-pressed", String(number === guess));
    button.classList.toggle("mine", number === guess);
    button.classList.toggle("right", number === right);
    const notes = [number === guess && "내 예상", number === right && "돌려 보면"].filter(Boolean);
    button.lastChild.textContent = notes.join(" · ");
  });
  part("try").textContent = link.dataset.say;
  history.pushState(null, "", link.href);
  set(read(link.search));
  start();
}

// Show what the address says; an experiment that is opened by its address has been chosen already.
function show() {
  open();
  const link = links.find(({ search }) => search === location.search);
  mark(link);
  if (!link) return;
  part("question").textContent = link.dataset.ask;
  part("guesses").replaceChildren();
  part("try").textContent = link.dataset.say;
}

for (const link of links) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    ask(link);
  });
}
addEventListener("popstate", show);
show();
