"""What two runs of the same code may differ by; tests/content/test_runs.py has the rest."""

import pytest

from mundap.project.agreement import agree


@pytest.mark.parametrize(
    "one, other, tolerance, expected",
    [
        ([1.0, 2.0], [1.0005, 2.0005], {}, True),
        ([1.0, 2.0], [1.0, 2.1], {}, False),
        ([1.0, 2.0], [1.0, 2.1], {"x": 0.2}, True),
        ([1.0, 2.0], [1.0], {"x": None}, False),
        ([1.0, 2.0], 1.0, {"x": None}, False),
        ([1.0, 2.0], [9.0, 8.0], {"x": None}, True),
        ([1, 2], [1.0, 2.0], {}, True),
        (1, 1.0005, {}, True),
        (0, 1, {"x": 0}, False),
        (2, 2, {"x": 0}, True),
        (1.0, 1.5, {"y": 1.0}, False),
        (-1.0, -1.0009, {}, True),
        (True, True, {}, True),
    ],
)
def test_values_agree(one, other, tolerance, expected):
    assert agree("x", one, other, tolerance) is expected and agree("x", other, one, tolerance) is expected
