"""Means and their intervals are those of the textbook."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from scipy import stats

from optuna_xmcnas.analysis import estimate
from optuna_xmcnas.analysis import gap_between
from optuna_xmcnas.analysis import paired_gap


@pytest.mark.parametrize("n", [3, 4, 30])
def test_interval_is_that_of_student(n: int) -> None:
    rng = random.Random(n)
    values = [rng.gauss(0.5, 0.1) for _ in range(n)]
    low, high = stats.t.interval(0.95, n - 1, loc=np.mean(values), scale=stats.sem(values))
    found = estimate(values)
    assert found.low == pytest.approx(low)
    assert found.high == pytest.approx(high)
    assert found.sd == pytest.approx(np.std(values, ddof=1))


def test_one_value_has_no_interval() -> None:
    found = estimate([0.5])
    assert (found.mean, found.n) == (0.5, 1)
    assert found.half_width is found.sd is found.low is found.high is None


def test_two_values_have_a_spread_and_no_interval() -> None:
    found = estimate([0.25, 0.75])
    assert (found.mean, found.n) == (0.5, 2)
    assert found.sd == pytest.approx(np.std([0.25, 0.75], ddof=1))
    assert found.half_width is None


def test_no_values_have_no_mean() -> None:
    with pytest.raises(ValueError, match="at least one value; got none"):
        estimate([])


def test_gap_has_the_interval_of_welch() -> None:
    rng = random.Random(0)
    one = [rng.gauss(1.0, 1.0) for _ in range(12)]
    other = [rng.gauss(0.0, 3.0) for _ in range(7)]
    interval = stats.ttest_ind(one, other, equal_var=False).confidence_interval(0.95)
    gap = gap_between(estimate(one), estimate(other))
    assert gap.half_width is not None
    assert gap.mean - gap.half_width == pytest.approx(interval.low)
    assert gap.mean + gap.half_width == pytest.approx(interval.high)


def test_gap_picked_from_many_is_less_certain() -> None:
    one, other = estimate([1.0, 2.0, 3.0]), estimate([2.0, 3.0, 5.0])
    alone, picked = gap_between(one, other), gap_between(one, other, n_picked_from=10)
    assert alone.half_width is not None
    assert picked.half_width is not None
    assert picked.half_width > alone.half_width


def test_gap_from_a_single_value_is_never_clear() -> None:
    gap = gap_between(estimate([1.0]), estimate([0.0, 0.0, 0.0]))
    assert (gap.mean, gap.half_width, gap.is_clear) == (1.0, None, False)


def test_equal_values_differ_clearly_from_others() -> None:
    assert gap_between(estimate([1.0, 1.0]), estimate([0.0, 0.0])).is_clear


def test_huge_values_have_a_mean_and_a_difference() -> None:
    one, other = estimate([1.5e308, 1.7e308, 1.6e308]), estimate([1e300, 2e300, 4e300])
    assert one.mean == pytest.approx(1.6e308)
    assert gap_between(one, other).is_clear


def test_intervals_of_several_pairs_are_wider() -> None:
    differences = [0.25, 0.5, 0.75]
    one, three = paired_gap(differences), paired_gap(differences, n_picked_from=3)
    t = [stats.t.ppf(1 - 0.025 / n, 2) for n in (1, 3)]
    for gap, factor in zip((one, three), t, strict=True):
        assert gap.half_width == pytest.approx(factor * 0.25 / math.sqrt(3))
