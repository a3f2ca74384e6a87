"""What an open page asks of its kernel: the order checked, and the programs that it stands for."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from mundap.problems import Failure
from mundap.project.cells import cells_of
from mundap.project.snippets import Snippet

MOST_CELLS = 10_000  # of a page
FIELDS = {
    "enter": {"do", "secret"},
    "run": {"do", "cell", "code"},
    "snippet": {"do", "cell", "of", "edits"},
    "stop": {"do"},
    "restart": {"do"},
}


class Program(NamedTuple):
    """Code to run; start: its line (from 1) where the page's own text begins, lines: how many that text has."""

    code: str
    start: int
    lines: int

    def line_of_page(self, line: int | None) -> int | None:
        """A line of the code as a line of the page's text; None if it lies outside of it."""
        line = (line or 0) - self.start + 1
        return line if 0 < line <= self.lines else None


def read_order(message: str | bytes) -> dict[str, Any]:
    """An order of a page, checked. Raises ValueError.

    {do: "run", cell, code} runs code; {do: "snippet", cell, of, edits} runs a whole snippet with texts of it replaced;
    {do: "stop"}, {do: "restart"}. Before them all: {do: "enter", secret}.
    """
    if not isinstance(message, str):
        raise ValueError("text expected")
    try:
        order = json.loads(message)
    except RecursionError:
        raise ValueError("too deep") from None
    if not isinstance(order, dict):
        raise ValueError("object expected")
    if not isinstance(order.get("do"), str) or order.keys() != FIELDS.get(order["do"]):
        raise ValueError("unknown order")
    if "cell" in order and (type(order["cell"]) is not int or not 0 <= order["cell"] < MOST_CELLS):
        raise ValueError("cell: a number expected")
    for text in _texts(order):
        if not isinstance(text, str):
            raise ValueError("text expected")
        text.encode()  # half a surrogate pair is no text
    return order


def _texts(order):
    """What must be text in an order. Raises ValueError."""
    if order["do"] != "snippet":
        return [order[field] for field in ("code", "secret") if field in order]
    edits = order["edits"]
    if not isinstance(edits, list):
        raise ValueError("edits: a list expected")
    if not all(isinstance(edit, list) and len(edit) == 2 for edit in edits):
        raise ValueError("edits: pairs expected")
    return [order["of"], *(text for edit in edits for text in edit)]


def programs(order: dict[str, Any], snippets: Mapping[str, Snippet]) -> list[Program]:
    """What an order to run something stands for, in order. Raises Failure if there is no such snippet."""
    if order["do"] == "run":
        return [Program(order["code"], 1, order["code"].count("\n") + 1)]
    if order["of"] not in snippets:
        raise Failure(f"`{order['of']}` 스니펫이 없어요. 페이지를 새로 고쳐 주세요.")
    cells = cells_of(snippets[order["of"]].source)
    return [edited(cell.source, order["edits"]) for cell in cells if cell.kind == "code"]


def edited(code: str, edits: list[list[str]]) -> Program:
    """A cell's code with the page's texts in place of the original ones: edits = [[original, text]]."""
    start, lines = 1, 0
    for original, text in edits:
        before, original_found, after = code.partition(original)
        if original_found:
            code, start, lines = before + text + after, before.count("\n") + 1, text.count("\n") + 1
    return Program(code, start, lines)
