"""The search index: Pagefind over the words of every page, and beside it a dictionary of names, titles and formulas.

Pagefind gets the roots of words (korean.py), not the pages: it knows no Korean endings, keeps all Hangul in one file, and
what it would bring for each page found stands in the dictionary already.
"""

import gzip
import html
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mundap.project.model import Project
from mundap.site.documents import Document, dictionary, documents

UNUSED = ["pagefind-ui.*", "pagefind-modular-ui.*", "pagefind-component-ui.*", "pagefind-highlight.js"]
FRAGMENT = b"pagefind_dcd"  # what a fragment begins with, unpacked


class SearchError(RuntimeError):
    """Pagefind could not be run, or found nothing to index."""


def build_index(site_dir: str | Path, project: Project) -> int:
    """Write site_dir/pagefind: the full-text index and dictionary.json. Returns the number of pages and terms.

    Only articles with data-pagefind-body count. Raises SearchError.
    """
    site_dir = Path(site_dir)
    found = documents(site_dir, project)
    if all(document.entry["kind"] == "term" for document in found):
        raise SearchError(f"{site_dir} has no page with an article to search")
    out = site_dir / "pagefind"
    with tempfile.TemporaryDirectory() as folder:
        _write_pages(Path(folder), found)
        _run_pagefind(Path(folder), out)
    names = _names(out)
    for number, document in enumerate(found):
        if document.body:
            document.entry["id"] = names[number]
    text = json.dumps(dictionary(found, project.glossary), ensure_ascii=False, separators=(",", ":"))
    (out / "dictionary.json").write_text(text, encoding="utf-8")
    return len(found)


def _write_pages(folder: Path, found: Sequence[Document]) -> None:
    """One page with nothing but words for every document, named by its number."""
    for number, document in enumerate(found):
        if document.body:
            body = html.escape(" ".join(document.body))
            page = (
                f'<!doctype html><html lang="ko"><title>.</title><body><p data-pagefind-body>{body}</p></body></html>'
            )
            (folder / f"{number}.html").write_text(page, encoding="utf-8")


def _run_pagefind(folder: Path, out: Path) -> None:
    command = [sys.executable, "-m", "pagefind", "--site", str(folder), "--output-path", str(out)]
    try:
        subprocess.run(
            [*command, "--force-language", "ko", "--quiet"], check=True, capture_output=True, text=True, timeout=600
        )
    except (OSError, subprocess.SubprocessError) as error:
        detail = (getattr(error, "stderr", None) or str(error)).strip()
        raise SearchError(f"Pagefind did not finish: {detail}") from None
    for pattern in UNUSED:
        for path in out.glob(pattern):
            path.unlink()


def _names(out: Path) -> dict[int, str]:
    """{a document's number: what Pagefind calls it}. Removes the fragments that say so: no page fetches them."""
    names = {}
    for path in (out / "fragment").iterdir():
        fragment = json.loads(gzip.decompress(path.read_bytes()).removeprefix(FRAGMENT))
        names[int(Path(fragment["url"]).stem)] = path.stem
        path.unlink()
    (out / "fragment").rmdir()
    return names
