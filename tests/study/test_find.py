"""A trial is found with its genome, or it is said what is missing."""

from __future__ import annotations

import optuna
import pytest

from optuna_xmcnas.exceptions import InvalidGenomeError
from optuna_xmcnas.genome import Genome
from optuna_xmcnas.study import begin_record
from optuna_xmcnas.study import find_trial


def test_a_trial_is_found_with_its_record() -> None:
    study = optuna.create_study()
    study.ask()
    genome = Genome.from_text("1:bilstm(0)")
    begin_record(study.ask(), genome, seed=0)
    trial, record = find_trial(study, 1)
    assert trial.number == record.number == 1
    assert record.genome == genome


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "trial 0 of study 'some' has no genome written down"),
        (1, "study 'some' has no trial 1; its trials: 0 to 0"),
        (-1, "has no trial -1"),
    ],
)
def test_what_is_missing_is_said(number: int, said: str) -> None:
    study = optuna.create_study(study_name="some")
    study.ask()
    with pytest.raises(InvalidGenomeError, match=said):
        find_trial(study, number)
