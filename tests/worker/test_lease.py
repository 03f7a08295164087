"""A lease names its worker, beats while the block runs, and survives what it meets."""

from __future__ import annotations

from dataclasses import replace
import itertools
import threading
from typing import Any

import optuna
from optuna import Study
from optuna.storages import InMemoryStorage
from optuna.trial import create_trial
from optuna.trial import TrialState
import pytest
import sqlalchemy.exc

from optuna_xmcnas.exceptions import StorageError
from optuna_xmcnas.worker.lease import keep
from optuna_xmcnas.worker.lease import Lease
from optuna_xmcnas.worker.lease import LEASE_KEY
from optuna_xmcnas.worker.lease import lease_of
from optuna_xmcnas.worker.lease import new_lease


JUNK: list[Any] = [None, True, -1, 0, 1, 2.5, float("nan"), "", "x", [], [1], {}, {"format": 1}]
DEADLINE_S = 30.0


def test_a_record_is_read_back() -> None:
    lease = replace(new_lease(), beat=7)
    assert Lease.from_record(lease.to_record()) == lease


def test_workers_of_one_process_have_different_names() -> None:
    assert new_lease().worker != new_lease().worker


@pytest.mark.parametrize("record", JUNK)
def test_what_is_no_lease_is_none(record: object) -> None:
    assert Lease.from_record(record) is None


@pytest.mark.parametrize("name", ["format", "worker", "host", "process", "beat"])
def test_a_record_with_a_junk_or_missing_part_is_a_lease_or_none_but_no_error(name: str) -> None:
    whole = new_lease().to_record()
    assert Lease.from_record({n: v for n, v in whole.items() if n != name}) is None
    for junk in JUNK:
        found = Lease.from_record({**whole, name: junk})
        assert found is None or isinstance(found, Lease)


def test_any_two_junk_parts_of_the_process_are_a_lease_or_none_but_no_error() -> None:
    whole = new_lease().to_record()
    for pid, machine in itertools.product(JUNK, JUNK):
        process = {**whole["process"], "pid": pid, "machine": machine}
        found = Lease.from_record({**whole, "process": process})
        assert found is None or isinstance(found.process.machine, str)


def test_a_later_version_with_more_to_say_is_understood() -> None:
    lease = new_lease()
    assert Lease.from_record({**lease.to_record(), "colour": "blue"}) == lease


def test_a_trial_without_a_lease_has_none() -> None:
    assert lease_of(create_trial(value=0.0)) is None


class Beaten(InMemoryStorage):
    """Tells when a beat was written; the first ones can be made to fail."""

    def __init__(self, *errors: Exception) -> None:
        super().__init__()
        self.beaten = threading.Event()
        self._errors = list(errors)

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        if key == LEASE_KEY and self._errors:
            raise self._errors.pop(0)
        try:
            super().set_trial_system_attr(trial_id, key, value)
        finally:
            self.beaten.set()


def make_study(*errors: Exception) -> tuple[Study, Beaten]:
    storage = Beaten(*errors)
    return optuna.create_study(storage=storage), storage


def test_the_beat_grows_while_the_block_runs() -> None:
    study, storage = make_study()
    trial = study.ask()
    with keep(study, trial, new_lease(), interval_s=0.001) as held:
        for _ in range(3):
            storage.beaten.clear()
            assert storage.beaten.wait(DEADLINE_S)
    lease = lease_of(study.trials[0])
    assert lease is not None
    assert lease.beat >= 3
    assert not held.is_lost


@pytest.mark.parametrize(
    "error",
    [
        StorageError("gone for a while"),
        sqlalchemy.exc.OperationalError("UPDATE", {}, Exception("locked")),  # an unwrapped storage
        ConnectionResetError(),
    ],
)
def test_a_beat_that_fails_is_followed_by_others(error: Exception) -> None:
    study, storage = make_study(error, error)
    with keep(study, study.ask(), new_lease(), interval_s=0.001) as held:
        assert storage.beaten.wait(DEADLINE_S)
    assert not held.is_lost


def test_a_trial_that_others_ended_is_noticed() -> None:
    study, storage = make_study()
    trial = study.ask()
    study.tell(trial.number, state=TrialState.FAIL)
    with keep(study, trial, new_lease(), interval_s=0.001) as held:
        assert storage.beaten.wait(DEADLINE_S)
        for thread in threading.enumerate():
            if thread.name == "lease of trial 0":
                thread.join(DEADLINE_S)
        assert held.is_lost
