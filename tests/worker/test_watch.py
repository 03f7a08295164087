"""Who is dead is told by the watcher's own clock, and by what can be seen from here."""

from __future__ import annotations

from dataclasses import replace
import itertools
from typing import Any

from optuna.trial import create_trial
from optuna.trial import FrozenTrial
from optuna.trial import TrialState

from optuna_xmcnas.worker.lease import Lease
from optuna_xmcnas.worker.lease import LEASE_KEY
from optuna_xmcnas.worker.lease import new_lease
from optuna_xmcnas.worker.process import ProcessId
from optuna_xmcnas.worker.process import this_process
from optuna_xmcnas.worker.watch import Watch


GRACE_S = 60.0
FAR = Lease(worker="far", host="moon", process=ProcessId("another machine", 7, "1"))
NEAR = replace(new_lease(), worker="near")
DEAD = replace(NEAR, worker="dead", process=replace(this_process(), started="1"))


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def running(lease: Any, number: int = 0) -> FrozenTrial:
    record = lease.to_record() if isinstance(lease, Lease) else lease
    attrs = {} if record is None else {LEASE_KEY: record}
    trial = create_trial(state=TrialState.RUNNING, system_attrs=attrs)
    trial.number = number
    return trial


def make_watch() -> tuple[Watch, Clock]:
    clock = Clock()
    return Watch("me", GRACE_S, clock=clock), clock


def test_a_lease_seen_for_the_first_time_is_never_silent() -> None:
    watch, _ = make_watch()
    assert watch.lost([running(FAR)], stale=()) == []


def test_a_lease_that_stands_still_for_the_grace_period_is_lost() -> None:
    watch, clock = make_watch()
    watch.lost([running(FAR)], stale=())
    clock.now += GRACE_S
    assert watch.lost([running(FAR)], stale=()) == []
    clock.now += 1
    (loss,) = watch.lost([running(FAR)], stale=())
    assert loss.reason == "its worker on moon (process 7) has been silent for 61 seconds"
    assert not loss.is_orphan


def test_a_beat_starts_the_silence_anew() -> None:
    watch, clock = make_watch()
    for beat in range(5):
        assert watch.lost([running(replace(FAR, beat=beat))], stale=()) == []
        clock.now += GRACE_S


def test_a_lease_is_told_from_that_of_another_trial_with_the_same_number_later() -> None:
    watch, clock = make_watch()
    watch.lost([running(FAR)], stale=())
    clock.now += GRACE_S + 1
    assert watch.lost([], stale=()) == []  # ended, or another study
    assert watch.lost([running(FAR)], stale=()) == []


def test_a_process_that_is_gone_from_this_machine_is_lost_at_once() -> None:
    watch, _ = make_watch()
    (loss,) = watch.lost([running(DEAD), running(NEAR, 1)], stale=())
    assert loss.trial.number == 0
    assert loss.reason.endswith("is gone")


def test_a_process_that_is_here_and_hangs_is_lost_by_its_silence() -> None:
    watch, clock = make_watch()
    watch.lost([running(NEAR)], stale=())
    clock.now += 3 * GRACE_S  # its writes may not get through
    assert watch.lost([running(NEAR)], stale=()) == []
    clock.now += 1
    (loss,) = watch.lost([running(NEAR)], stale=())
    assert "silent for 181 seconds" in loss.reason


def test_a_trial_whose_worker_turned_out_to_live_is_watched_anew() -> None:
    watch, clock = make_watch()
    watch.lost([running(FAR)], stale=())
    clock.now += GRACE_S + 1
    (loss,) = watch.lost([running(FAR)], stale=())
    watch.forget(loss.trial)
    assert watch.lost([running(FAR)], stale=()) == []


def test_a_running_trial_of_our_own_is_an_orphan() -> None:
    watch, _ = make_watch()
    (loss,) = watch.lost([running(replace(NEAR, worker="me"))], stale=())
    assert loss.is_orphan
    assert "begun twice" in loss.reason


def test_a_trial_without_a_lease_is_left_alone_for_ever() -> None:
    watch, clock = make_watch()
    for _ in range(3):
        assert watch.lost([running(None)], stale=()) == []
        clock.now += 100 * GRACE_S


def test_a_database_ends_a_trial_without_a_lease() -> None:
    watch, clock = make_watch()
    trials = [running(None), running(None, 1)]
    assert watch.lost(trials, stale={1}) == []  # a clock may have jumped
    clock.now += GRACE_S / 2 + 1
    (loss,) = watch.lost(trials, stale={1})
    assert loss.trial.number == 1
    assert "no heartbeat" in loss.reason


def test_a_database_ends_the_trial_of_another_machine() -> None:
    watch, clock = make_watch()
    assert watch.lost([running(FAR)], stale={0}) == []  # a clock may have jumped
    clock.now += GRACE_S / 2 + 1
    assert watch.lost([running(FAR)], stale=()) == []
    (loss,) = watch.lost([running(FAR)], stale={0})
    assert loss.reason == "its worker on moon (process 7) has been silent for 31 seconds"


def test_a_worker_of_this_machine_is_alive_although_the_machine_slept() -> None:
    watch, clock = make_watch()
    for _ in range(2):
        assert watch.lost([running(NEAR)], stale={0}) == []
        clock.now += GRACE_S


def test_an_outage_is_nobodys_silence() -> None:
    watch, clock = make_watch()
    watch.lost([running(FAR)], stale=())
    clock.now += 10 * GRACE_S
    recovered_at = clock.now - 1
    assert watch.lost([running(FAR)], {0}, recovered_at) == []
    clock.now = recovered_at + GRACE_S / 2
    assert watch.lost([running(FAR)], {0}, recovered_at) == []
    clock.now = recovered_at + GRACE_S
    assert watch.lost([running(FAR)], (), recovered_at) == []
    clock.now += 1
    (loss,) = watch.lost([running(FAR)], (), recovered_at)
    assert "silent for 61 seconds" in loss.reason


def test_a_lease_of_any_shape_is_watched_without_an_error() -> None:
    junk: list[Any] = [None, True, -1, 2.5, "x", [], {}, {"format": 1}, {"format": 99}]
    names = ("format", "worker", "host", "process", "beat")
    parts = [{**FAR.to_record(), n: value} for n, value in itertools.product(names, junk)]
    watch, clock = make_watch()
    trials = [running(record, number) for number, record in enumerate([*junk, *parts])]
    for _ in range(2):
        lost = watch.lost(trials, stale={0})
        clock.now += GRACE_S + 1
    assert {loss.trial.number for loss in lost} >= {0}
