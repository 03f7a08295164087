"""Small studies, toy children and dead workers for the tests of this part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import optuna
from optuna import Study
from optuna import Trial
from optuna.storages import BaseStorage
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial
from optuna.trial import TrialState

from optuna_xmcnas import GenomeSpace
from optuna_xmcnas import RegularizedEvolutionSampler
from optuna_xmcnas import WorkSettings
from optuna_xmcnas.samplers import Proposal
from optuna_xmcnas.worker import Board
from optuna_xmcnas.worker import Lease
from optuna_xmcnas.worker import Loss
from optuna_xmcnas.worker.lease import LEASE_KEY
from optuna_xmcnas.worker.lease import new_lease
from optuna_xmcnas.worker.process import ProcessId
from optuna_xmcnas.worker.process import this_process
from optuna_xmcnas.worker.trials import create_running
from optuna_xmcnas.worker.trials import start


SPACE = GenomeSpace(ops=("conv3", "bilstm", "maxpool3"), min_layers=2, max_layers=6)
LIVING = Lease(worker="living", host="moon", process=ProcessId("another machine", 7, "1"))
DEAD = replace(new_lease(), worker="dead", process=replace(this_process(), started="1"))


def settings(n_trials: int, *, retries: int = 1, max_failures: int = 5) -> WorkSettings:
    return WorkSettings(
        n_trials=n_trials, retries=retries, grace_s=60.0, max_failures=max_failures
    )


def sampler(*, population_size: int = 10) -> RegularizedEvolutionSampler:
    return RegularizedEvolutionSampler(
        space=SPACE, population_size=population_size, sample_size=3, seed=0
    )


def make_study(storage: BaseStorage | None = None) -> Study:
    storage = storage or InMemoryStorage()
    return optuna.create_study(
        study_name="toy", storage=storage, sampler=sampler(), direction="maximize"
    )


def train(trial: Trial, should_stop: Callable[[], bool]) -> float:
    """Return a score without training anything."""
    genome = SPACE.suggest(trial)
    trial.set_user_attr("genome", genome.to_json())
    return float(genome.n_layers)


def begin(study: Study, lease: Lease = DEAD) -> Trial:
    """Return a trial as a worker leaves it behind that dies while it trains."""
    trial = start(study, create_running(study, {LEASE_KEY: lease.to_record()}))
    assert trial is not None
    train(trial, lambda: False)
    return trial


def proposal_of(trial: FrozenTrial) -> Proposal:
    found = RegularizedEvolutionSampler.proposal_of(trial)
    assert found is not None
    return found


def states(study: Study) -> list[str]:
    return [trial.state.name for trial in study.get_trials(deepcopy=False)]


def n_complete(study: Study) -> int:
    return len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)))


class Observer:
    """Notes what a worker tells, and does something when there is nothing to begin."""

    def __init__(self, when_waiting: Callable[[], object] = lambda: None) -> None:
        self.ended: list[int] = []
        self.lost: list[int] = []
        self.n_waited = 0
        self._when_waiting = when_waiting

    def trial_ended(self, trial: FrozenTrial, board: Board) -> None:
        assert board.trials[trial.number] is trial
        self.ended.append(trial.number)

    def trial_lost(self, loss: Loss) -> None:
        self.lost.append(loss.trial.number)

    def waiting(self, board: Board) -> None:
        self.n_waited += 1
        assert self.n_waited < 100, "nobody ends what this worker waits for"
        self._when_waiting()
