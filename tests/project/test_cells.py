"""The cells of snippets; Jupytext is the judge of what they are."""

import jupytext
import pytest

from mundap.project.cells import cells_of, open_guard


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


@pytest.mark.parametrize(
    "source",
    [
        "",
        "x = 1\n",
        "# a comment above\n\nx = 1\n# %%\ny = 2\n",
        "# %% [markdown]\n# # 제목\n#\n# 글 `x`\n\n# %%\n\n# %%\n# why\nx = 1\n\n\n# %%\nx\n",
        "# %% [markdown]\n# 글\n#   들여\n#\n# - 목록\n# %% [markdown]\n# 또\n# %%\nx = 1\n\n\ny = 2\n\n\n",
        "# %%\nx = 1\n\n# %% [markdown]\n# x = 1\n\n# %%\n\n# %%\nx = 1\n",
    ],
)
def test_cells_are_those_that_jupytext_reads(source):
    expected = [cell for cell in jupytext.reads(source, fmt="py:percent").cells if cell.source.strip()]
    assert [(cell.kind, cell.source) for cell in cells_of(source)] == [
        (cell.cell_type, open_guard(cell.source) if cell.cell_type == "code" else cell.source) for cell in expected
    ]


def test_snippets_of_the_project_are_read_as_jupytext_does(root):
    for path in sorted((root / "snippets").glob("*.py")):
        source = path.read_text(encoding="utf-8")
        if "\n# %%" in f"\n{source}":
            expected = [cell for cell in jupytext.reads(source, fmt="py:percent").cells if cell.source.strip()]
            assert [(cell.kind, cell.source) for cell in cells_of(source)] == [
                (cell.cell_type, open_guard(cell.source) if cell.cell_type == "code" else cell.source)
                for cell in expected
            ], path


def test_line_where_a_cell_starts():
    """Also after one with the same code, Markdown with that code, and an empty cell."""
    source = "# %%\nx = 1\n\n# %% [markdown]\n# x = 1\n\n# %%\n\n# %%\n\nx = 1\n"
    assert [cell.line for cell in cells_of(source)] == [2, 5, 11]
