"""A record whose snippet changed in words alone: the outputs stay, as the same code would give them again."""

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mundap.project import records, snippets
from mundap.project.snippets import Snippet
from mundap.running.notebook import to_notebook

if TYPE_CHECKING:
    from nbformat import NotebookNode


def retell(path: Path, snippet: Snippet, hashes: dict[str, str]) -> "NotebookNode | None":
    """The record at `path` with the words that its snippet has now; None where no words changed, or more than words.

    hashes: as snippets.sources() returns them. Words are text cells, comments and how code is laid out.
    """
    from nbformat import from_dict

    try:
        records.read(path)
        old = records.parse(path)
    except ValueError:  # Edited is one
        return None
    meta, new = old["metadata"]["mundap"], to_notebook(snippet)
    own = snippet.file
    if meta["sources"] == hashes or {**meta["sources"], own: ""} != {**hashes, own: ""}:
        return None
    before, after = _code(old["cells"]), _code(new.cells)
    if [_tree(cell) for cell in before] != [_tree(cell) for cell in after]:
        return None
    for cell, run in zip(after, before):
        cell.update(from_dict({key: value for key, value in run.items() if key not in ("id", "source")}))
    new.metadata["mundap"] = {**meta, "sources": hashes, "digest": snippets.digest(hashes)}
    return new


def _code(cells: list[Any]) -> list[Any]:
    return [cell for cell in cells if cell["cell_type"] == "code"]


def _tree(cell: Any) -> str:
    """What a cell of code does, without comments and layout; its source where it is no plain Python."""
    source = "".join(cell["source"])
    try:
        return ast.dump(ast.parse(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return source
