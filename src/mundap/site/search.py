"""The search index: small files, of which a query fetches those that it needs.

index.json is the part that each query needs, and hardly grows: names, endings, and where everything else lies. The
folder it names has the words (postings.py), the words again by their keys (spellings.py) in both directions, and what is
shown and ranked of the pages, some of them a file. It is named by its contents: no host or browser mixes two indexes.
"""

import hashlib
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mundap.project.model import Project, Term
from mundap.site import shards
from mundap.site.documents import Document, documents, names_of, same
from mundap.site.korean import AFTER_ONE, ENDINGS, keys
from mundap.site.postings import HANGUL, Postings, packed, postings
from mundap.site.spellings import spellings

FOLDER = "search-index"
TOGETHER = {"thread": 1, "term": 8}  # pages in one file
OTHERS = 16
FREQUENT = 4000  # words that cut compounds


class SearchError(RuntimeError):
    """There is nothing to search."""


def build_index(site_dir: str | Path, project: Project) -> int:
    """Write site_dir/search-index, whole or not at all. Returns the number of pages and terms.

    Only articles with data-searched count. Raises SearchError.
    """
    site_dir = Path(site_dir)
    found = documents(site_dir, project)
    if all(document.entry["kind"] == "term" for document in found):
        raise SearchError(f"{site_dir} has no page with an article to search")
    with tempfile.TemporaryDirectory(dir=site_dir, prefix=".search") as made:
        whole = Path(made) / FOLDER
        write(whole, found, project.glossary)
        shutil.rmtree(site_dir / FOLDER, ignore_errors=True)
        whole.rename(site_dir / FOLDER)
    return len(found)


def write(out: Path, found: Sequence[Document], glossary: Sequence[Term]) -> None:
    """Write the index of documents, those of a kind beside each other, into a new folder."""
    data = out / "new"
    data.mkdir(parents=True)
    kinds = Counter(document.entry["kind"] for document in found)
    made = postings(found)
    listed = sorted(made, key=shards.in_order)
    spelt = spellings(found, made)
    index = {
        "words": [names_of(term) for term in glossary],
        "same": same(),
        "frequent": " ".join(frequent(made)),
        "endings": ENDINGS,
        "afterOne": AFTER_ONE,
        "kinds": [[kind, count, TOGETHER.get(kind, OTHERS)] for kind, count in kinds.items()],
        "firsts": {
            "words": shards.write(data, "words", ((word, packed(made[word], kinds["thread"])) for word in listed)),
            "keys": shards.write(data, "keys", sorted((keys(word), word) for word in spelt)),
            "endKeys": shards.write(data, "endKeys", sorted((keys(word)[::-1], word) for word in spelt)),
        },
    }
    _write_pages(data, found, kinds)
    index["folder"] = _digest(data)
    data.rename(out / index["folder"])
    (out / "index.json").write_text(shards.compact(index), encoding="utf-8")


def frequent(made: Postings) -> list[str]:
    """The Korean words of most pages, in order: a compound is cut into them before anything is fetched."""
    korean = [word for word in made if len(word) > 1 and HANGUL.fullmatch(word)]
    most = sorted(korean, key=lambda word: (-len(made[word]), word))[:FREQUENT]
    return sorted(most)


def _write_pages(folder: Path, found: Sequence[Document], kinds: dict[str, int]) -> None:
    block, start = 0, 0
    for kind, count in kinds.items():
        size = TOGETHER.get(kind, OTHERS)
        entries: list[dict[str, Any]] = [document.entry for document in found[start : start + count]]
        for first in range(0, count, size):
            (folder / f"pages{block}.json").write_text(shards.compact(entries[first : first + size]), encoding="utf-8")
            block += 1
        start += count


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:10]
