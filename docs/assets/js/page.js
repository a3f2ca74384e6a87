// What overflows sideways can be scrolled with the keyboard; what fits is no stop on the way.
const SCROLLERS = ".md-typeset :is(.scroll, .math-block, .run-output, .md-typeset__scrollwrap)";

function update(element) {
  const overflows = element.scrollWidth > element.clientWidth + 1;
  const attributes = { tabindex: "0", role: "region", "aria-label": element.dataset.label ?? "옆으로 넘겨 보는 내용" };
  for (const [name, value] of Object.entries(attributes)) {
    if (overflows) element.setAttribute(name, value);
    else element.removeAttribute(name);
  }
}

const observer = new ResizeObserver((entries) => entries.forEach((entry) => update(entry.target)));

function start() {
  observer.disconnect();
  document.querySelectorAll(SCROLLERS).forEach((element) => observer.observe(element));
}

start();
window.document$?.subscribe(start); // the theme announces the pages that it swaps in
