"""The page of the 실험실 in a browser, and its model in torch."""

import re
from contextlib import contextmanager

import torch
from browsing import new_page

SCRIPTS = "assets/js/lab/"


def imported(file):
    """A script, and every script that it imports."""
    found = {file}
    for name in re.findall(r'(?:from|import) "(\.[^"]+)"', file.read_text(encoding="utf-8")):
        found |= imported((file.parent / name).resolve())
    return found


def torch_run(model, image):
    """Logits, maps and first tokens of one image (1, 3, S, S), as arrays."""
    with torch.no_grad():
        logits, attn = model(image, return_attn=True)
        return logits[0].numpy(), attn[0].numpy(), model.embed(image)[0].numpy()


@contextmanager
def lab_page(browser, site_url):
    """The page with its model, its modules as M (model), A (attention), S (scenes), T (state); shared, so see `at`."""
    page = new_page(browser.new_context(viewport={"width": 1280, "height": 800}, locale="ko-KR"))
    opened(page, site_url)
    page.evaluate(
        """async (base) => {
        const names = ['model', 'attention', 'scenes', 'state'];
        const [M, A, S, T] = await Promise.all(names.map((name) => import(`${base}${name}.js`)));
        const bytes = (array) => {
            const all = new Uint8Array(array.buffer, array.byteOffset, array.byteLength), parts = [];
            for (let i = 0; i < all.length; i += 32768) parts.push(String.fromCharCode(...all.subarray(i, i + 32768)));
            return btoa(parts.join(''));
        };
        const floats = (text) => new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
        Object.assign(window, { M, A, S, T, bytes, floats, model: await M.load() });
    }""",
        site_url + SCRIPTS,
    )
    yield page
    assert not page.heard.errors
    page.context.close()


def embeds(root):
    """{path of a thread: (state of the 실험실 that it opens, size that it tells)}."""
    found = {}
    for path in sorted((root / "docs" / "qa").glob("*/*.yaml")):
        line = re.search(r"(?m)^embed: .*해 보기(\(.+ MB\))\]\(page:lab([^)]*)\)", path.read_text(encoding="utf-8"))
        if line:
            found[f"{path.parent.name}/{path.stem}"] = (line[2], line[1])
    return found


def opened(page, site_url, query="", load=True):
    """The page at a state, its model there; load: False where the reader saves data and has not asked for it."""
    page.goto(f"{site_url}lab/{query}")
    if load:
        page.locator(".lab.ready").wait_for(timeout=60_000)
    settled(page)
    return page


def saving_data(page):
    """Let the page's browser say from now on that data is to be saved."""
    page.add_init_script("Object.defineProperty(navigator, 'connection', { value: { saveData: true } })")


def at(lab, query):
    """The shared page at a state, as the Back button would bring it there."""
    lab.mouse.move(2, 2)
    lab.evaluate(
        "query => { history.pushState(null, '', query || location.pathname); dispatchEvent(new PopStateEvent('popstate')); scrollTo(0, 0); }",
        query,
    )
    settled(lab)
    return lab


def settled(page):
    """Wait until what was done is shown and said."""
    page.locator('.lab[data-state="idle"]').wait_for(timeout=60_000)
