"""Checks over evidence that is a list, one value a seed; a mark (▶) is where a message points."""

import pytest
from engine import MARK

from mundap.project.expression import Expression, ExpressionError

EVIDENCE = {
    "a": {
        "x": [0.9, 0.8, 0.85, 0.95, 0.9],
        "y": [0.7, 0.75, 0.8, 0.7, 0.72],
        "few": [1.0, 2.0],
        "one": 0.5,
        "name": "글",
    },
    "b": {"z": [1.0, 2.0, 3.0]},
}


@pytest.mark.parametrize(
    "text, expected",
    [
        ("mean(a.x)", 0.88),
        ("min(a.x)", 0.8),
        ("max(a.x)", 0.95),
        ("n(a.x)", 5),
        ("std(a.few)", 0.5**0.5),
        ("mean(a.x) - mean(a.y)", 0.146),
        ("mean(a.x - a.y)", 0.146),
        ("mean(2 * a.x + a.one)", 2.26),
        ("mean(abs(a.y - a.x))", 0.146),
        ("max(-a.x)", -0.8),
        ("low(a.x - a.y)", 0.03267),
        ("high(a.x - a.y)", 0.25933),
        ("n(a.x / a.y)", 5),
    ],
)
def test_values(text, expected):
    assert Expression(text, condition=False).value(EVIDENCE) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("all(a.x > a.y)", True),
        ("all(a.x > 0.85)", False),
        ("any(a.x > 0.94)", True),
        ("any(0.99 < a.x)", False),
        ("all(0 < a.x < 1)", True),
        ("low(a.x - a.y) > 0", True),
        ("high(a.y) < mean(a.x) and all(a.x > 0)", True),
        ("all(a.x - a.y > 0) and n(a.x) >= 5", True),
        ("all(a.x == a.x)", True),
    ],
)
def test_checks(text, expected):
    assert all(comparison.holds for comparison in Expression(text).comparisons(EVIDENCE)) is expected


def test_a_comparison_of_lists_tells_both():
    (comparison,) = Expression("all(0.6 < a.y)").comparisons(EVIDENCE)
    assert (comparison.left, comparison.operator, comparison.right, comparison.hold) == ("a.y", ">", "0.6", "all")
    assert comparison.left_value == EVIDENCE["a"]["y"] and comparison.is_bound and comparison.offset == 4


@pytest.mark.parametrize(
    "text, words",
    [
        ("▶a.x > 0.5", "목록 그대로는"),
        ("mean(a.x) > 0 and ▶a.x > a.y", "목록 그대로는"),
        ("mean(▶a.x - b.z) > 0", "길이가 달라요(3개, 5개)"),
        ("all(▶a.x > b.z)", "길이가 달라요"),
        ("mean(▶a.one) > 0", "목록이 와야"),
        ("mean(▶a.name) > 0", "목록이 와야"),
        ("low(▶a.few) > 0", "값이 2개뿐이라"),
        ("high(▶b.z) > 0", "값이 3개뿐이라"),
        ("all(▶a.one > 0)", "목록이 있어야"),
        ("all(▶a.x)", "비교 하나가"),
        ("any(▶a.x > 0 and a.y > 0)", "비교 하나가"),
        ("all(▶all(a.x > 0))", "비교 하나가"),
        ("▶all(a.x > 0) > 0", "쓸 수 없는 표현"),
        ("▶mean(a.x)", "비교가 와야"),
        ("▶mean(a.x, a.y) > 0", "쓸 수 없는 표현"),
        ("▶median(a.x) > 0", "쓸 수 없는 표현"),
        ("mean(▶a.x / (a.y - a.y)) > 0", "0으로 나눠요"),
        ("mean(a.x + ▶a.name) > 0", "글"),
        ("all(▶a.x > a.name)", "글과 수는"),
    ],
)
def test_refused(text, words):
    with pytest.raises(ExpressionError) as error:
        Expression(text.replace(MARK, "")).comparisons(EVIDENCE)
    assert words in error.value.what and error.value.offset == text.index(MARK)


def test_a_list_is_no_value_of_a_sentence():
    with pytest.raises(ExpressionError, match="목록이에요"):
        Expression("a.x - a.y", condition=False).value(EVIDENCE)


def test_a_deviation_needs_two_values():
    evidence = {"a": {"x": [1.0], "y": [1.0, 3.0]}}
    assert Expression("std(a.y)", condition=False).value(evidence) == pytest.approx(2**0.5)
    with pytest.raises(ExpressionError):
        Expression("std(a.x)", condition=False).value(evidence)


def test_a_comparison_keeps_the_values_of_its_seeds():
    values = tuple(EVIDENCE["a"]["x"])
    for text, expected in {
        "low(a.x) > 0": values,
        "all(a.x > 0)": values,
        "a.one < 1": (),
        "abs(a.one) < 1": (),
    }.items():
        [comparison] = Expression(text).comparisons(EVIDENCE)
        assert comparison.seeds == expected, text
