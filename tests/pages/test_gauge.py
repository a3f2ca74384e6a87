"""Where what was measured lies against its bound."""

import pytest
from bs4 import BeautifulSoup

from mundap.pages.gauge import WIDTH, bound_in_words, gauge, in_words, summary
from mundap.pages.safe import dropped, sanitize
from mundap.project.expression import Expression

LABELS = {"a": {"x": "정확도", "y": "우연"}}
EVIDENCE = {
    "a": {"x": 0.54, "y": 0.1, "z": 3, "same": True, "gaps": [0.1, 0.2, 0.4], "five": [1.0, 2.0, 3.0, 4.0, 5.0]}
}


def compared(check, evidence=EVIDENCE):
    (comparison,) = Expression(check).comparisons(evidence)
    return comparison


def drawn(check, nulls=(), labels=LABELS):
    markup = gauge(compared(check), nulls, labels)
    assert dropped(markup, sanitize(markup)) == []
    return BeautifulSoup(markup, "html.parser")


def x(node, name="cx"):
    return float(node[name])


@pytest.mark.parametrize(
    "check, words",
    [
        ("a.x > 0.3", "정확도 0.54 · 0.3을 넘어야 해요"),
        ("a.x >= 0.5", "정확도 0.54 · 0.5 이상이어야 해요"),
        ("a.x < 0.7", "정확도 0.54 · 0.7보다 작아야 해요"),
        ("a.x <= 1e-7", "정확도 0.54 · 10⁻⁷ 이하여야 해요"),
        ("a.x > a.y", "정확도 0.54 · 우연(0.1)을 넘어야 해요"),
        ("a.x - a.y > 0.3", "정확도 − 우연 0.44 · 0.3을 넘어야 해요"),
        ("abs(a.x) > 0.3", "정확도의 크기 0.54 · 0.3을 넘어야 해요"),
        ("a.z == 3", "3 · 3과 같아야 해요"),
        ("a.z < 86567656", "3 · 86,567,656보다 작아야 해요"),
        ("a.z > -0.15", "3 · −0.15를 넘어야 해요"),
        ("a.z != 4", "3 · 4와 달라야 해요"),
        ("a.same == True", "참 · 참이어야 해요"),
        ("all(a.gaps > 0)", "0.1~0.4 · 모두 0을 넘어야 해요"),
        ("low(a.five) > 0", "1.04 · 0을 넘어야 해요"),
    ],
)
def test_words(check, words):
    assert drawn(check).p.get_text() == words


def test_names_without_a_label_are_left_out():
    assert in_words("a.x - a.z", LABELS) == "" and in_words("a.x * 2 / a.y", LABELS) == "정확도 × 2 ÷ 우연"
    assert in_words("low(a.x - a.y)", LABELS) == "정확도 − 우연, 95% 구간의 아래 끝"
    assert in_words("abs(a.x - a.y)", LABELS) == "(정확도 − 우연)의 크기"
    assert in_words("mean(a.x - a.y)", LABELS) == "(정확도 − 우연)의 평균"
    assert in_words("max(abs(a.x)) - mean(a.y)", LABELS) == "(정확도의 크기, 가장 큰 값) − 우연의 평균"
    assert in_words("(a.x - a.y) / (a.x - 1e-7)", LABELS) == "(정확도 − 우연) ÷ (정확도 − 10⁻⁷)"
    assert in_words("a.x - a.y - 1", LABELS) == "정확도 − 우연 − 1" and in_words("-a.x", LABELS) == "−정확도"
    assert bound_in_words(compared("a.x > a.z / 10"), LABELS) == "0.3을 넘어야 해요"


def test_a_label_keeps_its_own_signs():
    labels = {"a": {"x": "정확도 (ViT-B/16)", "y": "우연"}}
    assert in_words("a.x - a.y / 2", labels) == "정확도 (ViT-B/16) − 우연 ÷ 2"


def test_the_allowed_side_is_tinted_up_to_the_edge():
    above, below = drawn("a.x > 0.3"), drawn("a.x < 0.7")
    assert (
        x(above.select_one(".bound-mark"), "x1") == x(above.select_one(".allowed"), "x") < x(above.select_one(".seed"))
    )
    assert x(above.select_one(".allowed"), "x") + x(above.select_one(".allowed"), "width") == pytest.approx(WIDTH)
    assert x(below.select_one(".allowed"), "x") == 0
    assert (
        x(below.select_one(".seed"))
        < x(below.select_one(".bound-mark"), "x1")
        == x(below.select_one(".allowed"), "width")
    )


def test_a_value_far_from_its_bound_is_drawn_from_zero():
    tiny = gauge(compared("a.t < 1e-5", {"a": {"t": 2e-7}}), (), {})
    assert x(BeautifulSoup(tiny, "html.parser").select_one(".seed")) < 20


@pytest.mark.parametrize("value", [0.0, 3.0, -3.0])
def test_marks_that_all_lie_on_the_bound_are_drawn_in_the_middle(value):
    comparison = compared(f"all(a.v >= {value})", {"a": {"v": [value] * 5}})
    marks = BeautifulSoup(gauge(comparison, [], {"a": {"v": "차이"}}), "html.parser").select("circle.seed")
    assert [x(mark) for mark in marks] == [WIDTH / 2] * 5


def test_seeds_and_their_interval_are_drawn_and_told():
    drawing = drawn("low(a.five) > 0")
    seeds = [x(circle) for circle in drawing.select(".seed")]
    assert len(seeds) == 5 and seeds == sorted(seeds) and drawing.select_one(".interval")
    assert drawing.svg["aria-label"] == summary([1, 2, 3, 4, 5]) and drawing.svg["role"] == "img"
    assert not drawn("all(a.gaps > 0)").select(".interval"), "three seeds have no interval"


def test_worlds_without_the_effect_are_named_with_their_value():
    there = compared("a.x > 0.3", {"a": {"x": 0.1}})
    drawing = drawn("a.x > 0.3", [("배우지 않은 모델", there), ("그대로인 모델", compared("a.x > 0.3"))])
    assert [node.get_text() for node in drawing.select(".null")] == ["◇ 배우지 않은 모델이라면 0.1"]
    assert len(drawing.select(".null-mark")) == 1


@pytest.mark.parametrize("check", ["a.same == True", "a.z == 3", "a.x != 4"])
def test_what_has_to_be_equal_has_no_line(check):
    assert not drawn(check).svg


@pytest.mark.parametrize(
    "seeds, words",
    [
        ([0.1, 0.2], "시드 2개가 0.1에서 0.2 사이, 평균 0.15"),
        ([1e-7, 3e-7], "시드 2개가 1.00×10⁻⁷에서 3.00×10⁻⁷ 사이, 평균 2.00×10⁻⁷"),
        ([1.0] * 5, "시드 5개가 1에서 1 사이, 평균 1, 평균의 95% 구간 1에서 1"),
    ],
)
def test_summary(seeds, words):
    assert summary(seeds) == words
