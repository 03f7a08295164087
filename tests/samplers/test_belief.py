"""What results are worth if luck is taken off."""

from __future__ import annotations

from typing import Literal

import numpy as np
import optuna
from optuna.trial import Trial
import pytest

from optuna_xmcnas import GenomeSpace
from optuna_xmcnas.samplers import beliefs


def searched(direction: Literal["minimize", "maximize"], n_trials: int = 30) -> optuna.Study:
    sign = 1 if direction == "maximize" else -1

    def objective(trial: Trial) -> float:
        return sign * sum(trial.suggest_categorical(f"x{i}", [0, 1]) for i in range(6))

    sampler = optuna.samplers.RandomSampler(seed=0)
    study = optuna.create_study(direction=direction, sampler=sampler)
    study.optimize(objective, n_trials=n_trials)
    return study


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_the_best_expected_comes_first(direction: Literal["minimize", "maximize"]) -> None:
    study = searched(direction)
    found = beliefs(study)
    assert {one.number for one in found} == set(range(30))
    assert all(one.observed == study.trials[one.number].value for one in found)
    expected = [one.expected for one in found]
    assert expected == sorted(expected, reverse=direction == "maximize")
    assert abs(found[0].observed) >= 5


def test_a_lucky_result_among_poor_repeats_is_not_believed() -> None:
    space = GenomeSpace(ops=("conv3", "bilstm"), min_layers=1, max_layers=3)
    genomes = [space.random(np.random.default_rng(seed)) for seed in range(12)]
    study = optuna.create_study(direction="maximize")
    results = [(genome, 0.5 + 0.01 * i) for i, genome in enumerate(genomes)]
    results += [(genomes[0], value) for value in (0.4, 0.45, 0.42, 0.41, 0.9)]  # once lucky
    for genome, value in results:
        space.enqueue(study, genome)
        trial = study.ask()
        assert space.suggest(trial) == genome
        study.tell(trial, value)
    lucky = study.best_trial.number
    found = beliefs(study, space)
    assert found[0].number != lucky
    (belief,) = (one for one in found if one.number == lucky)
    assert belief.observed == 0.9
    assert belief.expected < 0.6


def test_nothing_is_believed_of_few_results_several_objectives_or_foreign_trials() -> None:
    assert beliefs(searched("maximize", n_trials=3)) == []
    assert beliefs(optuna.create_study(directions=["minimize", "maximize"])) == []
    assert beliefs(searched("maximize"), GenomeSpace()) == []
