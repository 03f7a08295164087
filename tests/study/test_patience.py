"""A storage that waits: for how long, what it says, and what it passes on."""

from __future__ import annotations

from collections.abc import Callable
import logging
import math
import pickle
import sqlite3
import threading
from typing import Any

import optuna
from optuna.exceptions import DuplicatedStudyError
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import _CachedStorage
from optuna.storages import BaseStorage
from optuna.storages import InMemoryStorage
from optuna.storages import JournalStorage
from optuna.storages import RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import StudyDirection
from optuna.trial import TrialState
import pytest
from sqlalchemy.exc import OperationalError

from optuna_xmcnas.exceptions import StorageError
from optuna_xmcnas.study import open_storage
from optuna_xmcnas.study import PatientStorage
from optuna_xmcnas.study.address import Address


ADDRESS = Address.parse("mysql+pymysql://ann:canary@host/db")
MAXIMIZE = [StudyDirection.MAXIMIZE]
LOCKED = OperationalError("UPDATE", {}, sqlite3.OperationalError("database is locked"))
FULL = OperationalError("UPDATE", {}, sqlite3.OperationalError("database or disk is full"))
GONE = ConnectionResetError("no answer from mysql://ann:canary@host, password canary")


class Faults:
    """Makes methods of a storage fail a number of times, before or after they did their work."""

    def __init__(self, storage: BaseStorage, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls = 0
        self._storage = storage
        self._monkeypatch = monkeypatch

    def add(self, name: str, *errors: Exception, answer_is_lost: bool = False) -> None:
        method: Callable[..., Any] = getattr(self._storage, name)
        left = list(errors)

        def fail(*args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            if left and not answer_is_lost:
                raise left.pop(0)
            result = method(*args, **kwargs)
            if left:
                raise left.pop(0)
            return result

        self._monkeypatch.setattr(self._storage, name, fail)


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def inner() -> InMemoryStorage:
    return InMemoryStorage()


@pytest.fixture
def storage(inner: InMemoryStorage) -> PatientStorage:
    return PatientStorage(inner, ADDRESS, patience_s=600)


@pytest.fixture
def faults(inner: InMemoryStorage, monkeypatch: pytest.MonkeyPatch) -> Faults:
    return Faults(inner, monkeypatch)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("optuna_xmcnas.study.patience.time", clock)
    return clock


def test_every_call_of_an_optuna_storage_is_handed_on() -> None:
    pure = {"check_trial_is_updatable"}  # looks at its arguments only
    public = {name for name in vars(BaseStorage) if not name.startswith("_")} - pure
    assert public <= set(vars(PatientStorage))


@pytest.mark.usefixtures("clock")
def test_a_call_is_repeated_until_it_succeeds(storage: PatientStorage, faults: Faults) -> None:
    faults.add("get_study_id_from_name", GONE, LOCKED, GONE)
    study_id = storage.create_new_study(MAXIMIZE, "one")
    assert storage.get_study_id_from_name("one") == study_id
    assert faults.calls == 4


def test_patience_ends(storage: PatientStorage, faults: Faults, clock: Clock) -> None:
    faults.add("get_all_studies", *[GONE] * 1000)
    with pytest.raises(StorageError, match=r"did not answer for 600 s: no answer") as caught:
        storage.get_all_studies()
    assert "canary" not in str(caught.value)
    assert clock.now == pytest.approx(600)
    assert max(clock.pauses) <= 15
    assert sum(pause > 7 for pause in clock.pauses) > 30  # they grow to half of the longest


def test_patience_can_be_lost_meanwhile(
    storage: PatientStorage, faults: Faults, clock: Clock
) -> None:
    faults.add("get_all_studies", *[GONE] * 1000)

    def stop(seconds: float) -> None:
        clock.now += seconds
        storage.patience_s = 1

    clock.sleep = stop  # type: ignore[method-assign]
    with pytest.raises(StorageError, match=r"did not answer for"):
        storage.get_all_studies()
    assert clock.now < 20


def test_what_will_not_pass_is_told_at_once(
    storage: PatientStorage, faults: Faults, clock: Clock
) -> None:
    faults.add("get_all_studies", FULL)
    with pytest.raises(
        StorageError, match=r"mysql.*ann:\*\*\*@host.*the disk .* is full"
    ) as caught:
        storage.get_all_studies()
    assert caught.value.__cause__ is None
    assert clock.pauses == []


def test_what_is_wrong_with_the_call_is_passed_on(storage: PatientStorage) -> None:
    study_id = storage.create_new_study(MAXIMIZE, "one")
    trial_id = storage.create_new_trial(study_id)
    storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [1.0])
    with pytest.raises(DuplicatedStudyError, match=r"one|^$"):
        storage.create_new_study(MAXIMIZE, "one")
    with pytest.raises(UpdateFinishedTrialError, match=r"finished"):
        storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [1.0])
    with pytest.raises(KeyError, match=r"99"):
        storage.get_trial(99)


@pytest.mark.usefixtures("clock")
def test_an_outage_is_reported_once(
    storage: PatientStorage, faults: Faults, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "optuna_xmcnas")
    faults.add("get_all_studies", *[GONE] * 12)
    storage.get_all_studies()
    silent, back = caplog.messages
    assert "does not answer (no answer from mysql://ann:***@host" in silent
    assert "answers again" in back
    assert "canary" not in caplog.text


@pytest.mark.usefixtures("clock")
def test_a_short_disturbance_is_not_reported(
    storage: PatientStorage, faults: Faults, caplog: pytest.LogCaptureFixture
) -> None:
    faults.add("get_n_trials", LOCKED, LOCKED)
    study_id = storage.create_new_study(MAXIMIZE)
    assert storage.get_n_trials(study_id) == 0
    assert caplog.messages == []
    assert storage.recovered_at == -math.inf


def test_the_end_of_an_outage_is_remembered(
    storage: PatientStorage, faults: Faults, clock: Clock
) -> None:
    faults.add("get_all_studies", *[GONE] * 12)
    storage.get_all_studies()
    assert storage.recovered_at == clock.now > 0


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("name", ["one", None])
def test_a_study_whose_creation_was_not_answered_is_recognised(
    storage: PatientStorage, faults: Faults, name: str | None
) -> None:
    faults.add("create_new_study", GONE, answer_is_lost=True)
    study_id = storage.create_new_study(MAXIMIZE, name)
    assert [study._study_id for study in storage.get_all_studies()] == [study_id]


@pytest.mark.usefixtures("clock")
def test_a_study_with_trials_is_another_ones(
    storage: PatientStorage, inner: InMemoryStorage, faults: Faults
) -> None:
    inner.create_new_trial(inner.create_new_study(MAXIMIZE, "one"))
    faults.add("create_new_study", GONE)
    with pytest.raises(DuplicatedStudyError, match=r"one|^$"):
        storage.create_new_study(MAXIMIZE, "one")


@pytest.mark.usefixtures("clock")
def test_a_result_whose_arrival_was_not_answered_is_recognised(
    storage: PatientStorage, faults: Faults
) -> None:
    trial_id = storage.create_new_trial(storage.create_new_study(MAXIMIZE))
    faults.add("set_trial_state_values", GONE, answer_is_lost=True)
    assert storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [0.5])
    assert storage.get_trial(trial_id).values == [0.5]


@pytest.mark.usefixtures("clock")
def test_a_trial_that_somebody_else_ended_meanwhile_is_not_ours(
    storage: PatientStorage, inner: InMemoryStorage, faults: Faults
) -> None:
    trial_id = storage.create_new_trial(storage.create_new_study(MAXIMIZE))
    inner.set_trial_state_values(trial_id, TrialState.FAIL)
    faults.add("set_trial_state_values", GONE)
    with pytest.raises(UpdateFinishedTrialError, match=r"finished"):
        storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [0.5])


def test_a_late_verdict_of_a_journal_does_not_hit_another_call(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = JournalFileBackend(f"{tmp_path}/study.log")
    inner = JournalStorage(journal)
    storage = PatientStorage(inner, ADDRESS, patience_s=600)
    trial_id = storage.create_new_trial(storage.create_new_study(MAXIMIZE))
    Faults(journal, monkeypatch).add("read_logs", *[GONE] * 3)  # type: ignore[arg-type]
    assert storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [0.5])
    with pytest.raises(UpdateFinishedTrialError, match=r"already finished"):
        storage.set_trial_user_attr(trial_id, "late", 1)
    assert storage.get_trial(trial_id).value == 0.5


def test_threads_may_share_it(storage: PatientStorage) -> None:
    study = optuna.create_study(storage=storage)
    threads = [
        threading.Thread(target=study.optimize, args=(lambda trial: 1.0,), kwargs={"n_trials": 5})
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(trial.number for trial in study.trials) == list(range(20))


def test_it_can_be_sent_to_another_process(tmp_path: Any) -> None:
    storage = open_storage(f"sqlite:///{tmp_path}/study.db")
    storage.create_new_study(MAXIMIZE, "one")
    again = pickle.loads(pickle.dumps(storage))  # noqa: S301
    assert [study.study_name for study in again.get_all_studies()] == ["one"]
    assert again.patience_s == 600


def test_heartbeats_are_the_databases(tmp_path: Any, storage: PatientStorage) -> None:
    database = open_storage(f"sqlite:///{tmp_path}/study.db", grace_s=20)
    assert isinstance(database._backend, _CachedStorage)
    assert isinstance(database._backend._backend, RDBStorage)
    study_id = database.create_new_study(MAXIMIZE)
    silent, alive = database.create_new_trial(study_id), database.create_new_trial(study_id)
    for trial_id in (silent, alive):
        database.record_heartbeat(trial_id)
    assert database.stale_trial_ids(study_id) == []
    with database._backend._backend.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE trial_heartbeats SET heartbeat = datetime(heartbeat, '-21 seconds') "
            f"WHERE trial_id = {silent}"
        )
    assert database.stale_trial_ids(study_id) == [silent]
    storage.record_heartbeat(0)  # has none
    assert storage.stale_trial_ids(0) == []
