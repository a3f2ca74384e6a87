// What the scripts of the pages share: making elements, and reaching by keyboard what overflows.

/** A new element. attributes: properties of the element where it has one of that name, else attributes of it. */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/** A choice of a group: its radio button, shown as the content. label: its name where the content says none. */
export function radio(name, value, content, label) {
  const input = element("input", { type: "radio", name, value });
  if (label) input.setAttribute("aria-label", label);
  return element("label", {}, input, element("span", {}, ...content));
}

/** Make an element a stop of the Tab key while it overflows, and none while it fits. Its data-label names it. */
export function reachable(node, overflows, label) {
  const attributes = { tabindex: "0", role: "group", "aria-label": node.dataset.label ?? label };
  for (const [name, value] of Object.entries(attributes)) {
    if (overflows) node.setAttribute(name, value);
    else node.removeAttribute(name);
  }
}

/** Whether an element's content is wider than the element. */
export const isWide = (node) => node.scrollWidth > node.clientWidth + 1;

/** Whether an element's content is higher than the element. */
export const isHigh = (node) => node.scrollHeight > node.clientHeight + 1;

/** Load a style sheet of assets/css, once; settles when it holds. */
export function addStyle(name) {
  const href = new URL(`../css/${name}`, import.meta.url).href;
  if ([...document.styleSheets].some((sheet) => sheet.href === href)) return Promise.resolve();
  return new Promise((resolve) => {
    const link = element("link", { rel: "stylesheet", href });
    for (const event of ["load", "error"]) link.addEventListener(event, resolve);
    document.head.append(link);
  });
}
