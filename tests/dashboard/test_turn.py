"""Whose turn it is to refresh the figures of a study."""

from __future__ import annotations

import optuna
from optuna import Study
import pytest

from optuna_xmcnas.dashboard.turn import Claim
from optuna_xmcnas.dashboard.turn import Turn


KEY = "xmcnas:figures"


class Clock:
    """A clock that is moved by hand."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def study() -> Study:
    return optuna.create_study()


def refreshes(
    turn: Turn, study: Study, n_finished: int, best: int | None = None, *, force: bool = False
) -> bool:
    """Refresh if it is the turn to, as the gallery does; return whether it was."""
    if not turn.may_be and not force:
        return False
    turn.begin()
    is_taken = turn.take(study, n_finished, best, force=force)
    if is_taken:
        turn.end()
    return is_taken


def test_a_refresh_is_followed_by_none_for_a_minute(study: Study) -> None:
    clock = Clock()
    turn = Turn(60.0, clock)
    done = []
    for n_finished in range(1, 200):
        clock.now += 1.0
        if refreshes(turn, study, n_finished):
            done.append(clock.now)
    assert done[0] == 1001.0
    gaps = [later - earlier for earlier, later in zip(done, done[1:], strict=False)]
    assert len(gaps) == 3
    assert min(gaps) >= 60.0


def test_one_of_many_workers_refreshes_in_a_minute(study: Study) -> None:
    clocks = [Clock(1000.0), Clock(5.0), Clock(-7.0), Clock(1e9)]
    turns = [Turn(60.0, clock) for clock in clocks]
    done = []
    for second in range(1, 300):
        for clock, turn in zip(clocks, turns, strict=True):
            clock.now += 1.0
            if refreshes(turn, study, second):
                done.append(second)
    gaps = [later - earlier for earlier, later in zip(done, done[1:], strict=False)]
    assert 3 <= len(gaps) <= 5
    assert min(gaps) >= 60


def test_a_slow_refresh_is_followed_by_a_long_pause(study: Study) -> None:
    clock = Clock()
    turn = Turn(60.0, clock)
    turn.begin()
    assert turn.take(study, 1)
    clock.now += 10.0
    turn.end()
    clock.now += 499.0
    assert not refreshes(turn, study, 2)
    clock.now += 1.0
    assert refreshes(turn, study, 2)
    claim = Claim.from_record(study.user_attrs[KEY])
    assert claim is not None
    assert claim.pause_s == 500.0  # for the others too


def test_what_is_done_once_in_a_process_makes_no_long_pause(study: Study) -> None:
    clock = Clock()
    turn = Turn(60.0, clock)
    turn.begin()
    assert turn.take(study, 1)
    with turn.uncounted():
        clock.now += 10.0
    clock.now += 0.5
    turn.end()
    clock.now += 59.0
    assert not turn.may_be
    clock.now += 1.0
    assert refreshes(turn, study, 2)


def test_a_long_study_is_refreshed_for_one_percent_more_or_a_new_best_or_in_half_an_hour(
    study: Study,
) -> None:
    clock = Clock()
    turn = Turn(60.0, clock)
    assert refreshes(turn, study, 1000, best=7)
    clock.now += 60.0
    assert not refreshes(turn, study, 1005, best=7)
    clock.now += 60.0
    assert refreshes(turn, study, 1011, best=7)
    clock.now += 60.0
    assert refreshes(turn, study, 1012, best=1011)
    clock.now += 1740.0
    assert not refreshes(turn, study, 1013, best=1011)
    clock.now += 60.0
    assert refreshes(turn, study, 1013, best=1011)


def test_what_failed_is_not_tried_again_at_once(study: Study) -> None:
    clock = Clock()
    turn = Turn(60.0, clock)
    turn.begin()  # and then the storage failed
    assert not turn.may_be


def test_nothing_new_needs_no_refresh_even_by_force(study: Study) -> None:
    turn, other = Turn(0.0, Clock()), Turn(0.0, Clock())
    assert refreshes(turn, study, 7)
    assert not refreshes(turn, study, 7, force=True)
    assert not refreshes(other, study, 7, force=True)
    assert refreshes(other, study, 8, force=True)


def test_force_asks_for_no_pause(study: Study) -> None:
    turn, other = Turn(60.0, Clock()), Turn(60.0, Clock())
    assert refreshes(turn, study, 1)
    assert not refreshes(other, study, 2)
    assert refreshes(other, study, 2, force=True)


def test_of_two_workers_that_claim_at_once_the_later_one_has_the_turn(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = Turn(60.0, Clock()), Turn(60.0, Clock())
    results = []
    write = Study.set_user_attr

    def write_after_the_other(study: Study, key: str, value: object) -> None:
        monkeypatch.setattr(Study, "set_user_attr", write)
        write(study, key, value)
        second._seen = None  # it had looked before the first one wrote
        second.begin()
        results.append(second.take(study, 1) or second.take(study, 2, force=True))

    monkeypatch.setattr(Study, "set_user_attr", write_after_the_other)
    first.begin()
    assert not first.take(study, 1)
    assert results == [True]


@pytest.mark.parametrize(
    "time", ["2999-01-01T00:00:00.000+00:00", "1970-01-01T00:00:00.000+00:00", "soon"]
)
def test_a_claim_from_another_time_blocks_for_a_minute(study: Study, time: str) -> None:
    claim = Claim(worker="dead", time=time, n_finished=3, best=None, pause_s=60.0)
    study.set_user_attr(KEY, claim.to_record())
    clock = Clock()
    turn = Turn(60.0, clock)
    assert not refreshes(turn, study, 4)
    clock.now += 59.0
    assert not refreshes(turn, study, 4)
    clock.now += 1.0
    assert refreshes(turn, study, 4)


@pytest.mark.parametrize(
    "record",
    [
        "what",
        {"format": 99},
        {"format": 1},
        {"format": 1, "worker": "w", "time": "t", "n_finished": "1", "pause_s": 60},
        {"format": 1, "worker": "w", "time": "t", "n_finished": 1, "pause_s": 1e12},
    ],
)
def test_a_claim_that_nobody_understands_blocks_for_an_hour_at_most(
    study: Study, record: object
) -> None:
    study.set_user_attr(KEY, record)
    clock = Clock()
    turn = Turn(60.0, clock)
    assert not refreshes(turn, study, 4)
    clock.now += 3600.0
    assert refreshes(turn, study, 4)


def test_claim_survives_its_record() -> None:
    claim = Claim(
        worker="w", time="2026-01-01T00:00:00.000+00:00", n_finished=3, best=None, pause_s=60.0
    )
    assert Claim.from_record(claim.to_record()) == claim
