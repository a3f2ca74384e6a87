// What overflows sideways can be scrolled with the keyboard; what fits is no stop on the way.
const SCROLLERS = ".md-typeset :is(.scroll, .math-block, .run-output, .md-typeset__scrollwrap, .highlight pre > code)";

function update(element) {
  const overflows = element.scrollWidth > element.clientWidth + 1;
  const attributes = { tabindex: "0", role: "group", "aria-label": element.dataset.label ?? "옆으로 넘겨 보는 내용" };
  for (const [name, value] of Object.entries(attributes)) {
    if (overflows) element.setAttribute(name, value);
    else element.removeAttribute(name);
  }
}

const observer = new ResizeObserver((entries) => entries.forEach((entry) => update(entry.target)));

// A button on each block of code that copies it.
function addCopy(code) {
  if (code.parentElement.querySelector(".copy")) return;
  const button = Object.assign(document.createElement("button"), { type: "button", className: "copy", title: "복사" });
  button.setAttribute("aria-label", "코드 복사");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(code.textContent.trimEnd());
    button.classList.add("copied");
    button.setAttribute("aria-label", "복사했어요");
    setTimeout(() => {
      button.classList.remove("copied");
      button.setAttribute("aria-label", "코드 복사");
    }, 2000);
  });
  code.before(button);
}

function start() {
  observer.disconnect();
  document.querySelectorAll(SCROLLERS).forEach((element) => observer.observe(element));
  if (navigator.clipboard) document.querySelectorAll(".md-typeset .highlight pre > code").forEach(addCopy);
}

start();
window.document$?.subscribe(start); // the theme announces the pages that it swaps in
