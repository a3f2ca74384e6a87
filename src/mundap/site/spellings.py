"""What a misspelt word may have meant: words with their keys, to be found by the half of them that is typed right."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from mundap.site.documents import Document
from mundap.site.korean import forms, keys, words

SHORTEST = 6  # keys of a word that may be misspelt; query.js knows it too
LATIN = re.compile(r"[a-z]+")


def spellings(found: Sequence[Document], roots: Iterable[str]) -> list[str]:
    """The words of titles, tags and what else is asked, and all English ones; Korean roots are no words."""
    said = {min(forms(word), key=len) for document in found for text in _asked(document.entry) for word in words(text)}
    said |= {root for root in roots if LATIN.fullmatch(root)}
    return [word for word in said if len(keys(word)) >= SHORTEST and not re.search(r"\d", word)]


def _asked(entry: dict[str, Any]) -> Iterator[str]:
    yield from (entry["title"], entry.get("short", ""))
    yield from (*entry.get("tags", []), *entry.get("also", []))
