"""What the trials of a study say at one moment: the budget, what is owed, what went wrong.

Pure functions over trials; nothing here reads or writes a storage.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import final
from typing import TYPE_CHECKING

from optuna.trial import TrialState

from optuna_xmcnas.samplers import RegularizedEvolutionSampler
from optuna_xmcnas.study import Ended
from optuna_xmcnas.study import ended_of
from optuna_xmcnas.study import origin_number
from optuna_xmcnas.study import retry_of
from optuna_xmcnas.worker.lease import lease_of
from optuna_xmcnas.worker.trials import is_enqueued


if TYPE_CHECKING:
    from optuna.trial import FrozenTrial


def losses_of(trial: FrozenTrial) -> int:
    """Return how many workers died over a trial's child, its own included."""
    retry = retry_of(trial)
    return (retry.losses if retry else 0) + (ended_of(trial) is Ended.LOST)


@final
@dataclass(frozen=True)
class Board:
    """The trials of a study, all of them, by number.

    Args:
        trials: As ``study.get_trials(deepcopy=False)`` returns them.
        retries: How often the child of a dead worker is tried again.
    """

    trials: Sequence[FrozenTrial]
    retries: int = 1

    def of(self, state: TrialState) -> list[FrozenTrial]:
        """Return the trials in a state, by number."""
        return self._by_state[state]

    def n_spoken_for(self, *, before: int | None = None) -> int:
        """Return how many children are complete, or in training in trials before one.

        A running trial without a lease is nobody's child: begun by something else, or abandoned
        by it. The study need not wait for it, and may get one more result than it wanted.
        """
        running = [t for t in self.of(TrialState.RUNNING) if lease_of(t) is not None]
        if before is not None:
            running = [trial for trial in running if trial.number < before]
        return len(self.of(TrialState.COMPLETE)) + len(running)

    def owed(self) -> list[FrozenTrial]:
        """Return the trials whose genome is to be tried again and that no trial goes on with."""
        unfinished = [
            trial
            for trial in self.of(TrialState.FAIL)
            if ended_of(trial) in (Ended.LOST, Ended.INTERRUPTED) and self._may_retry(trial)
        ]
        if not unfinished:
            return []
        continued = {
            retry.of
            for trial in self.trials
            if (retry := retry_of(trial)) is not None and ended_of(trial) is not Ended.UNNEEDED
        }
        left = [trial for trial in unfinished if trial.number not in continued]
        return [trial for trial in left if not self._is_elsewhere(trial)]

    def has_earlier_twin(self, number: int) -> bool:
        """Return whether a trial before this one goes on with the same genome already."""
        mine = retry_of(self.trials[number])
        if mine is None:
            return False
        return any(
            (other := retry_of(trial)) is not None
            and other.of == mine.of
            and ended_of(trial) is not Ended.UNNEEDED
            for trial in self.trials[:number]
        )

    def failures_in_a_row(self, *, since: int, of: str | None = None) -> list[FrozenTrial]:
        """Return the newest trials, back to the one numbered ``since``, while all of them failed.

        Args:
            since: Number of a trial.
            of: Name of a worker: look at its trials alone.

        Trials in training say nothing; those whose genome is tried again do not count, nor those
        whose worker died before they had one.
        """
        failed: list[FrozenTrial] = []
        for trial in reversed(self.trials[since:]):
            lease = lease_of(trial)
            is_others = of is not None and (lease is None or lease.worker != of)
            if is_others or not trial.state.is_finished():
                continue
            if trial.state != TrialState.FAIL:
                break
            ended = ended_of(trial)
            is_given_up = ended is Ended.LOST and _had_child(trial) and not self._may_retry(trial)
            if ended is None or is_given_up:
                failed.append(trial)
        return failed

    @cached_property
    def _by_state(self) -> Mapping[TrialState, list[FrozenTrial]]:
        """The trials in each state, found in one go: in a long study each look at all counts."""
        found: dict[TrialState, list[FrozenTrial]] = {state: [] for state in TrialState}
        for trial in self.trials:
            found[trial.state].append(trial)
        return found

    def _is_elsewhere(self, trial: FrozenTrial) -> bool:
        """Return whether another trial has the same genome, by another proposal.

        Of two workers that draw the same genome at the same moment each draws again; one that is
        killed just then leaves a trial with a genome that is not its own.
        """
        proposal = RegularizedEvolutionSampler.proposal_of(trial)
        if proposal is None or proposal.mutation == "enqueued":
            return False  # a person may wish for the same genome twice
        origin = origin_number(trial)
        return any(
            other.number != proposal.parent  # a mutation may be meant to repeat its parent
            and origin_number(other) != origin
            for other in self._by_identity.get(proposal.identity, ())
        )

    @cached_property
    def _by_identity(self) -> Mapping[str, list[FrozenTrial]]:
        """The running and complete trials of each genome that was proposed."""
        found: dict[str, list[FrozenTrial]] = {}
        for trial in (*self.of(TrialState.RUNNING), *self.of(TrialState.COMPLETE)):
            proposal = RegularizedEvolutionSampler.proposal_of(trial)
            if proposal is not None:
                found.setdefault(proposal.identity, []).append(trial)
        return found

    def _may_retry(self, trial: FrozenTrial) -> bool:
        return (_had_child(trial) or is_enqueued(trial)) and losses_of(trial) <= self.retries


def _had_child(trial: FrozenTrial) -> bool:
    """Return whether a worker came as far as to have a child to train."""
    return bool(trial.params) or RegularizedEvolutionSampler.proposal_of(trial) is not None
