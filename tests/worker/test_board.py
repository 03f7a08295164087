"""A board reads the budget, what is owed and what failed from the trials alone."""

from __future__ import annotations

from collections.abc import Mapping
import itertools
from typing import Any

from optuna.distributions import IntDistribution
from optuna.trial import create_trial
from optuna.trial import FrozenTrial
from optuna.trial import TrialState
import pytest

from optuna_xmcnas.samplers import Proposal
from optuna_xmcnas.samplers.storage import ENDED_KEY
from optuna_xmcnas.study import Ended
from optuna_xmcnas.study import ended_of
from optuna_xmcnas.study import Retry
from optuna_xmcnas.study import RETRY_KEY
from optuna_xmcnas.worker.board import Board
from optuna_xmcnas.worker.board import losses_of
from optuna_xmcnas.worker.lease import LEASE_KEY
from tests.worker.toys import LIVING


COMPLETE, FAIL, RUNNING = TrialState.COMPLETE, TrialState.FAIL, TrialState.RUNNING
WAITING, PRUNED = TrialState.WAITING, TrialState.PRUNED
PROPOSAL_KEY = "RegularizedEvolutionSampler:proposal"
JUNK: list[Any] = [None, True, -1, 2.5, "x", "lost", [], [1], {}, {"format": 1}, {"format": 9}]


def trial_in(
    state: TrialState,
    *,
    ended: Ended | None = None,
    genome: str | None = "a",
    retry: Retry | None = None,
    parent: int | None = None,
    mutation: str | None = None,
    attrs: Mapping[str, Any] | None = None,
) -> FrozenTrial:
    system: dict[str, Any] = {}
    if state == RUNNING:
        system[LEASE_KEY] = LIVING.to_record()
    if ended is not None:
        system[ENDED_KEY] = ended.to_record()
    if genome is not None:
        proposal = Proposal(params={}, identity=genome, parent=parent, mutation=mutation)
        system[PROPOSAL_KEY] = proposal.to_record()
    if retry is not None:
        system[RETRY_KEY] = retry.to_record()
    value = 0.0 if state == COMPLETE else None
    return create_trial(state=state, value=value, system_attrs={**system, **(attrs or {})})


def board(*trials: FrozenTrial, retries: int = 1) -> Board:
    for number, trial in enumerate(trials):
        trial.number = number
    return Board(trials, retries)


def numbers(trials: list[FrozenTrial]) -> list[int]:
    return [trial.number for trial in trials]


def lost(**more: Any) -> FrozenTrial:
    return trial_in(FAIL, ended=Ended.LOST, **more)


def test_an_ending_is_read_back() -> None:
    assert [ended_of(trial_in(FAIL, ended=ended)) for ended in Ended] == list(Ended)


@pytest.mark.parametrize("state", [COMPLETE, RUNNING, PRUNED])
def test_a_mark_that_was_overtaken_by_the_end_of_the_trial_says_nothing(state: TrialState) -> None:
    assert ended_of(trial_in(state, ended=Ended.LOST)) is None


@pytest.mark.parametrize("record", JUNK)
def test_a_junk_mark_says_nothing(record: object) -> None:
    assert ended_of(trial_in(FAIL, attrs={ENDED_KEY: record})) is None


def test_spoken_for_are_complete_and_running_trials() -> None:
    states = [COMPLETE, RUNNING, WAITING, FAIL, PRUNED, RUNNING, COMPLETE]
    found = board(*(trial_in(state) for state in states))
    assert found.n_spoken_for() == 4
    assert found.n_spoken_for(before=5) == 3  # a complete one counts, whenever it began


def test_a_running_trial_that_no_worker_holds_is_not_spoken_for() -> None:
    assert board(trial_in(RUNNING, attrs={LEASE_KEY: {"format": 99}})).n_spoken_for() == 0


def test_losses_of_a_chain_add_up() -> None:
    assert losses_of(lost()) == 1
    assert losses_of(lost(retry=Retry(0, 0, losses=1))) == 2
    assert losses_of(trial_in(FAIL, ended=Ended.INTERRUPTED, retry=Retry(0, 0, losses=1))) == 1


@pytest.mark.parametrize("ended", [Ended.LOST, Ended.INTERRUPTED])
def test_a_lost_or_interrupted_trial_is_owed(ended: Ended) -> None:
    assert numbers(board(trial_in(COMPLETE, genome="b"), trial_in(FAIL, ended=ended)).owed()) == [
        1
    ]


@pytest.mark.parametrize("ended", [None, Ended.UNNEEDED])
def test_a_failed_or_unneeded_trial_is_not_owed(ended: Ended | None) -> None:
    assert board(trial_in(FAIL, ended=ended)).owed() == []


@pytest.mark.parametrize("state", [RUNNING, COMPLETE, FAIL, PRUNED])
def test_a_trial_that_another_goes_on_with_is_not_owed(state: TrialState) -> None:
    assert board(lost(), trial_in(state, retry=Retry(0, 0, 1))).owed() == []


def test_a_trial_whose_retry_was_unneeded_is_owed_again() -> None:
    unneeded = trial_in(FAIL, ended=Ended.UNNEEDED, retry=Retry(0, 0, 1))
    assert numbers(board(lost(), unneeded).owed()) == [0]


@pytest.mark.parametrize(("retries", "expected"), [(0, []), (1, []), (2, [1])])
def test_a_chain_ends_when_its_retries_are_used_up(retries: int, expected: list[int]) -> None:
    twice_lost = board(lost(), lost(retry=Retry(0, 0, losses=1)), retries=retries)
    assert numbers(twice_lost.owed()) == expected


@pytest.mark.parametrize("losses", [0, 1])
def test_an_interruption_costs_no_retry(losses: int) -> None:
    interrupted = trial_in(FAIL, ended=Ended.INTERRUPTED, retry=Retry(0, 0, losses))
    assert numbers(board(lost(), interrupted, retries=1).owed()) == [1]


def test_a_trial_that_had_no_genome_yet_is_not_owed() -> None:
    assert board(lost(genome=None)).owed() == []


def test_a_trial_with_parameters_of_another_sampler_is_owed() -> None:
    trial = create_trial(
        state=FAIL,
        params={"x": 1},
        distributions={"x": IntDistribution(0, 3)},
        system_attrs={ENDED_KEY: Ended.LOST.to_record()},
    )
    assert numbers(board(trial).owed()) == [0]
    assert board(trial, retries=0).owed() == []


def test_an_enqueued_trial_is_owed_also_if_it_had_no_genome_yet() -> None:
    assert numbers(board(lost(genome=None, attrs={"fixed_params": {"x": 1}})).owed()) == [0]


@pytest.mark.parametrize("state", [RUNNING, COMPLETE])
def test_a_genome_that_another_drew_at_the_same_moment_is_not_owed(state: TrialState) -> None:
    assert board(lost(genome="a"), trial_in(state, genome="a")).owed() == []


@pytest.mark.parametrize("state", [WAITING, FAIL, PRUNED])
def test_a_genome_that_another_has_without_training_it_is_owed(state: TrialState) -> None:
    assert numbers(board(lost(genome="a"), trial_in(state, genome="a")).owed()) == [0]


def test_a_genome_that_a_person_wished_for_twice_is_owed_twice() -> None:
    enqueued = lost(genome="a", mutation="enqueued")
    assert numbers(board(trial_in(COMPLETE, genome="a"), enqueued).owed()) == [1]


def test_a_mutation_that_is_meant_to_repeat_its_parent_is_owed() -> None:
    found = board(trial_in(COMPLETE, genome="a"), lost(genome="a", parent=0, mutation="same"))
    assert numbers(found.owed()) == [1]


def test_the_second_of_two_retries_has_an_earlier_twin() -> None:
    twins = [trial_in(RUNNING, retry=Retry(0, 0, 1)) for _ in range(2)]
    found = board(lost(), *twins)
    assert [found.has_earlier_twin(number) for number in range(3)] == [False, False, True]


def test_a_twin_that_yielded_is_none() -> None:
    yielded = trial_in(FAIL, ended=Ended.UNNEEDED, retry=Retry(0, 0, 1))
    found = board(lost(), yielded, trial_in(RUNNING, retry=Retry(0, 0, 1)))
    assert not found.has_earlier_twin(2)


def test_failures_are_counted_from_the_newest_back_to_a_success() -> None:
    found = board(trial_in(FAIL), trial_in(COMPLETE), trial_in(FAIL), trial_in(FAIL))
    assert numbers(found.failures_in_a_row(since=0)) == [3, 2]


def test_failures_before_we_came_do_not_count() -> None:
    found = board(trial_in(FAIL), trial_in(FAIL), trial_in(FAIL))
    assert numbers(found.failures_in_a_row(since=2)) == [2]


def test_only_what_failed_for_good_counts_as_a_failure() -> None:
    found = board(
        trial_in(FAIL),
        trial_in(FAIL, ended=Ended.INTERRUPTED),
        trial_in(FAIL, ended=Ended.UNNEEDED),
        lost(),  # is tried again
        lost(retry=Retry(3, 3, losses=1)),  # is not
        lost(genome=None),  # had no child
        trial_in(RUNNING),
        trial_in(WAITING),
    )
    assert numbers(found.failures_in_a_row(since=0)) == [4, 0]


@pytest.mark.parametrize("key", [ENDED_KEY, RETRY_KEY, PROPOSAL_KEY, "fixed_params"])
def test_a_board_reads_attributes_of_any_shape(key: str) -> None:
    states = [state for state in TrialState for _ in JUNK]
    trials = [
        trial_in(state, attrs={ENDED_KEY: Ended.LOST.to_record(), key: junk})
        for state, junk in zip(states, itertools.cycle(JUNK), strict=False)
    ]
    found = board(*trials)
    assert found.n_spoken_for() == 2 * len(JUNK)
    found.owed()
    found.failures_in_a_row(since=0)
    assert not any(found.has_earlier_twin(n) for n in range(len(trials)))
