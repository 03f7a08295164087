"""The best trial, ties included."""

from __future__ import annotations

import optuna

from optuna_xmcnas.study import best_of


def test_of_equal_trials_the_first_is_best() -> None:
    study = optuna.create_study(direction="maximize")
    for value in (0.1, 0.4, 0.4, 0.2):
        study.add_trial(optuna.create_trial(value=value))
    best = best_of(reversed(study.get_trials()))
    assert best is not None
    assert best.number == 1


def test_no_trial_is_best_of_none() -> None:
    assert best_of([]) is None
