"""What a study keeps of its verdicts can be read back, whatever else stands there."""

from __future__ import annotations

import optuna
import pytest

from optuna_xmcnas.study import linear_of
from optuna_xmcnas.study import LinearRecord
from optuna_xmcnas.study import metrics_on_test
from optuna_xmcnas.study import note_linear
from optuna_xmcnas.study import note_metrics_on_test


LINEAR = LinearRecord(
    description="trees", test={"P@5": 0.5}, train_seconds=2.5, predict_seconds=0.5
)


def test_metrics_of_several_trials_are_kept() -> None:
    study = optuna.create_study()
    note_metrics_on_test(study, 3, {"P@5": 0.25})
    note_metrics_on_test(study, 11, {"P@5": 0.5})
    assert metrics_on_test(study) == {3: {"P@5": 0.25}, 11: {"P@5": 0.5}}


def test_record_of_one_trial_only_is_read() -> None:
    study = optuna.create_study()
    study.set_user_attr("xmcnas:test", {"format": 1, "trial": 4, "metrics": {"P@1": 0.75}})
    assert metrics_on_test(study) == {4: {"P@1": 0.75}}
    note_metrics_on_test(study, 5, {"P@1": 0.5})
    assert metrics_on_test(study) == {4: {"P@1": 0.75}, 5: {"P@1": 0.5}}


@pytest.mark.parametrize(
    "record",
    [
        None,
        7,
        {},
        {"format": 99, "metrics": {"1": {"P@5": 0.5}}},
        {"format": 2, "metrics": 5},
        {"format": 2, "metrics": {"one": {"P@5": 0.5}, "2": 7}},
        {"format": 1, "trial": None, "metrics": {"P@5": 0.5}},
    ],
)
def test_records_that_cannot_be_trusted_say_nothing(record: object) -> None:
    study = optuna.create_study()
    study.set_user_attr("xmcnas:test", record)
    assert metrics_on_test(study) == {}


def test_linear_baseline_is_read_back() -> None:
    study = optuna.create_study()
    note_linear(study, LINEAR)
    assert linear_of(study) == LINEAR


def test_linear_baseline_of_the_first_worker_stays() -> None:
    study = optuna.create_study()
    note_linear(study, LINEAR)
    other = LinearRecord(description="others", test={}, train_seconds=0, predict_seconds=0)
    note_linear(study, other)
    assert linear_of(study) == LINEAR


@pytest.mark.parametrize(
    "record",
    [
        None,
        {"format": 2},
        {"format": 1, "description": "trees", "test": {}, "train_seconds": "1"},
        {"format": 1, "description": 3, "test": {}, "train_seconds": 1, "predict_seconds": 1},
    ],
)
def test_linear_records_that_cannot_be_trusted_say_nothing(record: object) -> None:
    study = optuna.create_study()
    study.set_user_attr("xmcnas:linear", record)
    assert linear_of(study) is None
