"""The built site in a real browser: links, requests, console, accessibility, phones, no JavaScript, Korean search."""

import os
import re
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest
from accessibility import violations
from playwright.sync_api import expect

from mundap.pages import standalone
from mundap.project.check import examine

KINDS = {  # one page of each kind
    "home": "",
    "contents": "qa/",
    "chapter": "qa/self-attention/",
    "thread": "qa/position-embedding/permutation/",
    "thread-figures": "qa/attention-maps/attention-rollout/",
    "notebook": "notebooks/pe_interpolation/",
    "glossary": "glossary/",
    "tags": "tags/",
    "runs": "runs/",
    "contributing": "contributing/",
    "missing": "404.html",
}
THEMES = ["light", "dark"]
OPEN_ALL = "for (const each of document.querySelectorAll('details')) each.open = true"
# Korean as it is typed: particles, endings of questions, no spaces, English for Korean -> the page, in the first three
QUERIES = {
    "귀납적 편향이란": "qa/inductive-bias/bias-strength/",
    "귀납편향": "qa/inductive-bias/bias-strength/",
    "inductive bias": "qa/inductive-bias/bias-strength/",
    "과적합은 왜 생기나요": "qa/inductive-bias/bias-strength/",
    "쿼리와 키를 만드는 코드": "qa/self-attention/qkv-code/",
    "QKV": "qa/self-attention/qkv-code/",
    "멀티헤드어텐션": "qa/self-attention/multihead-concat/",
    "multi-head attention": "qa/self-attention/multihead-concat/",
    "헤드를 이어 붙이면": "qa/self-attention/multihead-concat/",
    "어텐션의 비용": "qa/self-attention/attention-cost/",
    "시퀀스가 길어지면 메모리는": "qa/self-attention/attention-cost/",
    "패치임베딩": "qa/vit-structure/patch-embedding/",
    "vision transformer 구조": "qa/vit-structure/vit-overview/",
    "토큰의 순서를 바꾸면": "qa/position-embedding/permutation/",
    "등변성이 뭐예요": "qa/inductive-bias/conv-equivariance/",
    "equivariance": "qa/inductive-bias/conv-equivariance/",
    "위치임베딩보간": "qa/position-embedding/pe-interpolation/",
    "position embedding interpolation": "qa/position-embedding/pe-interpolation/",
    "해상도를 높이면 위치 임베딩은": "qa/position-embedding/pe-interpolation/",
    "어텐션롤아웃을 계산": "qa/attention-maps/attention-rollout/",
    "attention rollout": "qa/attention-maps/attention-rollout/",
}


class Anchors(HTMLParser):
    """Ids and links of a page."""

    def __init__(self):
        super().__init__()
        self.ids, self.links = [], []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        for name in ("href", "src"):
            if attributes.get(name) and tag not in ("use", "image"):
                self.links.append(attributes[name])


def parsed(file):
    reader = Anchors()
    reader.feed(file.read_text(encoding="utf-8"))
    return reader


def html_files(site):
    return sorted(site.rglob("*.html"))


def test_every_internal_link_and_anchor_resolves(site):
    read = cache(parsed)
    broken = []
    for file in html_files(site):
        here = "/" + file.relative_to(site).as_posix()
        for link in read(file).links:
            address, fragment = urldefrag(link)
            if urlsplit(address).scheme in ("http", "https", "mailto", "data"):
                continue
            # 404.html is served at any depth: its links are absolute below the site's own base
            path = unquote(urlsplit(urljoin(here, address)).path).removeprefix("/mundap")
            target = site / path.strip("/")
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file():
                broken.append(f"{here}: {link}")
            elif fragment and target.suffix == ".html" and unquote(fragment) not in read(target).ids:
                broken.append(f"{here}: {link} (no such anchor)")
    assert not broken, "\n".join(broken)


def test_ids_are_unique_on_every_page(site):
    for file in html_files(site):
        ids = parsed(file).ids
        assert len(ids) == len(set(ids)), (file, sorted({name for name in ids if ids.count(name) > 1}))


def test_every_thread_chapter_and_notebook_has_its_page(root, site):
    for file in (root / "docs" / "qa").glob("*/*.yaml"):
        assert (site / "qa" / file.parent.name / file.stem / "index.html").is_file(), file
        assert (site / "qa" / file.parent.name / "index.html").is_file()
    for file in (root / "docs" / "notebooks").glob("*.ipynb"):
        assert (site / "notebooks" / file.stem / "index.html").is_file(), file


def test_notebook_pages_lead_to_the_notebooks_that_stand_alone(root, site):
    """Those that test_standalone runs in an empty folder."""
    project, _ = examine(root)
    for name in project.records:
        page = site / "notebooks" / name / "index.html"
        [address] = re.findall(
            r'<a href="([^"]+)" download(?:="")?>노트북 내려받기</a>', page.read_text(encoding="utf-8")
        )
        assert (page.parent / address).read_text(encoding="utf-8") == standalone.of_project(project, name)
    assert len(list(site.rglob("*.ipynb"))) == len(project.records), "no other notebook can be taken for one of them"


def test_no_template_is_left_unfilled(site):
    for file in html_files(site):
        text = re.sub(r"(?s)<(code|pre|script)\b.*?</\1>", "", file.read_text(encoding="utf-8"))
        assert "mundap:" not in text and "{{" not in text, file
        assert not re.search(r"\]\((thread|run|term):", text), file
        assert "arithmatex" not in text, f"{file}: a formula was left as LaTeX"


def addresses(site, site_url):
    return [site_url + file.relative_to(site).as_posix().removesuffix("index.html") for file in html_files(site)]


@pytest.mark.parametrize("theme", THEMES)
def test_no_page_asks_another_host_or_logs_an_error(site, site_url, page_factory, theme):
    page = page_factory(theme=theme)
    for address in addresses(site, site_url):
        page.goto(address, wait_until="networkidle")
    foreign = {url for url in page.heard.requests if not url.startswith((site_url, "data:", "blob:"))}
    assert not foreign
    assert not page.heard.errors


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_nothing(site_url, page_factory, kind, theme):
    page = page_factory(theme=theme, width=390 if theme == "dark" else 1280, reduced_motion="reduce")
    page.goto(site_url + KINDS[kind])
    assert not violations(page)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("kind", ["thread", "thread-figures", "notebook"])
def test_axe_finds_nothing_in_what_is_opened(site_url, page_factory, kind, theme):
    page = page_factory(theme=theme, width=390 if theme == "light" else 1280, reduced_motion="reduce")
    page.goto(site_url + KINDS[kind])
    page.evaluate(OPEN_ALL)
    assert not violations(page)


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_in_the_open_search(site_url, page_factory, theme):
    page = page_factory(theme=theme, reduced_motion="reduce")
    page.goto(site_url)
    page.keyboard.press("/")
    page.keyboard.type("어텐션")
    page.get_by_role("option").first.wait_for()
    assert not violations(page)


def test_no_page_scrolls_sideways_on_a_phone(site, site_url, page_factory):
    page = page_factory(width=390, height=844)
    wide = []
    for address in addresses(site, site_url):
        page.goto(address)
        page.evaluate(OPEN_ALL)
        if page.evaluate("document.documentElement.scrollWidth") > 390:
            wide.append(address)
    assert not wide


SMALL = """() => {
    const aside = ".thread-meta, .sources, .run-about, .headerlink, .copy, :is(h1, h2, h3) > a"
    const inSentence = (node) => getComputedStyle(node).display === "inline" && !node.matches(":is(h1, h2, h3) > a")
        && node.parentElement.innerText.trim().length > node.innerText.trim().length + 4
    const touched = (node) => getComputedStyle(node, "::after").position === "absolute" && node.offsetParent || node
    return [...document.querySelectorAll("a[href], button, summary, input, select")]
        .filter((node) => node.checkVisibility({visibilityProperty: true}) && node.getClientRects().length)
        .filter((node) => !node.closest(".md-skip, .md-option, .md-toggle, math") && !inSentence(node))
        .map((node) => [touched(node).getBoundingClientRect(), node.closest("article") && !node.closest(aside) ? 44 : 24, node])
        .filter(([box, size]) => box.height < size || box.width < 24)
        .map(([box, size, node]) => `${box.width} × ${box.height} of ${size}: ${node.outerHTML.slice(0, 90)}`)
}"""


@pytest.mark.parametrize("kind", ["home", "contents", "thread", "thread-figures", "notebook"])
def test_what_one_touches_is_large_enough_on_a_phone(site_url, page_factory, kind):
    """44 px in the flow of a page, 24 beside it; links in a sentence are as high as its lines."""
    page = page_factory(width=390, height=844, has_touch=True)
    page.goto(site_url + KINDS[kind])
    page.wait_for_load_state("networkidle")
    assert not page.evaluate(SMALL)


def test_code_on_a_phone_goes_on_below_indented(site_url, page_factory):
    page = page_factory(width=390, height=844)
    page.goto(site_url + KINDS["thread"])
    page.evaluate(OPEN_ALL)
    code = page.locator(".highlight pre > code").filter(visible=True)
    assert code.count()
    for wide, spans, lines in code.evaluate_all(
        """nodes => nodes.map((node) => [
            node.scrollWidth > node.clientWidth + 1,
            node.querySelectorAll(":scope > .line").length,
            node.textContent.replace(/\\n$/, "").split("\\n").length,
        ])"""
    ):
        assert not wide and spans == lines


def test_pages_read_well_without_javascript(site_url, page_factory):
    page = page_factory(java_script_enabled=False)
    page.goto(site_url + KINDS["thread"])
    assert page.locator("h1").is_visible()
    assert page.locator(".conclusion").is_visible()
    row = page.locator("details.answer:has(.run-figure):has(.measured)").first
    row.locator(":scope > summary").click()
    assert row.locator("article.claim .measured").first.is_visible()
    assert row.locator(".run-figure svg").first.is_visible()
    page.locator("nav.next a").first.click()
    assert page.locator("h1").is_visible()


def test_figures_follow_the_theme_and_say_what_they_show(site_url, page_factory):
    inks = {}
    for theme in THEMES:
        page = page_factory(theme=theme)
        page.goto(site_url + KINDS["thread"])
        figure = page.locator(".run-figure svg").first
        assert figure.get_attribute("role") == "img" and len(figure.get_attribute("aria-label")) > 15
        inks[theme] = figure.evaluate(
            "node => [...node.querySelectorAll('text')].map(text => getComputedStyle(text).fill)"
        )
    assert all("rgb" in ink for ink in inks["light"]) and inks["light"] != inks["dark"]


def test_permalinks_lead_to_their_claims(site_url, page_factory):
    page = page_factory()
    page.goto(site_url + KINDS["thread"])
    page.locator("details.answer > summary").first.click()
    page.locator("article.claim .evidence > summary").first.click()
    link = page.locator("article.claim a.permalink").first
    anchor = link.get_attribute("href")
    link.click()
    assert page.url.endswith(anchor)
    page.goto("about:blank")
    page.goto(site_url + KINDS["thread"] + anchor)
    expect(page.locator(anchor)).to_be_in_viewport()


MOVED = {  # addresses of an earlier site -> where they lead now, and what is seen there
    "notebooks/gpu_benchmark/": ("notebooks/attention_cost/", "h1"),
    "notebooks/gpu_benchmark/#evidence-share_197": ("notebooks/attention_cost/#evidence-share_197", "tr:target"),
    **{
        f"qa/self-attention/attention-cost/#gpu_benchmark-{name}": (
            f"qa/self-attention/attention-cost/#attention_cost-{name}",
            "figure:target",
        )
        for name in ("attention_memory", "attention_time", "flop_share")
    },
}


@pytest.mark.parametrize("old", MOVED)
def test_old_links_still_arrive(site_url, page, old):
    address, seen = MOVED[old]
    page.goto(site_url + old)
    page.wait_for_url(site_url + address)
    assert page.locator(seen).is_visible()
    assert not page.heard.errors
    assert all(url.startswith(site_url) for url in page.heard.requests)


def test_an_old_page_leads_on_without_javascript(site_url, page_factory):
    page = page_factory(java_script_enabled=False)
    page.goto(site_url + "notebooks/gpu_benchmark/")
    page.wait_for_url(site_url + "notebooks/attention_cost/")


def test_an_old_page_is_not_found_by_searches(site):
    old = (site / "notebooks/gpu_benchmark/index.html").read_text(encoding="utf-8")
    assert re.search(r'<html lang="\w+">', old) and re.search(r"<title>.+</title>", old)
    assert "data-searched" not in old, "pages that have it alone are indexed"
    assert "gpu_benchmark" not in (site / "sitemap.xml").read_text(encoding="utf-8")
    assert not any(
        "notebooks/gpu_benchmark" in path.read_text("utf-8") for path in (site / "search-index").rglob("*.json")
    )


def search(page, site_url, query):
    """The first three pages that a search gives."""
    box = page.get_by_role("combobox")
    box.fill(query)
    page.wait_for_function("query => document.querySelector('[role=listbox]')?.dataset.query === query", arg=query)
    links = page.eval_on_selector_all(
        "[role=option]", "nodes => nodes.map(node => (node.href || node.querySelector('a').href))"
    )
    return list(dict.fromkeys(urldefrag(link)[0].removeprefix(site_url) for link in links))[:3]


@pytest.mark.parametrize("query", QUERIES)
def test_korean_search_finds_the_page_in_the_first_three(site_url, page, query):
    page.goto(site_url)
    page.keyboard.press("/")
    found = search(page, site_url, query)
    assert QUERIES[query] in found, found
    assert not page.heard.errors


def test_search_is_used_by_keyboard_alone(site_url, page):
    page.goto(site_url + KINDS["glossary"])
    page.keyboard.press("Control+k")
    assert page.get_by_role("combobox").evaluate("node => node === document.activeElement")
    page.keyboard.type("permutation 순서")
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("ArrowDown")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.locator("h1").is_visible()
    page.keyboard.press("/")
    page.keyboard.press("Escape")
    assert not page.get_by_role("combobox").is_visible()


def test_search_says_when_nothing_is_found(site_url, page):
    page.goto(site_url)
    page.keyboard.press("/")
    assert search(page, site_url, "쿠쿠밥솥") == []
    assert page.get_by_role("status").filter(has_text=re.compile("없")).count()


@pytest.mark.parametrize("tool", ["mkdocs", "properdocs"])
def test_plain_strict_build(root, tmp_path, tool):
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            tool,
            "build",
            "--strict",
            "--config-file",
            str(root / "mkdocs.yml"),
            "--site-dir",
            str(tmp_path / "out"),
        ],
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "out" / "qa" / "position-embedding" / "permutation" / "index.html").is_file()
    assert (tmp_path / "out" / "search-index").is_dir()
