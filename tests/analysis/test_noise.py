"""How much the value of a network differs from training to training."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from optuna_xmcnas.analysis import noise_of
from tests.analysis.histories import make_history
from tests.analysis.histories import make_row


def test_deviations_are_pooled_over_networks() -> None:
    rows = [make_row(0, 0.50), make_row(1, 0.52)]
    rows += [make_row(2 + i, value, "conv3(0)") for i, value in enumerate((0.40, 0.42, 0.44))]
    rows.append(make_row(9, 0.9, "conv5(0)"))
    found = noise_of(make_history(rows))
    assert (found.n_networks, found.n_trainings, found.degrees_of_freedom) == (2, 5, 3)
    variance = (0.02**2 / 2 + 2 * 0.02**2) / 3
    assert found.sd == pytest.approx(math.sqrt(variance))
    low, high = stats.chi2.interval(0.95, 3)
    assert found.low == pytest.approx(math.sqrt(3 * variance / high))
    assert found.high == pytest.approx(math.sqrt(3 * variance / low))
    assert "a rough figure only" in found.sentence


def test_same_network_in_another_order_is_a_repeat() -> None:
    rows = [make_row(0, 0.5, "bilstm(0) conv3(0)"), make_row(1, 0.6, "conv3(0) bilstm(0)")]
    assert noise_of(make_history(rows)).degrees_of_freedom == 1


def test_value_that_a_network_was_chosen_for_is_not_mixed_in() -> None:
    again = make_history([make_row(0, 0.5), make_row(1, 0.5)], name="mine-confirm")
    found = noise_of(make_history([make_row(0, 0.9)]), confirmation=again)
    assert (found.sd, found.n_networks, found.n_trainings) == (0.0, 1, 2)
    assert "no noise was seen" in found.sentence


def test_many_repeats_say_what_a_difference_is_worth() -> None:
    rows = [make_row(i, 0.5 + 0.01 * (i % 2)) for i in range(8)]
    assert "in one case of twenty" in noise_of(make_history(rows)).sentence


@pytest.mark.parametrize("rows", [[], [make_row(0)], [make_row(0, 0.5)], [make_row(0, 0.5, None)]])
def test_without_repeats_nothing_is_known(rows: list) -> None:  # type: ignore[type-arg]
    found = noise_of(make_history(rows))
    assert (found.sd, found.low, found.high, found.degrees_of_freedom) == (None, None, None, 0)
    assert "optuna-xmcnas confirm" in found.sentence


def test_huge_values_are_told() -> None:
    found = noise_of(make_history([make_row(i, 1e300 * (i + 1), metrics={}) for i in range(6)]))
    assert found.sd == pytest.approx(1e300 * math.sqrt(3.5))
