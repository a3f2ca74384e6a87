// Added by `make serve` to the pages that it sends, never to the static site: shows a saved file at once, and what is
// wrong with it in a panel over the last good page. It is all of itself: there may be no site yet to import from.
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: a classic script keeps its names to itself in one function
(() => {
  if (window !== window.top) return; // a page inside a thread changes with the thread
  let version = Number(document.currentScript.dataset.version);
  const SCRIPT = document.currentScript.src;
  const SCROLL = "mundap-live-scroll";

  function reload() {
    sessionStorage.setItem(SCROLL, JSON.stringify([location.pathname, scrollY]));
    location.reload();
  }

  function restoreScroll() {
    const [path, y] = JSON.parse(sessionStorage.getItem(SCROLL) ?? "[]");
    sessionStorage.removeItem(SCROLL);
    if (path === location.pathname) scrollTo({ top: y, behavior: "instant" });
  }

  function file() {
    // of the site, that this page is
    const first = new URL("../", SCRIPT).pathname.length;
    const path = decodeURIComponent(location.pathname.slice(first));
    return path === "" || path.endsWith("/") ? `${path}index.html` : path;
  }

  const host = document.createElement("div");
  host.id = "mundap-live";
  const root = host.attachShadow({ mode: "open" });
  root.innerHTML = `
    <style>
      section {
        position: fixed; inset: auto 0 0 0; z-index: 1000; margin: 0 auto; max-width: 800px; max-height: 50vh;
        overflow: auto; box-sizing: border-box; padding: 14px 20px 18px;
        font: 16px/1.6 system-ui, sans-serif; word-break: keep-all; overflow-wrap: anywhere;
        color: var(--md-default-fg-color, CanvasText); background: var(--md-default-bg-color, Canvas);
        border: 1px solid var(--md-default-fg-color--lighter, GrayText); border-bottom: 0;
        border-top: 4px solid #d9822b; border-radius: 8px 8px 0 0; box-shadow: 0 -4px 24px rgb(0 0 0 / 25%);
      }
      section[hidden] { display: none; }
      .head { display: flex; gap: 16px; align-items: baseline; justify-content: space-between; }
      h2 { margin: 0; font-size: 17px; }
      p { margin: 4px 0 10px; }
      ol { margin: 0; padding: 0; list-style: none; }
      li { padding: 8px 0; border-top: 1px solid var(--md-default-fg-color--lightest, GrayText); }
      code { font: 14px/1.6 ui-monospace, monospace; }
      li > code { display: block; }
      span code { background: var(--md-code-bg-color, transparent); padding: 1px 4px; border-radius: 3px; }
      span { white-space: pre-line; }
      button { font: inherit; color: inherit; background: none; border: 1px solid currentColor; border-radius: 5px;
               padding: 2px 12px; cursor: pointer; flex: none; }
      :focus-visible { outline: 3px solid #d9822b; outline-offset: 2px; }
    </style>
    <section role="alert" aria-labelledby="title" tabindex="0" hidden>
      <div class="head"><h2 id="title"></h2><button type="button">닫기</button></div>
      <p>지금 보이는 페이지는 마지막으로 문제가 없던 모습이에요. 고쳐서 저장하면 바로 바뀌어요.</p>
      <ol></ol>
    </section>`;
  const panel = root.querySelector("section");
  root.querySelector("button").addEventListener("click", () => {
    panel.hidden = true;
  });

  function make(name, ...content) {
    const element = document.createElement(name);
    element.append(...content);
    return element;
  }

  function show(problems) {
    if (problems.length && !host.isConnected) document.body.append(host);
    root.querySelector("h2").textContent = `저장한 파일에 고칠 곳이 ${problems.length}개 있어요`;
    root.querySelector("ol").replaceChildren(
      ...problems.map(({ place, what, todo }) => {
        const words = `${what} ${todo}`
          .trim()
          .split(/`([^`]+)`/)
          .map((part, i) => (i % 2 ? make("code", part) : part));
        return make("li", ...(place ? [make("code", place)] : []), make("span", ...words));
      }),
    );
    panel.hidden = problems.length === 0;
  }

  function hear({ data }) {
    const news = JSON.parse(data);
    const before = version;
    version = news.version;
    show(news.problems);
    if (version === before) return;
    // One build later, we know what it changed; after a longer silence, anything may have.
    if (version !== before + 1 || news.pages === null || news.assets || news.pages.includes(file())) reload();
  }

  function connect(wait = 500) {
    const socket = new WebSocket(new URL("socket", SCRIPT).href.replace("http", "ws"));
    socket.addEventListener("open", () => {
      wait = 500;
    });
    socket.addEventListener("message", hear);
    socket.addEventListener("close", () => setTimeout(connect, wait, Math.min(wait * 2, 8000)));
  }

  restoreScroll();
  addEventListener("load", restoreScroll, { once: true });
  connect();
})();
