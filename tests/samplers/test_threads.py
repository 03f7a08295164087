"""Many threads of one process, as ``study.optimize(n_jobs=8)`` starts them, on one sampler."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
import sys
from typing import NamedTuple

import optuna
from optuna import Study
from optuna import Trial
from optuna.storages import BaseStorage
from optuna.storages import InMemoryStorage
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial
from optuna.trial import TrialState
import pytest

from optuna_xmcnas import Genome
from optuna_xmcnas import GenomeSpace
from optuna_xmcnas import RegularizedEvolutionSampler
from optuna_xmcnas.samplers import Proposal


AGE = "RegularizedEvolutionSampler:age"
OPS = ("conv3", "bilstm", "bigru")
SPACE = GenomeSpace(ops=OPS, min_layers=2, max_layers=5)  # which parameters exist depends
FLAT = GenomeSpace(ops=OPS, min_layers=5, max_layers=5)  # the same parameters in all trials
N_TRIALS, N_THREADS, POPULATION_SIZE = 60, 8, 10


class Event(NamedTuple):
    """An objective has drawn its parameters, or is about to return."""

    what: str
    number: int


class Recorder:
    """An objective that notes in which order its threads draw and end."""

    def __init__(self, space: GenomeSpace) -> None:
        self._space = space
        self.events: list[Event] = []

    def __call__(self, trial: Trial) -> float:
        genome = self._space.suggest(trial)
        self.events.append(Event("drawn", trial.number))
        value = n_bilstm(genome)
        self.events.append(Event("end", trial.number))
        return value


def n_bilstm(genome: Genome) -> float:
    return float(sum(node.op == "bilstm" for node in genome.nodes))


def proposal_of(trial: FrozenTrial) -> Proposal | None:
    return RegularizedEvolutionSampler.proposal_of(trial)


@pytest.fixture(autouse=True)
def threads_that_alternate_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.fixture(params=["memory", "sqlite"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> BaseStorage:
    if request.param == "memory":
        return InMemoryStorage()
    waiting = {"connect_args": {"timeout": 60}}  # for the writing of another thread, in seconds
    return RDBStorage(f"sqlite:///{tmp_path}/study.db", engine_kwargs=waiting)


def make_study(storage: BaseStorage | None, space: GenomeSpace | None, *, seed: int = 0) -> Study:
    sampler = RegularizedEvolutionSampler(
        space=space, population_size=POPULATION_SIZE, sample_size=3, seed=seed
    )
    return optuna.create_study(storage=storage, sampler=sampler, direction="maximize")


@pytest.mark.parametrize("space", [SPACE, None], ids=["genomes", "parameters"])
def test_threads_neither_fail_nor_repeat_each_other_nor_breed_from_the_unfinished(
    storage: BaseStorage, space: GenomeSpace | None
) -> None:
    objective = Recorder(space or FLAT)
    study = make_study(storage, space)
    study.optimize(objective, n_trials=N_TRIALS, n_jobs=N_THREADS)

    trials = study.trials
    assert [trial.number for trial in trials] == list(range(N_TRIALS))
    assert all(trial.state == TrialState.COMPLETE for trial in trials)
    parents = {t.number: p.parent for t in trials if (p := proposal_of(t)) is not None}
    bred = {number: parent for number, parent in parents.items() if parent is not None}
    assert len(bred) >= N_TRIALS - POPULATION_SIZE - N_THREADS
    for number, parent in bred.items():
        ended = objective.events.index(Event("end", parent))
        assert ended < objective.events.index(Event("drawn", number))
        assert trials[parent].system_attrs[AGE] < trials[number].system_attrs[AGE]
    # Without a space the first threads draw before there is anything that tells the parameters.
    drawn = [t for t in trials if space is not None or t.number in bred]
    assert len({tuple(sorted(trial.params.items())) for trial in drawn}) == len(drawn)


@pytest.mark.parametrize("space", [SPACE, None], ids=["genomes", "parameters"])
def test_after_many_threads_the_next_trial_breeds_from_those_that_finished_last(
    space: GenomeSpace | None,
) -> None:
    study = make_study(None, space)
    study.optimize(Recorder(SPACE), n_trials=N_TRIALS, n_jobs=N_THREADS)
    by_age = sorted(study.trials, key=lambda trial: (trial.system_attrs[AGE], trial.number))
    study.optimize(Recorder(SPACE), n_trials=1)
    last = study.trials[-1]
    proposal = proposal_of(last)
    assert proposal is not None
    assert proposal.parent in {trial.number for trial in by_age[-POPULATION_SIZE:]}
    assert last.system_attrs[AGE] == by_age[-1].system_attrs[AGE] + 1


@pytest.mark.parametrize("n_running", [2, 4, 8])
def test_without_a_space_no_trial_is_repeated_where_parameters_come_and_go(n_running: int) -> None:
    """One thread is enough to show it: some trials run at a time, the oldest is told next."""
    repeated = 0
    for seed in range(4):
        study = make_study(None, None, seed=seed)
        running: list[tuple[Trial, Genome]] = []
        bred: list[Genome] = []
        for _ in range(N_TRIALS):
            trial = study.ask()
            genome = SPACE.suggest(trial)
            running.append((trial, genome))
            proposal = proposal_of(study.trials[-1])
            if proposal is not None and proposal.parent is not None:
                bred.append(genome)
            if len(running) == n_running:
                oldest, its_genome = running.pop(0)
                study.tell(oldest, n_bilstm(its_genome))
        repeated += len(bred) - len(set(bred))
    assert repeated == 0
