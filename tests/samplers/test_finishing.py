"""Who finished when: by the samplers' logical clock, else by the time on the clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from datetime import timedelta
import random

import optuna
from optuna.trial import create_trial
from optuna.trial import FrozenTrial
import pytest

from optuna_xmcnas.samplers import finished_last
from optuna_xmcnas.samplers import finishing
from optuna_xmcnas.samplers import in_finishing_order
from optuna_xmcnas.samplers import RegularizedEvolutionSampler
from optuna_xmcnas.samplers.population import Member
from optuna_xmcnas.samplers.population import youngest


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


@pytest.mark.parametrize("share_without", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("seed", range(10))
def test_the_last_ones_are_the_end_of_the_order(seed: int, share_without: float) -> None:
    rng = random.Random(seed)
    trials = [
        _trial(
            number,
            age=None if rng.random() < share_without else rng.randrange(20),  # with ties
            minute=rng.randrange(30),
        )
        for number in range(30)
    ]
    for trial in rng.sample(trials, 3):
        trial.datetime_complete = None
    rng.shuffle(trials)
    whole = in_finishing_order(trials)
    for size in (1, 2, 5, 29, 30, 50):
        assert finished_last(trials, size) == whole[-size:]


def test_the_last_ones_are_found_without_ordering_all(monkeypatch: pytest.MonkeyPatch) -> None:
    ordered: list[int] = []

    def spy(members: Sequence[Member], size: int) -> list[Member]:
        ordered.append(len(members))
        return youngest(members, size)

    monkeypatch.setattr(finishing, "youngest", spy)
    trials = [_trial(number, age=number, minute=number) for number in range(500)]
    assert [trial.number for trial in finished_last(trials, 3)] == [497, 498, 499]
    assert ordered == [3]
