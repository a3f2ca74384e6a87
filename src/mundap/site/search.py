"""The search index: Pagefind over the built articles, and a dictionary of titles and other names beside it."""

import html
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mundap.pages.links import plain
from mundap.project.model import Term
from mundap.project.texts import slug

ARTICLE = re.compile(r"<article\b[^>]*\bdata-pagefind-body\b[^>]*>")
ATTRIBUTE = re.compile(r'\bdata-(kind|title|text)="([^"]*)"')
TAG = re.compile(r'<a class="tag"[^>]*>([^<]*)</a>')
IGNORED = [
    "pre",
    "svg",
    ".headerlink",
    ".permalink",
    ".highlight",
    ".run-about",
    ".run-links",
    ".thread-meta",
    ".crumbs",
    ".needs",
    ".kind",
    ".verdict",
    ".gauges",
    ".tally",
    ".conditions",
    ".where",
    ".stale",
    ".counts",
    ".level",
    ".related",
    ".thread-nav",
]
TEXT = 90  # characters of a term's definition
UNUSED = ["pagefind-ui.*", "pagefind-modular-ui.*", "pagefind-component-ui.*", "pagefind-highlight.js"]


class SearchError(RuntimeError):
    """Pagefind could not be run, or found nothing to index."""


def build_index(site_dir: str | Path, glossary: Sequence[Term] = (), glossary_url: str = "glossary/") -> int:
    """Write site_dir/pagefind: the full-text index and dictionary.json. Returns the number of pages.

    Only articles with data-pagefind-body count. Raises SearchError.
    """
    site_dir = Path(site_dir)
    pages = read_pages(site_dir)
    if not pages:
        raise SearchError(f"{site_dir} has no page with an article to search")
    command = [
        sys.executable,
        "-m",
        "pagefind",
        "--site",
        str(site_dir),
        "--force-language",
        "ko",
        "--quiet",
        *(part for selector in IGNORED for part in ("--exclude-selectors", selector)),
    ]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)
    except (OSError, subprocess.SubprocessError) as error:
        detail = (getattr(error, "stderr", None) or str(error)).strip()
        raise SearchError(f"Pagefind did not finish: {detail}") from None
    for pattern in UNUSED:
        for path in (site_dir / "pagefind").glob(pattern):
            path.unlink()
    text = json.dumps(dictionary(pages, glossary, glossary_url), ensure_ascii=False, separators=(",", ":"))
    (site_dir / "pagefind" / "dictionary.json").write_text(text, encoding="utf-8")
    return len(pages)


def read_pages(site_dir: Path) -> list[dict[str, Any]]:
    """The pages that can be found, as their articles say: [{url, title, kind, tags}], by url; a thread has its answer too."""
    pages = []
    for path in sorted(site_dir.rglob("*.html")):
        text = path.read_text(encoding="utf-8")
        article = ARTICLE.search(text)
        if article:
            said = {key: html.unescape(value) for key, value in ATTRIBUTE.findall(article[0])}
            url = path.relative_to(site_dir).as_posix()
            tags = [html.unescape(tag) for tag in TAG.findall(text)]
            pages.append(
                {
                    "url": re.sub(r"(^|/)index\.html$", r"\1", url),
                    "title": said.get("title", ""),
                    "kind": said.get("kind", "page"),
                    "tags": tags,
                }
                | ({"text": said["text"]} if said.get("kind") == "thread" and "text" in said else {})
            )
    return pages


def dictionary(
    pages: list[dict[str, Any]], glossary: Sequence[Term] = (), glossary_url: str = "glossary/"
) -> dict[str, Any]:
    """What a query is understood with: {words: [[names of one thing], …], pages: [{url, title, kind, tags, …}, …]}.

    pages: as read_pages gives them; a thread gets the terms that point to it, and each term becomes a page with a text.
    """
    words = [list(dict.fromkeys(filter(None, [term.term, term.english, *term.aliases]))) for term in glossary]
    pointed: dict[str, list[str]] = {}
    for term in glossary:
        for thread in term.threads:
            pointed.setdefault(thread, []).append(term.term)
    known = []
    for page in pages:
        name = page["url"].rstrip("/").split("/")[-1]
        known.append(page | ({"terms": pointed[name]} if name in pointed and page["kind"] == "thread" else {}))
    terms = [
        {
            "url": f"{glossary_url}#{slug(term.term)}",
            "title": term.term,
            "kind": "term",
            "tags": names[1:],
            "text": plain(term.definition, TEXT),
        }
        for term, names in zip(glossary, words)
    ]
    return {"words": words, "pages": known + terms}
