// 맞을까요, 틀릴까요?: a claim to judge before its verdict is shown; what was judged is remembered on this device.
import { element } from "./dom.js";
import { remember, remembered } from "./store.js";

const begun = new WeakSet(); // boxes that ask

/** The questions in an order of their own, those that this device has not judged first. */
function shuffled(questions, judged) {
  const order = questions.map((question) => [question.anchor in judged ? 1 : 0, Math.random(), question]);
  return order.sort((a, b) => a[0] - b[0] || a[1] - b[1]).map(([, , question]) => question);
}

async function start() {
  const box = document.querySelector(".quiz");
  if (!box || begun.has(box)) return;
  begun.add(box); // before the questions are there: two that ask would each draw their own
  const source = new URL(box.dataset.questions, location.href);
  const address = (question) => `${new URL(question.page.replace(/\.md$/, "/"), source).href}#${question.anchor}`;
  const claim = box.querySelector(".quiz-claim");
  const inPage = box.querySelector("details");
  let questions;
  let number = 0;

  const buttons = [true, false].map((right) => {
    const button = element("button", { type: "button" }, right ? "✓ 맞아요" : "✗ 틀려요");
    button.addEventListener("click", () => judge(right, button));
    return button;
  });
  const outcome = element("p", { className: "quiz-outcome", hidden: true, role: "status" });
  const read = element("a", {}, "이 문답 읽기");
  const next = element("button", { type: "button" }, "다음 주장 →");
  const links = element("p", { className: "quiz-links" }, read, next);
  next.addEventListener("click", () => ask(number + 1));

  function ask(place) {
    number = place % questions.length;
    claim.textContent = `“${questions[number].text}”`;
    read.href = address(questions[number]);
    outcome.hidden = true;
    for (const button of buttons) button.setAttribute("aria-pressed", "false");
  }

  function judge(guess, pressed) {
    const question = questions[number];
    const verdict = question.right ? "맞은 주장이에요. " : "틀린 주장이에요. ";
    const praise = guess === question.right ? "맞혔어요. " : "";
    outcome.replaceChildren(element("strong", {}, praise + verdict), question.why);
    outcome.classList.toggle("right", question.right);
    outcome.hidden = false;
    for (const button of buttons) button.setAttribute("aria-pressed", String(button === pressed));
    remember((state) => {
      state.judged[question.anchor] = guess === question.right ? 1 : 0;
    });
  }

  try {
    const answer = await fetch(source);
    questions = shuffled(await answer.json(), remembered().judged);
  } catch {
    return; // without a connection the question that stands in the page stays
  }
  inPage.replaceWith(element("div", { className: "quiz-choices" }, ...buttons), outcome, links);
  ask(0);
}

start();
window.document$?.subscribe(start);
