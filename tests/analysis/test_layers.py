"""Values by number of layers."""

from __future__ import annotations

from statistics import mean

import pytest

from optuna_xmcnas.analysis import read_history
from optuna_xmcnas.analysis import scores_by_layers
from tests.analysis.histories import make_history
from tests.analysis.histories import make_row
from tests.analysis.histories import make_study


TWO = "bilstm(0) conv3(0)"
THREE = "bilstm(0) conv3(0) conv3(1)"


def test_means_are_those_of_a_slow_count() -> None:
    history = read_history(make_study(200))
    found = scores_by_layers(history)
    for group in found.groups:
        values = [
            row.value
            for row in history.complete
            if row.value is not None and row.genome and row.genome.n_layers == group.n_layers
        ]
        assert group.score.mean == pytest.approx(mean(values))
        assert (group.score.n, group.best) == (len(values), max(values))
    assert found.n_children == len(history.complete)


def test_clear_difference_is_told() -> None:
    rows = [make_row(i, 0.5 + 0.001 * i, TWO) for i in range(5)]
    rows += [make_row(5 + i, 0.6 + 0.001 * i, THREE) for i in range(5)]
    assert scores_by_layers(make_history(rows)).sentence == (
        "Mean P@5 is clearly better with 3 layers (60.20 ± 0.20 %, 5 children) than with 2 layers "
        "(50.20 ± 0.20 %, 5 children), by 10.00 points."
    )


def test_unclear_difference_is_not_made_one() -> None:
    rows = [make_row(i, 0.5 + 0.01 * i, TWO) for i in range(5)]
    rows += [make_row(5 + i, 0.501 + 0.01 * i, THREE) for i in range(5)]
    assert "no clear difference" in scores_by_layers(make_history(rows)).sentence


def test_fewer_is_better_where_values_are_minimised() -> None:
    rows = [make_row(i, 5.0 + 0.01 * i, TWO) for i in range(5)]
    rows += [make_row(5 + i, 6.0 + 0.01 * i, THREE) for i in range(5)]
    found = scores_by_layers(make_history(rows, maximize=False))
    assert found.sentence.startswith("Mean value is clearly better with 2 layers")
    assert found.groups[0].best == 5.0


def test_few_children_are_too_few_to_compare() -> None:
    rows = [make_row(0, 0.5, TWO), make_row(1, 0.6, THREE), make_row(2, 0.7, None)]
    found = scores_by_layers(make_history(rows))
    assert found.n_children == 2
    assert "Too few children" in found.sentence
    assert "1 with 2 layers, 1 with 3 layers" in found.sentence
