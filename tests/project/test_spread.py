"""Intervals; SciPy is the judge."""

import random

import pytest
from scipy import stats

from mundap.project import spread


@pytest.mark.parametrize("freedom", [*range(1, 61), 80, 120, 500, 10_000])
def test_quantile(freedom):
    assert spread.quantile(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=1e-6)


@pytest.mark.parametrize("count", [2, 3, 5, 10, 40])
def test_interval(count):
    rng = random.Random(count)
    values = [rng.gauss(3, 2) for _ in range(count)]
    expected = stats.t.interval(0.95, count - 1, loc=sum(values) / count, scale=stats.sem(values))
    assert (spread.low(values), spread.high(values)) == pytest.approx(expected, rel=1e-6)
    assert spread.std(values) == pytest.approx(stats.tstd(values))
    assert spread.low(values) < spread.mean(values) < spread.high(values)


def test_values_that_are_all_the_same():
    assert (spread.low([2.0] * 5), spread.std([2.0] * 5), spread.high([2.0] * 5)) == (2.0, 0.0, 2.0)
