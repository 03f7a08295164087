"""Who finished when: by the samplers' logical clock, else by the time on the clock."""

from __future__ import annotations

from datetime import datetime
from datetime import timedelta
import random

import optuna
from optuna.trial import create_trial
from optuna.trial import FrozenTrial

from optuna_xmcnas.samplers import in_finishing_order
from optuna_xmcnas.samplers import RegularizedEvolutionSampler


_BEGIN = datetime(2026, 1, 1)
_AGE_KEY = RegularizedEvolutionSampler._AGE_KEY


def _trial(number: int, *, age: int | None, minute: int) -> FrozenTrial:
    trial = create_trial(value=0.0, system_attrs={} if age is None else {_AGE_KEY: age})
    trial.number = number
    trial.datetime_complete = _BEGIN + timedelta(minutes=minute)
    return trial


def test_logical_clock_counts_and_not_that_of_a_worker_whose_clock_is_wrong() -> None:
    trials = [_trial(0, age=2, minute=1), _trial(1, age=1, minute=30), _trial(2, age=3, minute=2)]
    assert [trial.number for trial in in_finishing_order(trials)] == [1, 0, 2]


def test_trials_of_other_samplers_are_in_the_order_of_time() -> None:
    minutes = list(range(20))
    random.Random(0).shuffle(minutes)
    trials = [_trial(number, age=None, minute=m) for number, m in enumerate(minutes)]
    found = [trial.number for trial in in_finishing_order(trials)]
    assert found == sorted(range(20), key=lambda number: minutes[number])


def test_population_is_the_last_ones() -> None:
    sampler = RegularizedEvolutionSampler(population_size=4, sample_size=2, seed=3)
    study = optuna.create_study(sampler=sampler)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=12)
    assert [trial.number for trial in in_finishing_order(study.trials)[-4:]] == [8, 9, 10, 11]


def test_no_trials_have_an_order_too() -> None:
    assert in_finishing_order([]) == []
