"""Which pages have a word, and where: for each page of a word one number, from which the browser tells the best pages.

The number is SCORES × mask + score. mask: a bit for each field or phrase of the page that has the word; score: how much
its text is about it, 0 … SCORES − 1. docs/assets/js/candidates.js reads it.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from mundap.site.documents import COUNT, Document
from mundap.site.korean import root, words
from mundap.site.parts import parts

FIELDS = ["title", "short", "text", "tags", "slug", "asked", "terms"]  # a bit each, from the lowest
PHRASES = 8  # bits for `also`, and as many for `says`: what comes later shares the last one
SAID, MADE_OF = 1, 2  # bits of a formula's part: it is said in words; a page has it
FORMULA = "="  # before parts of formulas, which are no words
INSIDE = "~"  # after what stands inside a compound word
SHORTEST_COMPOUND = 4  # syllables
HANGUL = re.compile(r"[가-힣]+")
SCORES = 16
MOST = 1000  # pages of one word: of words that nearly all pages have, those that say them first
SATURATION, LENGTH = 0.8, 0.75  # BM25's k1 and b

Postings = dict[str, list[tuple[int, int]]]  # {word: [(number of a page, number as above)]}, pages ascending


def postings(found: Sequence[Document]) -> Postings:
    """The postings of all documents, whose places are their numbers."""
    made: Postings = defaultdict(list)
    lengths = [len(document.body) for document in found if document.body]
    mean = sum(lengths) / max(1, len(lengths))
    for number, document in enumerate(found):
        for word, code in _codes(document, mean).items():
            made[word].append((number, code))
    return made


def _codes(document: Document, mean: float) -> dict[str, int]:
    codes = {word: SCORES * mask for word, mask in masks(document.entry).items()}
    longer = 1 - LENGTH + LENGTH * len(document.body) / mean if document.body else 1
    for word, count in Counter(document.body).items():
        score = count / (count + SATURATION * longer)  # 0 … 1
        codes[word] = codes.get(word, 0) + max(1, round(score * (SCORES - 1)))
    return codes


def masks(entry: dict[str, Any]) -> dict[str, int]:
    """{word: mask} of what is shown of a page, with the ends of its compound words and the parts of its formulas."""
    found: dict[str, int] = defaultdict(int)
    for bit, text in _fields(entry):
        for word in _words(text):
            found[word] |= 1 << bit
            if len(word) >= SHORTEST_COMPOUND and HANGUL.fullmatch(word):
                for start in range(1, len(word) - 1):
                    found[word[start:] + INSIDE] |= 1 << bit
    return found | _formulas(entry)


def _fields(entry: dict[str, Any]) -> Iterator[tuple[int, str]]:
    known = entry | {"slug": "".join(entry["url"].split("/")[-2:-1])}
    for bit, field in enumerate(FIELDS):
        value = known.get(field, "")
        yield bit, value if isinstance(value, str) else " ".join(value)
    said = [row[-1] for row in entry.get("says", [])]
    for first, phrases in ((len(FIELDS), entry.get("also", [])), (len(FIELDS) + PHRASES, said)):
        for place, phrase in enumerate(phrases):
            yield first + min(place, PHRASES - 1), phrase


def _words(text: str) -> set[str]:
    """The roots of a field's words, 2차원 as 차원 too."""
    return {root(word) for each in (text, COUNT.sub("", text)) for word in words(each)}


def _formulas(entry: dict[str, Any]) -> dict[str, int]:
    made_of = {part for formula in entry.get("formulas", "").split("\n") for part in parts(formula)}
    if not made_of:
        return {}
    said = [entry["title"], entry.get("text", ""), *(row[-1] for row in entry.get("says", []))]
    spoken = " ".join(f" {' '.join(parts(each))}" for each in said)
    return {FORMULA + part: MADE_OF | (SAID if f" {part}" in spoken else 0) for part in made_of}


def packed(rows: Sequence[tuple[int, int]], threads: int) -> list[int]:
    """[threads that have the word, steps to the next page and their numbers in turn] of a word's pages, MOST at most."""
    having = sum(number < threads for number, _ in rows)
    if len(rows) > MOST:
        strongest = sorted(rows, key=lambda row: (-bool(row[1] // SCORES), -(row[1] % SCORES), row[0]))
        rows = sorted(strongest[:MOST])
    steps = [after[0] - before[0] for before, after in pairwise([(0, 0), *rows])]
    return [having, *(value for step, (_, code) in zip(steps, rows, strict=True) for value in (step, code))]
