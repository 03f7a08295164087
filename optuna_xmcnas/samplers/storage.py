"""Reading a study through its storage; every non-public name of Optuna that we touch is here.

Seen on Optuna 5.0. A sampler has no public way to read only what is new or to write trial
attributes, so it takes the same private doors as Optuna's own samplers: ``study._storage``,
``study._study_id``, ``trial._trial_id``, and the key under which enqueued values are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from typing import Any
from typing import TYPE_CHECKING

from optuna.trial import TrialState

from optuna_xmcnas.samplers.population import Member
from optuna_xmcnas.samplers.population import youngest
from optuna_xmcnas.samplers.proposal import Proposal


if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial


_FIXED_PARAMS_KEY = "fixed_params"


def storage_and_study_id(study: Study) -> tuple[BaseStorage, int]:
    """Return where a study is kept."""
    return study._storage, study._study_id


def write_trial_attr(study: Study, trial: FrozenTrial, key: str, value: Any) -> None:
    """Write a system attribute of an unfinished trial."""
    study._storage.set_trial_system_attr(trial._trial_id, key, value)


def fixed_params(trial: FrozenTrial) -> Mapping[str, Any]:
    """Return the parameters that were given when the trial was enqueued or retried."""
    found = trial.system_attrs.get(_FIXED_PARAMS_KEY)
    return found if isinstance(found, Mapping) else {}


class StudyView:
    """What is known of a study's trials in this process: a cache of the storage, nothing more.

    The first reading takes the whole study, which Optuna's own ``ask`` has loaded anyway; each
    later one asks only for the trials that were not finished, and for new numbers. Its cost
    depends on the number of workers, not on the number of trials.

    Args:
        size: How many members a population has.
        age_key: The trial attribute with the reading of the logical clock.
        proposal_key: The trial attribute with the proposal.
        identity: Parameters -> text equal for equal children; None if they are foreign.
    """

    def __init__(
        self,
        *,
        size: int,
        age_key: str,
        proposal_key: str,
        identity: Callable[[Mapping[str, Any]], str | None],
    ) -> None:
        self._size = size
        self._age_key = age_key
        self._proposal_key = proposal_key
        self._identity = identity
        self._forget()

    def _forget(self) -> None:
        self.population: list[Member] = []
        self.clock = 0  # the largest reading seen
        self._finished: set[str] = set()  # identities of all complete trials
        self._running: dict[int, str] = {}  # trial number -> identity of its proposal
        self._unfinished: set[int] = set()
        self._next_number = 0

    def knows(self, identity: str | None, *, besides: int) -> bool:
        """Return whether a complete trial, or a running one besides ours, is the same child."""
        if identity in self._finished:
            return True
        return any(i == identity for number, i in self._running.items() if number != besides)

    def read_up_to(self, study: Study, trial: FrozenTrial) -> None:
        """Learn of everything up to our own trial; costs no query that finds nothing."""
        self._read(study, trial, upcoming=False)

    def read_all(self, study: Study, trial: FrozenTrial) -> None:
        """Learn of everything, trials that began after ours included."""
        self._read(study, trial, upcoming=True)

    def _read(self, study: Study, trial: FrozenTrial, *, upcoming: bool) -> None:
        storage, study_id = storage_and_study_id(study)
        if trial.number < self._next_number and trial.number not in self._unfinished:
            self._forget()  # our trial finished long ago, by our notes: this is another study
        if self._next_number == 0:
            arrived = storage.get_all_trials(study_id, deepcopy=False)
            self._next_number = len(arrived)
        else:
            arrived = self._arrivals(storage, study_id, trial, upcoming=upcoming)
        members = [member for other in arrived if (member := self._learn(other, trial.number))]
        if members:
            self.population = youngest([*self.population, *members], self._size)

    def _arrivals(
        self, storage: BaseStorage, study_id: int, trial: FrozenTrial, *, upcoming: bool
    ) -> list[FrozenTrial]:
        """Return the trials that were unfinished when last seen, and the new ones."""
        arrived = []
        known = sorted(self._unfinished - {trial.number})
        new = range(self._next_number, trial.number)
        for number in (*known, *new):
            other = _trial_by_number(storage, study_id, number)
            if other is None:  # created, not yet readable
                self._unfinished.add(number)
            else:
                arrived.append(other)
        if trial.number >= self._next_number:
            self._unfinished.add(trial.number)
            self._next_number = trial.number + 1
        while upcoming and (other := _trial_by_number(storage, study_id, self._next_number)):
            arrived.append(other)
            self._next_number += 1
        return arrived

    def _learn(self, other: FrozenTrial, own_number: int) -> Member | None:
        """Take in one trial; return it as a member if it is complete and of our space."""
        if not other.state.is_finished():
            self._unfinished.add(other.number)
            proposal = Proposal.from_record(other.system_attrs.get(self._proposal_key))
            if proposal is not None and other.number != own_number:
                self._running[other.number] = proposal.identity
            return None
        self._unfinished.discard(other.number)
        self._running.pop(other.number, None)
        if other.state != TrialState.COMPLETE:
            return None
        identity = self._identity(other.params)
        if identity is None:
            return None
        self._finished.add(identity)
        age = other.system_attrs.get(self._age_key)
        age = age if isinstance(age, int) else None
        self.clock = max(self.clock, age or 0)
        return Member(
            number=other.number,
            age=age,
            completed=other.datetime_complete,
            values=tuple(other.values),
            params=other.params,
            distributions=other.distributions,
        )


def _trial_by_number(storage: BaseStorage, study_id: int, number: int) -> FrozenTrial | None:
    try:
        trial_id = storage.get_trial_id_from_study_id_trial_number(study_id, number)
        return storage.get_trial(trial_id)
    except KeyError:
        return None
