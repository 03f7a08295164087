"""What a study has cost."""

from __future__ import annotations

from datetime import timedelta

from optuna.trial import TrialState
import pytest

from optuna_xmcnas.analysis import costs_of
from optuna_xmcnas.analysis import read_history
from optuna_xmcnas.analysis import Spread
from optuna_xmcnas.study import Ended
from tests.analysis.histories import BEGIN
from tests.analysis.histories import make_history
from tests.analysis.histories import make_row
from tests.analysis.histories import make_study


def test_times_are_summed_over_trials() -> None:
    rows = [
        make_row(0, 0.5, seconds=30.0),
        make_row(1, 0.5, seconds=50.0),
        make_row(2, failure="ran out of memory"),  # a minute, by the clock
    ]
    costs = costs_of(make_history(rows))
    assert costs.child_seconds == 140.0
    assert costs.wall_seconds == 180.0
    assert costs.seconds is not None
    assert (costs.seconds.mean, costs.seconds.n) == (40.0, 2)


def test_lost_children_ended_nobody_knows_when() -> None:
    late = BEGIN + timedelta(days=7)
    rows = [make_row(0, failure="lost: no sign of life", ended=late), make_row(1, ended=late)]
    costs = costs_of(make_history(rows))
    assert (costs.child_seconds, costs.n_lost) == (0.0, 2)
    assert "lost with their workers" in costs.sentence


def test_lost_child_that_was_tried_again_is_one_child() -> None:
    rows = [make_row(0, failure="lost: no sign of life"), make_row(1, 0.5, origin=0)]
    costs = costs_of(make_history(rows))
    assert costs.n_children == 1
    assert costs.states == {"complete": 1, "fail": 1}


def test_reasons_that_differ_by_a_number_are_the_same() -> None:
    rows = [
        make_row(0, failure="tried to allocate 20.5 GiB\nmore"),
        make_row(1, failure="tried to allocate 3 GiB"),
        make_row(2, failure="lost: of worker a"),
        make_row(3, failure="lost: of worker b"),
        make_row(4, failure="lost: of worker c"),
        make_row(5, None, None),
    ]
    assert costs_of(make_history(rows)).failures == {
        "lost with its worker": 3,
        "tried to allocate 20.5 GiB": 2,
        "no reason was written down": 1,
    }


def test_sizes_and_devices_are_told() -> None:
    rows = [
        make_row(0, 0.5, n_parameters=10, peak_memory_bytes=100, device="cpu"),
        make_row(1, 0.5, n_parameters=30, device="cuda:0"),
        make_row(2, 0.5, n_parameters=40, device="cuda:0"),
    ]
    costs = costs_of(make_history(rows))
    assert costs.n_parameters == Spread(least=10, median=30.0, greatest=40)
    assert costs.peak_memory_bytes == Spread(least=100, median=100.0, greatest=100)
    assert costs.devices == {"cuda:0": 2, "cpu": 1}


def test_running_and_waiting_trials_cost_nothing_yet() -> None:
    rows = [
        make_row(0, state=TrialState.RUNNING),
        make_row(1, state=TrialState.WAITING, genome=None),
    ]
    costs = costs_of(make_history(rows))
    assert (costs.child_seconds, costs.wall_seconds) == (0.0, None)
    assert costs.sentence == "2 trials (1 waiting, 1 in training)."


def test_study_without_trials_says_so() -> None:
    assert costs_of(make_history([])).sentence == "There are no trials."


def test_simulated_study_adds_up() -> None:
    history = read_history(make_study(60))
    costs = costs_of(history)
    assert costs.states == {"complete": 58, "fail": 2}
    assert sum(costs.failures.values()) == 2
    by_clock = sum(
        (row.ended - row.began).total_seconds() for row in history.rows if row.ended and row.began
    )
    assert costs.child_seconds == pytest.approx(by_clock)


def test_what_ended_by_no_fault_of_its_child_is_no_failure() -> None:
    rows = [
        make_row(0, 0.5, seconds=30.0),
        make_row(1, ended_why=Ended.INTERRUPTED),
        make_row(2, genome=None, ended_why=Ended.UNNEEDED),
        make_row(3, failure="lost: no sign of life", ended_why=Ended.LOST),
        make_row(4, failure="not finite"),
    ]
    costs = costs_of(make_history(rows))
    assert costs.states == {"complete": 1, "fail": 1, "lost": 1, "interrupted": 1, "unneeded": 1}
    assert costs.failures == {"not finite": 1}
    assert (costs.n_lost, costs.n_children) == (1, 4)
    assert costs.child_seconds == 30.0 + 60.0 + 60.0
    assert "1 interrupted, 1 not needed" in costs.sentence


@pytest.mark.parametrize(("resumed_at_step", "seconds"), [(10, 100.0), (None, 160.0)])
def test_time_before_a_checkpoint_counts_once(resumed_at_step: int | None, seconds: float) -> None:
    rows = [
        make_row(0, ended_why=Ended.INTERRUPTED),
        make_row(1, 0.5, origin=0, seconds=100.0, resumed_at_step=resumed_at_step),
    ]
    costs = costs_of(make_history(rows))
    assert (costs.child_seconds, costs.n_children) == (seconds, 1)
