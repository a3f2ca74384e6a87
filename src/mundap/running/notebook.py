"""A snippet as a notebook that has not been run."""

import ast
import textwrap
from typing import TYPE_CHECKING

from mundap.project.snippets import Snippet, is_main_guard

if TYPE_CHECKING:
    from nbformat import NotebookNode


def to_notebook(snippet: Snippet) -> "NotebookNode":
    """The percent cells of a snippet, empty ones left out, with `if __name__ == "__main__":` blocks laid open."""
    notebook = _percent_cells(snippet.source)
    notebook.metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python"},
    }
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.source = open_guard(cell.source)
    return notebook


def cell_line(snippet: Snippet, number: int) -> int:
    """The line of the snippet's file, counted from 1, where the code cell of that number in its notebook starts."""
    start = end = 0
    for cell in _percent_cells(snippet.source).cells[: number + 1]:
        if cell.cell_type == "code":  # Markdown has lost its `# `, and is not to be found
            start = max(f"\n{snippet.source}".find(f"\n{cell.source}", end), end)
            end = start + len(cell.source)
    return snippet.source[:start].count("\n") + 1


def open_guard(source: str) -> str:
    """A cell that is wholly an `if __name__ == "__main__":` block without the `if`; any other cell as it is."""
    try:
        statements = ast.parse(source).body
    except (SyntaxError, ValueError):
        return source
    guard = statements[0] if len(statements) == 1 else None
    if guard is None or not is_main_guard(guard):
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


def _percent_cells(source: str) -> "NotebookNode":
    import jupytext  # takes a moment, and most commands do without

    notebook = jupytext.reads(source, fmt="py:percent")
    notebook.cells = [cell for cell in notebook.cells if cell.source.strip()]
    return notebook
