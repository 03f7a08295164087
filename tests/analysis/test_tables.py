"""The best trials of a study, whatever else is in it."""

from __future__ import annotations

from typing import Literal

import optuna
from optuna.trial import TrialState
import pytest

from optuna_xmcnas import Genome
from optuna_xmcnas.analysis import best_records
from optuna_xmcnas.genome import Node
from optuna_xmcnas.study import begin_record


def _study(direction: Literal["minimize", "maximize"]) -> optuna.Study:
    study = optuna.create_study(direction=direction)
    for value in (0.1, 0.3, 0.2, 0.3):
        trial = study.ask()
        begin_record(trial, Genome((Node("conv1", 0),)), seed=0)
        study.tell(trial, value)
    study.tell(study.ask(), 9.0)  # complete, without a record
    study.tell(study.ask(), state=TrialState.FAIL)
    study.ask()  # still running
    return study


def test_best_come_first_and_ties_in_order() -> None:
    rows = best_records(_study("maximize"), 3)
    assert [(value, record.number) for value, record in rows] == [(0.3, 1), (0.3, 3), (0.2, 2)]


def test_lowest_come_first_when_minimised() -> None:
    assert [value for value, _ in best_records(_study("minimize"), 2)] == [0.1, 0.2]


def test_several_objectives_are_refused() -> None:
    study = optuna.create_study(directions=["minimize", "maximize"])
    with pytest.raises(ValueError, match="2 objectives"):
        best_records(study, 1)
