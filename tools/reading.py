"""How the built site reads, measured in a browser: how far down things are, what is shown unasked, what is cut, how big.

    python tools/reading.py [--site site] [--chapter CHAPTER]

Wants the site that `make site` builds, the tests' environment and a Chromium. Prints a table of medians over all threads
(--chapter: of one chapter) on a phone, 390 × 844, and on a screen, 1280 × 800, with the answers closed as they come.
"""

import argparse
import functools
import http.server
import os
import re
import statistics
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from setup_env import find_browser

ROOT = Path(__file__).resolve().parents[1]
WIDTHS = {390: 844, 1280: 800}
SMALL_LABEL, SMALL_TARGET, SMALL_IN_FLOW = 10.5, 24, 44  # px
# What one page of a thread gives; answers are closed for the first part, and opened for what may be cut off.
MEASURE = r"""(limits) => {
    const article = document.querySelector("article")
    const all = (selector, from = article) => [...from.querySelectorAll(selector)]
    const seen = (node) => node.checkVisibility({visibilityProperty: true, contentVisibilityAuto: false}) && node.getClientRects().length > 0
    const top = (node) => node ? node.getBoundingClientRect().top + scrollY : null
    const bottom = (node) => node ? node.getBoundingClientRect().bottom + scrollY : null
    const letters = (nodes) => nodes.filter(seen).reduce((sum, node) => sum + node.innerText.replace(/\s/g, "").length, 0)
    const figures = all(".run-figure svg")
    const asked = all(".predict").find((node) => node.querySelector(".run-figure"))
    const out = {
        answer: bottom(all(".conclusion").at(0)),
        todo: top(all(".predict, .try-item, .touch").find(seen)),
        figure: top([asked, ...figures.filter(seen)].filter(Boolean).sort((a, b) => top(a) - top(b)).at(0)),
        height: document.documentElement.scrollHeight,
        letters: letters([article]),
        raw: letters(all(".conditions, .where, .address, .run-links, .permalink")),
        touchable: all(".touch, mundap-lab, .try-first").length > 0,
        predicts: all(".predict").length > 0,
    }
    const targets = all("a[href], button, summary, input, select, [role=button]", document.body).filter(seen).filter(
        (node) => !node.closest(".md-skip, .md-option, .md-toggle, math") && getComputedStyle(node.parentElement).clipPath === "none")
    const touched = (node) => getComputedStyle(node, "::after").position === "absolute" && node.offsetParent || node
    const height = (node) => touched(node).getBoundingClientRect().height
    const size = (node) => Math.min(touched(node).getBoundingClientRect().width, height(node))
    const room = (node) => getComputedStyle(node.parentElement).display === "inline" ? room(node.parentElement) : node.parentElement
    const inline = (node) => getComputedStyle(node).display === "inline"
        && room(node).innerText.trim().length > node.innerText.trim().length + 4
    out.targets = targets.length
    out.small = targets.filter((node) => !inline(node) && size(node) < limits.target).map((node) => node.outerHTML.slice(0, 90))
    out.inFlow = targets.filter((node) => article.contains(node) && !inline(node) && !node.closest(".thread-meta, .sources, .headerlink, .copy"))
        .filter((node) => height(node) < limits.flow).map((node) => node.outerHTML.slice(0, 90))
    for (const each of all("details")) each.open = true
    const codes = all(".highlight pre > code").filter(seen)
    out.lines = out.cut = 0
    for (const code of codes) {
        const edge = code.getBoundingClientRect().left + code.clientWidth + 1
        for (const line of all(".line", code)) {
            out.lines += 1
            const range = document.createRange()
            range.selectNodeContents(line)
            out.cut += [...range.getClientRects()].some((rect) => rect.right > edge)
        }
    }
    const tables = all("table").filter(seen)
    out.tables = tables.length
    out.wide = tables.filter((table) => {
        const box = table.closest(".scroll, .md-typeset__scrollwrap") ?? table.parentElement
        return box.scrollWidth > box.clientWidth + 1 && !getComputedStyle(box).backgroundImage.includes("gradient")
    }).length
    const labels = figures.filter(seen).flatMap((svg) => all("text", svg)).filter(seen)
    out.labels = labels.length
    out.tiny = labels.filter((text) => {
        const scale = text.getScreenCTM()
        return parseFloat(getComputedStyle(text).fontSize) * Math.hypot(scale.a, scale.b) < limits.label
    }).length
    return out
}"""
Page = dict[str, Any]  # what MEASURE gives


@contextmanager
def served(folder: Path) -> Generator[str]:
    """The address of a folder on a static host, ending in '/', while it is used."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def browser_of(playwright: Any) -> Any:
    """A Chromium that playwright drives."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0  # for whom Chromium has no sandbox
    return playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"] if root else [])


def threads_of(site: Path, chapter: str | None) -> list[str]:
    """Addresses of the threads below the site, in the order of their names."""
    return [
        f"{file.parent.relative_to(site).as_posix()}/"
        for file in sorted(site.glob(f"qa/{chapter or '*'}/*/index.html"))
    ]


def measured(site: Path, threads: list[str]) -> dict[int, list[Page]]:
    """{width: what each thread's page gives}."""
    from playwright.sync_api import sync_playwright

    limits = {"label": SMALL_LABEL, "target": SMALL_TARGET, "flow": SMALL_IN_FLOW}
    found: dict[int, list[Page]] = {}
    with served(site) as address, sync_playwright() as playwright:
        browser = browser_of(playwright)
        for width, height in WIDTHS.items():
            page = browser.new_page(
                viewport={"width": width, "height": height}, locale="ko-KR", has_touch=width < 800, bypass_csp=True
            )
            found[width] = []
            for thread in threads:
                page.goto(address + thread)
                page.evaluate("document.fonts.ready")
                found[width].append(page.evaluate(MEASURE, limits))
                print(".", end="", file=sys.stderr, flush=True)
        browser.close()
    print(file=sys.stderr)
    return found


def median(pages: list[Page], key: str) -> str:
    """The median of a height over the pages that have it, and how many have none."""
    values = [page[key] for page in pages if page[key] is not None]
    missing = len(pages) - len(values)
    shown = f"{statistics.median(values):,.0f}" if values else "none"
    return f"{shown} ({missing} without)" if missing else shown


def of(pages: list[Page], part: str, whole: str) -> str:
    """How many of how many, over all pages."""
    counts = [
        sum(page[key] if isinstance(page[key], int) else len(page[key]) for page in pages) for key in (part, whole)
    ]
    return f"{counts[0]:,} of {counts[1]:,}"


def linked(site: Path) -> str:
    """How many notebooks lead to a thread, of how many."""
    pages = sorted(site.glob("notebooks/*/index.html"))
    texts = [page.read_text(encoding="utf-8") for page in pages]
    own = [text for text in texts if "data-searched" in text]  # pages that have moved have none
    return f"{sum(bool(re.search(r'이 실행을 쓰는 문답: <a ', text)) for text in own)} of {len(own)}"


ROWS = {  # what a row says -> what it shows of the pages of one width
    "answer's last line, y in px": lambda pages: median(pages, "answer"),
    "first thing to do, y in px": lambda pages: median(pages, "todo"),
    "first figure, y in px (of a guess: of its question)": lambda pages: median(pages, "figure"),
    "length, answers closed, px": lambda pages: median(pages, "height"),
    "raw checks and run links, share of characters shown": lambda pages: (
        f"{sum(page['raw'] for page in pages) / sum(page['letters'] for page in pages):.1%}"
    ),
    "code lines cut off (opened)": lambda pages: of(pages, "cut", "lines"),
    "tables cut off without a sign of it (opened)": lambda pages: of(pages, "wide", "tables"),
    f"figure labels under {SMALL_LABEL} px (opened)": lambda pages: of(pages, "tiny", "labels"),
    f"touch targets under {SMALL_TARGET} px, none of them in a sentence": lambda pages: of(pages, "small", "targets"),
    f"targets in the main flow under {SMALL_IN_FLOW} px high": lambda pages: of(pages, "inFlow", "targets"),
    "threads with something to predict": lambda pages: f"{sum(page['predicts'] for page in pages)} of {len(pages)}",
    "threads with a figure one can touch": lambda pages: f"{sum(page['touchable'] for page in pages)} of {len(pages)}",
}


def main() -> int:
    """Measure and print -> 0, or 1 where there is no site."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--site", type=Path, default=ROOT / "site", help="folder of the built site")
    parser.add_argument("--chapter", help="measure the threads of one chapter")
    parser.add_argument("--list", action="store_true", help="list the targets that are too small, too")
    options = parser.parse_args()
    threads = threads_of(options.site, options.chapter)
    if not threads:
        print(f"no threads below {options.site}: build the site with `make site`", file=sys.stderr)
        return 1
    found = measured(options.site, threads)
    print(f"{len(threads)} threads".ljust(62), *(f"{width} px".rjust(24) for width in WIDTHS))
    for words, row in ROWS.items():
        print(words.ljust(62), *(row(found[width]).rjust(24) for width in WIDTHS))
    print("notebooks that lead to a thread".ljust(62), linked(options.site).rjust(24))
    if options.list:
        for width, pages in found.items():
            small = sorted({target for page in pages for key in ("small", "inFlow") for target in page[key]})
            print(f"at {width} px:", *small, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
