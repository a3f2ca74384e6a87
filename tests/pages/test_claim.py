"""Which comparisons of a check stand beside its claim."""

import pytest

from mundap.pages.claim import deciding
from mundap.project.judge import judge


@pytest.mark.parametrize(
    "world, shown",
    [
        ({}, [0, 1]),
        ({"c": 1.0}, [0, 2]),
        ({"b": 1.0, "c": 1.0}, [1, 2]),
        ({"a": 1.0, "b": 1.0, "c": 1.0}, [0, 1]),
        ({"a": 0.2}, [0, 1]),
    ],
)
def test_what_falls_without_the_effect_is_seen_first(world, shown):
    check = "s.a < 0.5 and s.b < 0.5 and s.c < 0.5"
    assert deciding(judge(check, {"s": {"a": 0.1, "b": 0.1, "c": 0.1}}, {"s": {"세계": world}})) == shown
