"""Snippets as notebooks that have not been run."""

from mundap.project.snippets import Snippet
from mundap.running.notebook import to_notebook


def snippet_of(source):
    return Snippet("a", None, source, "a", True)


def test_notebook_has_the_cells_of_the_script():
    made = to_notebook(
        snippet_of(
            "# %% [markdown]\n# # 제목\n#\n# 글 `x`\n\n# %%\n\n# %%\n# why\nx = 1\n\n\n"
            "# %%\nif __name__ == '__main__':\n    x\n"
        )
    )
    assert [(cell.cell_type, cell.source, cell.id) for cell in made.cells] == [
        ("markdown", "# 제목\n\n글 `x`", "cell-0"),
        ("code", "# why\nx = 1", "cell-1"),
        ("code", "x", "cell-2"),
    ]
    assert made.metadata == {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python"},
    }
