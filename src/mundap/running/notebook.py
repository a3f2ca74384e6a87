"""A snippet as a notebook that has not been run."""

from typing import TYPE_CHECKING

from mundap.project.cells import cells_of
from mundap.project.snippets import Snippet

if TYPE_CHECKING:
    from nbformat import NotebookNode


def to_notebook(snippet: Snippet) -> "NotebookNode":
    """The cells of a snippet as a notebook."""
    from nbformat import v4  # takes a moment, and most commands do without

    make = {"code": v4.new_code_cell, "markdown": v4.new_markdown_cell}
    cells = [make[cell.kind](cell.source, id=f"cell-{number}") for number, cell in enumerate(cells_of(snippet.source))]
    metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python"},
    }
    return v4.new_notebook(cells=cells, metadata=metadata)
