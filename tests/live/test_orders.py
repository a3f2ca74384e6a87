"""What a page may ask, and the programs that it stands for."""

import pytest

from mundap.live.orders import Program, edited, programs, read_order
from mundap.problems import Failure
from mundap.project.cells import cells_of
from mundap.project.check import examine
from mundap.project.snippets import Snippet


def test_orders_are_read():
    for order in (
        '{"do": "stop"}',
        '{"do": "restart"}',
        '{"do": "run", "cell": 0, "code": "1"}',
        '{"do": "snippet", "cell": 9999, "of": "vit", "edits": [["a", "b"]]}',
    ):
        assert read_order(order)


@pytest.mark.parametrize(
    "message, words",
    [
        (b"{}", "text expected"),
        ("[" * 100_000, "too deep"),
        ("[]", "object expected"),
        ('{"do": ["run"]}', "unknown order"),
        ('{"do": "stop", "cell": 0}', "unknown order"),
        ('{"do": "run", "cell": true, "code": "1"}', "cell: a number"),
        ('{"do": "run", "cell": 10000, "code": "1"}', "cell: a number"),
        ('{"do": "run", "cell": 0, "code": null}', "text expected"),
        ('{"do": "run", "cell": 0, "code": "\\ud800"}', "surrogates"),
        ('{"do": "snippet", "cell": 0, "of": "a", "edits": "ab"}', "edits: a list"),
        ('{"do": "snippet", "cell": 0, "of": "a", "edits": ["ab"]}', "edits: pairs"),
        ('{"do": "snippet", "cell": 0, "of": "a", "edits": [["a", 1]]}', "text expected"),
        ('{"do": "snippet", "cell": 0, "of": 1, "edits": []}', "text expected"),
    ],
    ids=str,
)
def test_others_are_refused_in_words(message, words):
    with pytest.raises(ValueError, match=words):
        read_order(message)


def test_programs_of_a_snippet(tmp_path):
    source = '# %% [markdown]\n# # 예\n# %%\nx = 1\n\n\ndef f():\n    return x\n\n\n# %%\nif __name__ == "__main__":\n    f()\n'
    known = {"example": Snippet("example", tmp_path / "example.py", source, "예", True)}
    order = {
        "do": "snippet",
        "cell": 0,
        "of": "example",
        "edits": [["def f():\n    return x", "def f():\n\n    return 2"]],
    }
    assert programs(order, known) == [Program("x = 1\n\n\ndef f():\n\n    return 2", 4, 3), Program("f()", 1, 0)]
    with pytest.raises(Failure, match="`other` 스니펫이 없어요"):
        programs({**order, "of": "other"}, known)


def test_programs_of_a_cell():
    assert programs({"do": "run", "cell": 0, "code": "a\nb"}, {}) == [Program("a\nb", 1, 2)]


def test_lines_of_the_page():
    program = edited("1\n2\n3", [["2", "zwei\nzwei"]])
    assert [program.line_of_page(line) for line in (None, 1, 2, 3, 4)] == [None, None, 1, 2, None]
    assert edited("1\n2", [["4", "5"]]).line_of_page(1) is None, "nothing of this cell is the page's"


def test_every_excerpt_is_found_in_its_snippet(root):
    """What 실행 replaces in a snippet is there exactly once."""
    project, _ = examine(root)
    shown = {
        (run.snippet, run.show)
        for thread in project.threads.values()
        for answer in thread.answers
        for run in answer.runs
        if run.show
    }
    assert len(shown) > 20
    for name, definition in sorted(shown):
        cells = [cell.source for cell in cells_of(project.snippets[name].source) if cell.kind == "code"]
        text = project.snippets[name].definitions[definition]
        assert sum(text in cell for cell in cells) == 1, f"{name}.{definition}"
