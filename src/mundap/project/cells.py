"""The cells of a snippet: percent cells, as Jupytext and editors read them, with the main guard laid open."""

import ast
import functools
import re
import textwrap
from dataclasses import dataclass

from mundap.project.snippets import is_main_guard

MARK = re.compile(r"^# %%(?P<markdown> \[(?:markdown|md)\])?.*$")


@dataclass(frozen=True)
class Cell:
    """kind: "markdown" or "code"; line: of its first line in the file, from 1; source: as its notebook has it."""

    kind: str
    line: int
    source: str


@functools.lru_cache(maxsize=1024)  # of all snippets, at each save
def cells_of(source: str) -> tuple[Cell, ...]:
    """The cells of a snippet's source, empty ones left out."""
    lines = source.splitlines()
    starts = [number for number, line in enumerate(lines) if MARK.match(line)]
    cells = [_cell("code", 0, lines[: starts[0] if starts else None])]
    for start, end in zip(starts, [*starts[1:], None]):
        is_markdown = MARK.match(lines[start])["markdown"]  # ty: ignore[not-subscriptable]
        cells.append(_cell("markdown" if is_markdown else "code", start + 1, lines[start + 1 : end]))
    return tuple(cell for cell in cells if cell.source)


def _cell(kind: str, start: int, lines: list[str]) -> Cell:
    """A cell of lines whose first is number `start` from 0."""
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    while lines and not lines[0].strip():
        lines, start = lines[1:], start + 1
    if kind == "markdown":
        return Cell(kind, start + 1, "\n".join(re.sub(r"^# ?", "", line) for line in lines))
    return Cell(kind, start + 1, open_guard("\n".join(lines)))


def open_guard(source: str) -> str:
    """A cell that is wholly an `if __name__ == "__main__":` block without the `if`; any other cell as it is."""
    try:
        statements = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return source
    guard = statements[0] if len(statements) == 1 else None
    if not isinstance(guard, ast.If) or not is_main_guard(guard):
        return source
    lines = source.splitlines()
    before, block = lines[: guard.lineno - 1], lines[guard.lineno :]
    indent = " " * guard.body[0].col_offset
    block = [indent + line if line.startswith("#") else line for line in block]  # else it holds the margin at zero
    opened = textwrap.dedent("\n".join(block))
    try:
        same = ast.dump(ast.parse(opened)) == ast.dump(ast.Module(guard.body, []))
    except SyntaxError:
        same = False
    return "\n".join([*before, opened]).strip("\n") if same else source  # a multi-line string would change: leave it
