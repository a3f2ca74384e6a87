"""Seeds as dots."""

import pytest
from bs4 import BeautifulSoup

from mundap.pages.dots import EDGE, WIDTH, dots, summary
from mundap.pages.safe import dropped, sanitize


def drawn(*arguments):
    markup = dots(*arguments)
    assert dropped(markup, sanitize(markup)) == []
    return BeautifulSoup(markup, "html.parser")


def test_marks_lie_in_order_within_the_drawing():
    drawing = drawn([1.0, 2.0, 4.0], 3.0, [("우연", 0.0)])
    seeds = [float(circle["cx"]) for circle in drawing.select(".seed")]
    bound = float(drawing.select_one(".bound-mark")["x1"])
    assert EDGE < seeds[0] < seeds[1] < bound < seeds[2] == WIDTH - EDGE
    assert drawing.select_one(".null-mark")["d"].startswith(f"M {EDGE:.1f} ")
    assert not drawing.select(".interval"), "three seeds have no interval"


def test_values_that_are_all_the_same_lie_in_the_middle():
    drawing = drawn([2.0] * 5, None)
    assert {circle["cx"] for circle in drawing.select(".seed")} == {f"{WIDTH / 2:.1f}"}


@pytest.mark.parametrize(
    "seeds, words",
    [
        ([0.1, 0.2], "씨앗 2개가 0.1에서 0.2 사이, 평균 0.15"),
        ([1e-7, 3e-7], "씨앗 2개가 1.00×10⁻⁷에서 3.00×10⁻⁷ 사이, 평균 2.00×10⁻⁷"),
        ([1.0] * 5, "씨앗 5개가 1에서 1 사이, 평균 1, 평균의 95% 구간 1에서 1"),
    ],
)
def test_summary(seeds, words):
    assert summary(seeds) == words
