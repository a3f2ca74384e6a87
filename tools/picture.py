"""The picture of a thread that README.md shows, taken anew.

    python tools/picture.py [--site site]

Wants the site that `make site` builds, the tests' environment and a Chromium. Writes docs/assets/images/thread.png.
"""

import argparse
import sys
from pathlib import Path

from reading import ROOT, browser_of, served

THREAD = "qa/inductive-bias/bias-strength/"
OPEN = 0  # the answer that is open, from 0
PICTURE = ROOT / "docs" / "assets" / "images" / "thread.png"
WIDTH, HEIGHT = 1280, 1500


def take(site: Path) -> None:
    """The upper part of a thread: a guess beside what came out, and one of the answers open."""
    from playwright.sync_api import sync_playwright

    with served(site) as address, sync_playwright() as playwright:
        browser = browser_of(playwright)
        page = browser.new_page(
            viewport={"width": WIDTH, "height": HEIGHT}, locale="ko-KR", color_scheme="light", reduced_motion="reduce"
        )
        page.goto(address + THREAD)
        page.evaluate("document.fonts.ready")
        page.locator(".choices button").first.click()
        page.locator("details.answer > summary").nth(OPEN).click()
        page.mouse.move(0, 0)
        page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
        page.screenshot(path=PICTURE)
        browser.close()


def main() -> int:
    """Take the picture -> 0, or 1 where there is no site."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--site", type=Path, default=ROOT / "site", help="folder of the built site")
    site = parser.parse_args().site
    if not (site / THREAD / "index.html").exists():
        print(f"no {THREAD} below {site}: build the site with `make site`", file=sys.stderr)
        return 1
    take(site)
    return 0


if __name__ == "__main__":
    sys.exit(main())
