// What the theme's own pages do in scripts of their own, which the site's policy lets no page have: names that the
// theme's bundle uses, and the colours before anything is painted. Loaded in the head, before all else.
(() => {
  const site = new URL("../../", document.currentScript.src); // wherever it is hosted

  window.__md_scope = site;
  window.__md_hash = (text) => [...text].reduce((hash, letter) => (hash << 5) - hash + letter.charCodeAt(0), 0);
  window.__md_get = (key, storage = localStorage, scope = site) =>
    JSON.parse(storage.getItem(`${scope.pathname}.${key}`));
  window.__md_set = (key, value, storage = localStorage, scope = site) => {
    try {
      storage.setItem(`${scope.pathname}.${key}`, JSON.stringify(value));
    } catch {
      // a browser that keeps nothing
    }
  };

  // The colours that the reader has chosen, or those of the device.
  function paint() {
    const { body } = document;
    const chosen = window.__md_get("__palette")?.color;
    for (const [name, value] of Object.entries(chosen ?? {})) body.setAttribute(`data-md-color-${name}`, value);
    const follows = !chosen || chosen.media === "(prefers-color-scheme)";
    if (!follows) return;
    const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
    if (chosen) body.setAttribute("data-md-color-media", `(prefers-color-scheme: ${isDark ? "dark" : "light"})`);
    body.setAttribute("data-md-color-scheme", isDark ? "slate" : "default");
  }

  // The body begins after this script: its first colours are set in the same turn, before it is painted.
  new MutationObserver((_, observer) => {
    if (!document.body) return;
    observer.disconnect();
    paint();
  }).observe(document.documentElement, { childList: true });
})();
