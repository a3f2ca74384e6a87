// Added by `make serve` to the pages that it sends, never to the static site: shows a saved file at once, and what is
// wrong with it in a panel over the last good page.
(() => {
  let version = Number(document.currentScript.dataset.version);
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

  function file() {  // of the site, that this page is
    const path = decodeURIComponent(location.pathname).slice(1);
    return path === "" || path.endsWith("/") ? `${path}index.html` : path;
  }

  const host = document.createElement("div");
  host.id = "mundap-live";
  const root = host.attachShadow({ mode: "open" });
  root.innerHTML = `
    <style>
      section {
        position: fixed; inset: auto 0 0 0; z-index: 1000; margin: 0 auto; max-width: 60rem; max-height: 50vh;
        overflow: auto; box-sizing: border-box; padding: 0.9rem 1.2rem 1.1rem;
        font: 1rem/1.65 system-ui, sans-serif; word-break: keep-all; overflow-wrap: anywhere;
        color: var(--md-default-fg-color, CanvasText); background: var(--md-default-bg-color, Canvas);
        border: 1px solid var(--md-default-fg-color--lighter, GrayText); border-bottom: 0;
        border-top: 4px solid #d9822b; border-radius: 0.5rem 0.5rem 0 0; box-shadow: 0 -4px 24px rgb(0 0 0 / 25%);
      }
      section[hidden] { display: none; }
      .head { display: flex; gap: 1rem; align-items: baseline; justify-content: space-between; }
      h2 { margin: 0; font-size: 1.05rem; }
      p { margin: 0.2rem 0 0.6rem; }
      ol { margin: 0; padding: 0; list-style: none; }
      li { padding: 0.5rem 0; border-top: 1px solid var(--md-default-fg-color--lightest, GrayText); }
      code { display: block; font: 0.9rem/1.5 ui-monospace, monospace; }
      span { white-space: pre-line; }
      button { font: inherit; color: inherit; background: none; border: 1px solid currentColor; border-radius: 0.3rem;
               padding: 0.1rem 0.7rem; cursor: pointer; flex: none; }
      :focus-visible { outline: 3px solid #d9822b; outline-offset: 2px; }
    </style>
    <section role="alert" aria-labelledby="title" tabindex="0" hidden>
      <div class="head"><h2 id="title"></h2><button type="button">닫기</button></div>
      <p>지금 보이는 페이지는 마지막으로 문제가 없던 모습이에요. 고쳐서 저장하면 바로 바뀌어요.</p>
      <ol></ol>
    </section>`;
  const panel = root.querySelector("section");
  root.querySelector("button").addEventListener("click", () => { panel.hidden = true; });

  function show(problems) {
    if (problems.length && !host.isConnected) document.body.append(host);
    root.querySelector("h2").textContent = `저장한 파일에 고칠 곳이 ${problems.length}개 있어요`;
    root.querySelector("ol").replaceChildren(...problems.map(({ place, what, todo }) => {
      const [item, code, text] = ["li", "code", "span"].map((name) => document.createElement(name));
      code.textContent = place;
      text.textContent = todo ? `${what} ${todo}` : what;
      item.append(...(place ? [code, text] : [text]));
      return item;
    }));
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
    const socket = new WebSocket(`ws://${location.host}/_live/socket`);
    socket.addEventListener("open", () => { wait = 500; });
    socket.addEventListener("message", hear);
    socket.addEventListener("close", () => setTimeout(connect, wait, Math.min(wait * 2, 8000)));
  }

  restoreScroll();
  addEventListener("load", restoreScroll, { once: true });
  connect();
})();
