"""Snippets as notebooks that have not been run."""

import pytest

from mundap.project.snippets import Snippet
from mundap.running.notebook import cell_line, open_guard, to_notebook


def snippet_of(source):
    return Snippet("a", None, source, "a", True)


@pytest.mark.parametrize(
    "source, expected",
    [
        ('if __name__ == "__main__":\n    x = 1\n    x', "x = 1\nx"),
        ("if __name__ == '__main__':\n  x = 1\n\n  y = 2", "x = 1\n\ny = 2"),
        (
            '# why\nif __name__ == "__main__":  # guard\n    x = 1\n    # inside\n    y = 2\n    # last',
            "# why\nx = 1\n# inside\ny = 2\n# last",
        ),
        ('if __name__ == "__main__":\n# at the margin\n    x = 1\n# after', "# at the margin\nx = 1\n# after"),
        ('if __name__ == "__main__":\n    for i in range(2):\n        print(i)', "for i in range(2):\n    print(i)"),
    ],
)
def test_guard_is_laid_open(source, expected):
    assert open_guard(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        "x = 1\nif __name__ == '__main__':\n    y = 2",
        "if __name__ == '__main__':\n    x = 1\nelse:\n    x = 2",
        "if __name__ != '__main__':\n    x = 1",
        "if __name__ == '__main__':\n    x = '''a\n    b'''",
        "if __name__ == '__main__': x = 1",
        "if True:\n    x = 1",
        "def f(:",
        "x = 1\x00",
        "if __name__ == '__main__':\n    x = '''\nb'''",
    ],
)
def test_other_cells_stay_as_they_are(source):
    assert open_guard(source) == source


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


def test_line_where_a_code_cell_starts():
    """Also after one with the same code, Markdown with that code, and an empty cell."""
    source = "# %%\nx = 1\n\n# %% [markdown]\n# x = 1\n\n# %%\n\n# %%\nx = 1\n"
    assert [cell_line(snippet_of(source), number) for number in (0, 2)] == [2, 10]
