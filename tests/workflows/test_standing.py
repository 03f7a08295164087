"""How a study stands: as its complete trials say."""

from __future__ import annotations

import math

from optuna import create_trial
from optuna.trial import FrozenTrial
import pytest

from optuna_xmcnas.study import StudyConfig
from optuna_xmcnas.workflows import Standing
from optuna_xmcnas.workflows.standing import population_size_of
from optuna_xmcnas.workflows.standing import standing_of


def _trials(*values_and_ages: tuple[float, int]) -> list[FrozenTrial]:
    trials = []
    for number, (value, age) in enumerate(values_and_ages):
        key = "RegularizedEvolutionSampler:age"
        trials.append(create_trial(value=value, system_attrs={key: age}))
        trials[-1].number = number
    return trials


@pytest.mark.parametrize(
    ("population_size", "expected"), [(2, (0.3, 0.1)), (9, (0.2, 0.3, 0.1)), (None, ())]
)
def test_the_population_is_of_those_that_finished_last(
    population_size: int | None, expected: tuple[float, ...]
) -> None:
    trials = _trials((0.1, 9), (0.2, 1), (0.3, 4))
    standing = standing_of(trials, population_size)
    assert standing == Standing(n_complete=3, best=trials[2], population=expected)


def test_nobody_stands_anywhere_before_the_first_child() -> None:
    assert standing_of([], 5) == Standing(n_complete=0, best=None, population=())


def test_a_score_that_is_not_finite_is_no_part_of_the_population() -> None:
    trials = _trials((0.1, 1), (-math.inf, 2))
    assert standing_of(trials, 5).population == (0.1,)


@pytest.mark.parametrize(
    ("sampler", "expected"),
    [
        ({"name": "guided", "population_size": 6}, 6),
        ({"population_size": 20}, 20),  # evolution, as older studies call it
        ({"name": "nsgaii", "population_size": 6}, None),
        ({"name": "repeat"}, None),
        ({"name": "guided", "population_size": "six"}, None),
    ],
)
def test_only_evolution_has_a_population_of_the_latest(
    sampler: dict[str, object], expected: int | None
) -> None:
    assert population_size_of(StudyConfig({"sampler": sampler})) == expected
