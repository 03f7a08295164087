"""The population after each finished child."""

from __future__ import annotations

import numpy as np
import pytest

from optuna_xmcnas.analysis import Phase
from optuna_xmcnas.analysis import population_over_time
from optuna_xmcnas.analysis import read_history
from tests.analysis.histories import make_history
from tests.analysis.histories import make_row
from tests.analysis.histories import make_study


def test_moments_are_those_of_a_slow_count() -> None:
    history = read_history(make_study(60))
    found = population_over_time(history)
    assert len(found.moments) == len(history.complete) == 58
    for i, moment in enumerate(found.moments):
        living = history.complete[max(0, i - 19) : i + 1]
        values = [row.value or 0.0 for row in living]
        assert moment.mean == pytest.approx(np.mean(values))
        assert (moment.low, moment.high) == pytest.approx(tuple(np.quantile(values, [0.25, 0.75])))
        assert moment.best == max(row.value or 0.0 for row in history.complete[: i + 1])
        ops = [node.op for row in living if row.genome for node in row.genome.nodes]
        assert moment.shares == pytest.approx({op: ops.count(op) / len(ops) for op in set(ops)})


def test_random_phase_ends_before_the_first_mutant() -> None:
    found = population_over_time(read_history(make_study(60)))
    assert found.is_population
    assert found.moments[found.random_until].phase == Phase.EVOLVED
    assert Phase.EVOLVED not in {one.phase for one in found.moments[: found.random_until]}


def test_study_without_random_children_has_no_random_phase() -> None:
    rows = [make_row(0, 0.1, phase=Phase.SAMPLED), make_row(1, 0.2, phase=Phase.SAMPLED)]
    assert population_over_time(make_history(rows)).random_until == 0


def test_all_is_random_until_something_evolves() -> None:
    found = population_over_time(make_history([make_row(0, 0.1), make_row(1, 0.2)]))
    assert found.random_until == 2
    assert "evolution has not begun" in found.sentence


def test_time_runs_from_the_beginning_of_the_first_trial() -> None:
    found = population_over_time(make_history([make_row(0), make_row(5, 0.1)]))
    assert [moment.hours for moment in found.moments] == [pytest.approx(6 / 60)]


def test_best_of_a_minimised_study_is_the_least() -> None:
    rows = [make_row(0, 3.0), make_row(1, 1.0), make_row(2, 2.0)]
    found = population_over_time(make_history(rows, maximize=False))
    assert [moment.best for moment in found.moments] == [3.0, 1.0, 1.0]
    assert found.moments[-1].best_number == 1


def test_children_without_a_genome_have_values_only() -> None:
    found = population_over_time(make_history([make_row(0, 0.5, None)]))
    assert found.moments[0].shares == {}
    assert (found.ops, found.moments[0].genome) == ((), None)


def test_failures_alone_are_no_children() -> None:
    found = population_over_time(make_history([make_row(0), make_row(1)]))
    assert (found.moments, found.sentence) == ((), "No child has finished.")


def test_sentence_tells_how_far_evolution_came() -> None:
    rows = [make_row(i, 0.5) for i in range(20)]
    rows += [make_row(20 + i, 0.6, parent=i) for i in range(20)]
    assert population_over_time(make_history(rows, population_size=20)).sentence == (
        "The best P@5 was 50.00 % after the random phase (20 children) and is 60.00 % (trial 20) "
        "after 40; the mean of the population was 50.00 % and is 60.00 %."
    )
