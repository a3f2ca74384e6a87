"""What a script binds twice."""

import pytest

from mundap.project.bindings import bound_twice

MAIN = 'if __name__ == "__main__":\n'


@pytest.mark.parametrize(
    "source, expected",
    [
        ('evidence = {"a": 1}\nevidence["b"] = 2\nevidence |= {"c": 3}', []),
        ('evidence = {"a": 1, "b": 2}\nevidence["a"] = 3', [("evidence", "a", 2, 1)]),
        ('evidence = {"a": 1, "a": 2}', [("evidence", "a", 1, 1)]),
        ('evidence = {}\nevidence |= {"a": 1}\nevidence |= {"b": 2} | {"a": 3}', [("evidence", "a", 3, 2)]),
        (f'{MAIN}    evidence = {{"a": 1}}\n{MAIN}    evidence["a"] = 2', [("evidence", "a", 4, 2)]),
        ('evidence = {"a": 1}\nnull = {"a": {"a": 1}}', []),
        ('null = {"w": {"a": 1}}\nnull["w"] = {"b": 1}', [("null", "w", 2, 1)]),
        ('for i in range(2):\n    evidence["a"] = i\nevidence["a"] = 3', [("evidence", "a", 3, 2)]),
        ('if FULL:\n    evidence["a"] = 1\nelse:\n    evidence["a"] = 2', []),
        ('for i in range(2):\n    evidence[f"{i}"] = i\nevidence["a"] = evidence["b"] = 3', []),
        ('x = 1\nx = 2\nevidence = {"a": x}', [("", "x", 2, 1)]),
        ('x = 1\nx = 2\nevidence = {"a": round(float(x.item()), 2)}', [("", "x", 2, 1)]),
        ('x, y = 1, 2\nfor x in y:\n    pass\nevidence = {"a": x}', [("", "x", 2, 1)]),
        ('x = 1\nx = 2\nevidence = {"a": x + 1, "b": f(x), "c": x.y}', []),
        (f'{MAIN}    x = 1\n{MAIN}    x = 2\n    evidence = {{"a": x}}', []),  # the one that is measured here
        (f'{MAIN}    x = 1\n    x = 2\n{MAIN}    evidence = {{"a": x}}', []),  # one cell that works on it
        ('x = 1\nevidence = {"a": x}\nx = 2', []),
        ("evidence = {", []),
        ("\x00", []),
    ],
)
def test_what_stands_for_two_things(source, expected):
    assert [(twice.kept, twice.name, twice.line, twice.before) for twice in bound_twice(source)] == expected


def test_where_it_stands():
    (twice,) = bound_twice('evidence = {"a": 1}\nevidence["a"] = 2')
    assert (twice.line, twice.column) == (2, 10)
