"""Trials are begun, claimed and ended through the storage, whole or not at all."""

from __future__ import annotations

import math
from pathlib import Path

from optuna.storages import BaseStorage
from optuna.storages import InMemoryStorage
from optuna.storages import JournalStorage
from optuna.storages import RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState
import pytest

from optuna_xmcnas import RegularizedEvolutionSampler
from optuna_xmcnas.worker.trials import claim
from optuna_xmcnas.worker.trials import create_running
from optuna_xmcnas.worker.trials import fail_trial
from optuna_xmcnas.worker.trials import is_enqueued
from optuna_xmcnas.worker.trials import recovered_at
from optuna_xmcnas.worker.trials import set_failure
from optuna_xmcnas.worker.trials import stale_trial_numbers
from optuna_xmcnas.worker.trials import start
from optuna_xmcnas.worker.trials import with_id
from tests.worker.toys import make_study


@pytest.fixture(params=["memory", "sqlite", "journal"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> BaseStorage:
    if request.param == "memory":
        return InMemoryStorage()
    if request.param == "sqlite":
        return RDBStorage(f"sqlite:///{tmp_path}/study.db")
    return JournalStorage(JournalFileBackend(f"{tmp_path}/study.log"))


def test_a_new_trial_has_its_attributes_and_no_genome_until_it_starts(
    storage: BaseStorage,
) -> None:
    study = make_study(storage)
    created = create_running(study, {"xmcnas:lease": {"format": 1}})
    running = with_id(study.trials, created)
    assert running.state == TrialState.RUNNING
    assert running.datetime_start is not None
    assert study.trials[0].system_attrs == {"xmcnas:lease": {"format": 1}}
    trial = start(study, created)
    assert trial is not None
    assert trial.number == 0
    assert RegularizedEvolutionSampler.proposal_of(study.trials[0]) is not None


def test_a_waiting_trial_is_claimed_by_one(storage: BaseStorage) -> None:
    study = make_study(storage)
    study.enqueue_trial({"n_layers": 3})
    (waiting,) = study.trials
    assert is_enqueued(waiting)
    claimed = claim(study, waiting, "bid:a", "who", "a")
    assert claimed is not None
    assert study.trials[0].state == TrialState.RUNNING
    assert study.trials[0].system_attrs["who"] == "a"
    assert claim(study, waiting, "bid:b", "who", "b") is None
    trial = start(study, claimed)
    assert trial is not None
    assert trial.suggest_int("n_layers", 2, 6) == 3


def test_a_finished_trial_is_neither_claimed_nor_failed_nor_changed(storage: BaseStorage) -> None:
    study = make_study(storage)
    created = create_running(study, {})
    running = with_id(study.trials, created)
    assert fail_trial(study, running, "why", 1)
    before = study.trials[0]
    assert before.state == TrialState.FAIL
    assert not fail_trial(study, running, "why", 2)
    assert claim(study, running, "bid:b", "who", "b") is None
    assert start(study, created) is None
    set_failure(study, running, "another reason")
    assert study.trials[0] == before


def test_a_storage_without_heartbeats_finds_nobody_stale(storage: BaseStorage) -> None:
    study = make_study(storage)
    create_running(study, {})
    assert stale_trial_numbers(study, study.trials) == set()


class Database(InMemoryStorage):
    """Knows which trials are stale, and of an outage."""

    recovered_at = 7.0

    def stale_trial_ids(self, study_id: int) -> list[int]:
        return [trial._trial_id for trial in self.get_all_trials(study_id)[1:]]


def test_stale_trials_are_told_by_their_numbers() -> None:
    study = make_study(Database())
    for _ in range(3):
        create_running(study, {})
    assert stale_trial_numbers(study, study.trials[:2]) == {1}


def test_the_end_of_an_outage_is_known() -> None:
    assert recovered_at(make_study(Database())) == 7.0


def test_a_storage_that_knows_no_outages_never_came_back_from_one() -> None:
    assert recovered_at(make_study()) == -math.inf
