"""What authors wrote, broken or not: for the checks, which tell all that can be told of a broken file too.

`parts`, `words` and `word` read a node whatever an author may have put there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mundap.project import forms
from mundap.project.texts import slug
from mundap.project.yamlsource import Document, Place


@dataclass
class Draft:
    """A thread's file. sound: it fits the schema; listed: the map has a line for it; uses: snippets that it names."""

    id: str
    chapter: str
    path: Path
    document: Document
    sound: bool
    listed: bool
    uses: frozenset[str]

    @property
    def data(self) -> dict[str, Any]:
        """Its keys and values; {} where the file holds none."""
        return self.document.value if isinstance(self.document.value, dict) else {}

    @property
    def claims(self) -> list[tuple[Place, dict[str, Any]]]:
        """[(place, claim)] in order."""
        return [
            (("answers", i, "claims", j), claim)
            for i, answer in parts(self.data, "answers")
            for j, claim in parts(answer, "claims")
        ]

    @property
    def judged(self) -> list[tuple[Place, dict[str, Any]]]:
        """[(place, claim, prediction or try)] of all that may have a check."""
        predict = self.data.get("predict")
        first = [(("predict",), predict)] if isinstance(predict, dict) else []
        return [*self.claims, *first, *((("try", i), item) for i, item in parts(self.data, "try"))]


@dataclass
class Files:
    """The files that authors write. index: None where it does not fit the schema; glossary: None where it is no list.

    pages: {path of a hand-written page below the root: its text, None where it is not UTF-8}.
    """

    index: Document | None
    glossary: Document | None
    has_glossary: bool
    drafts: list[Draft]
    pages: dict[str, str | None]
    labels: Document | None = None

    @cached_property
    def lines(self) -> list[tuple[Place, str, str]]:
        """(place, chapter, thread id) of every line of the map."""
        chapters = self.index.value["chapters"] if self.index else []
        return [
            (("chapters", i, "threads", j), chapter["id"], identifier)
            for i, chapter in enumerate(chapters)
            for j, identifier in enumerate(chapter["threads"])
        ]

    @cached_property
    def first_lines(self) -> dict[str, tuple[Place, str]]:
        """{thread id: (place, chapter) of its first line}, without ids that no thread can have."""
        first: dict[str, tuple[Place, str]] = {}
        for place, chapter, identifier in self.lines:
            if not forms.name_fault(identifier):
                first.setdefault(identifier, (place, chapter))
        return first

    @cached_property
    def threads(self) -> dict[str, list[str] | None]:
        """{id of every thread that a link may name: the anchors of its page, None where they cannot be told}."""
        known: dict[str, list[str] | None] = dict.fromkeys(self.first_lines)
        return known | {draft.id: anchors(draft.data) if draft.sound else None for draft in self.drafts if draft.data}

    @cached_property
    def used(self) -> frozenset[str]:
        """Names of the snippets that threads use, those that cannot be read included."""
        return frozenset().union(*(draft.uses for draft in self.drafts))

    @cached_property
    def terms(self) -> list[str] | None:
        """Slugs of the glossary's terms, None where it cannot be read."""
        if self.glossary is None:
            return None if self.has_glossary else []
        terms = [term for term in self.glossary.value if isinstance(term, dict)]
        return list(dict.fromkeys(slug(word(term, "term")) for term in terms))


def parts(node: dict[str, Any], key: str) -> list[tuple[int, dict[str, Any]]]:
    """[(number, mapping)] of a list of mappings."""
    return [(number, part) for number, part in _items(node, key) if isinstance(part, dict)]


def words(node: dict[str, Any], key: str) -> list[tuple[int, str]]:
    """[(number, text)] of a list of texts."""
    return [(number, part) for number, part in _items(node, key) if isinstance(part, str) and part]


def word(node: dict[str, Any], key: str) -> str:
    """A text, or "" where there is none."""
    value = node.get(key)
    return value if isinstance(value, str) else ""


def _items(node: dict[str, Any], key: str) -> Iterable[tuple[int, Any]]:
    value = node.get(key)
    return enumerate(value if isinstance(value, list) else [])


def runs(data: dict[str, Any]) -> Iterator[tuple[Place, dict[str, Any]]]:
    """(place, run) of every mapping under `snippets` of every answer, and of the figure that a prediction shows."""
    predict = data.get("predict")
    if isinstance(predict, dict) and "run" in predict:
        yield ("predict",), {key: predict[key] for key in ("run", "figure") if key in predict}
    for i, answer in parts(data, "answers"):
        for j, run in parts(answer, "snippets"):
            yield ("answers", i, "snippets", j), run


def anchors(data: dict[str, Any]) -> list[str]:
    """Every anchor of a thread's page; one that stands in it twice is a mistake."""
    found = page_anchors(data)
    for _, answer in parts(data, "answers"):
        shown = [figure_anchor(run) for _, run in parts(answer, "snippets") if "figure" in run]
        found += [*answer_anchors(answer), *(anchor for anchor in shown if anchor not in found)]  # shown once
    return found


def page_anchors(data: dict[str, Any]) -> list[str]:
    """The anchors of a thread's page that belong to no answer, those of what is gone among them."""
    gone = [word(item, "from") for _, item in parts(data, "moved")]
    optional = [key for key in ("misconception", "predict", "try") if key in data]
    tries = [f"try-{number + 1}" for number, _ in parts(data, "try")]
    return ["asked", "conclusion", *optional, "sources", "related", *tries, *gone]


def answer_anchors(answer: dict[str, Any]) -> list[str]:
    """The anchors of an answer and of its claims."""
    names = [word(answer, "id"), *(word(claim, "id") for _, claim in parts(answer, "claims"))]
    return [name for name in names if name]


def figure_anchor(run: dict[str, Any]) -> str:
    """The anchor of the figure that a run shows."""
    return f"{word(run, 'run')}-{word(run, 'figure')}"
