"""Reading a study through its storage; every non-public name of Optuna that samplers use is here.

Seen on Optuna 5.0. A sampler has no public way to read only what is new or to write trial
attributes, so it takes the same private doors as Optuna's own samplers: ``study._storage``,
``study._study_id``, ``trial._trial_id``, and the key under which enqueued values are kept. Two
more are our own: ``_study`` of the part of a study that Hyperband hands out, and, where trials are
in a database, its table ``trials``.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
import json
from typing import Any
from typing import final
from typing import TYPE_CHECKING

from optuna.distributions import CategoricalDistribution
from optuna.storages import RDBStorage
from optuna.trial import TrialState

from optuna_xmcnas.samplers.population import Member
from optuna_xmcnas.samplers.population import youngest
from optuna_xmcnas.samplers.proposal import Proposal


if TYPE_CHECKING:
    from optuna import Study
    from optuna import Trial
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial


FIXED_PARAMS_KEY = "fixed_params"  # Optuna's: parameters that no sampler is asked for
ENDED_KEY = "xmcnas:ended"  # a system attribute: why a trial failed by no fault of its child
_MANY = 3  # unfinished trials: from four on, the whole list is read at less cost


def whole_study(study: Study) -> Study:
    """Return the study that the objective runs in, where a pruner hands us a part of it."""
    whole: Study = getattr(study, "_study", study)  # Hyperband makes a new part for each call
    return whole


def write_trial_attr(study: Study, trial: FrozenTrial, key: str, value: Any) -> None:
    """Write a system attribute of an unfinished trial."""
    study._storage.set_trial_system_attr(trial._trial_id, key, value)


def frozen(trial: Trial) -> FrozenTrial:
    """Return a running trial as the storage has it now."""
    return trial.storage.get_trial(trial._trial_id)


def read_again(study: Study, trial: FrozenTrial) -> FrozenTrial:
    """Return a trial as the storage has it now; what Optuna hands to samplers can be older."""
    return study._storage.get_trial(trial._trial_id)


def given_params(trial: FrozenTrial) -> dict[str, Any]:
    """Return the parameters that a trial had before it began: enqueued, or copied for a retry.

    A parameter with one possible value is left out: it says nothing, and may stand there because
    the objective has asked for it already.
    """
    fixed = trial.system_attrs.get(FIXED_PARAMS_KEY)
    copied = {n: v for n, v in trial.params.items() if not trial.distributions[n].single()}
    return {**copied, **(fixed if isinstance(fixed, Mapping) else {})}


@final
class _Unfinished:
    """As much of an unfinished trial as has to be known."""

    def __init__(self, number: int, trial_id: int, proposal_json: str | None) -> None:
        self.number = number
        self._trial_id = trial_id
        record = None if proposal_json is None else json.loads(proposal_json)
        self.proposal = Proposal.from_record(record)


@dataclass(frozen=True, eq=False, kw_only=True)
class Outcome:
    """How a trial ended, as far as it says something about its child.

    Attributes:
        number: The trial's number.
        state: COMPLETE, PRUNED or FAIL.
        params: What the trial drew; for a failed one what was proposed, if that is known.
        values: Of a complete trial; empty for others.
        expected: The merit that a guide expected of the child before it was trained.
    """

    number: int
    state: TrialState
    params: dict[str, Any]
    values: tuple[float, ...]
    expected: float | None


Branches = dict[str, dict[str, set[frozenset[str]]]]
"""Which paths were seen with which value of a categorical parameter: name, ``repr``, paths."""


class StudyView:
    """What is known of a study's trials in this process: a cache of the storage, nothing more.

    The first reading takes the whole study, which Optuna's own ``ask`` has loaded anyway; each
    later one asks only for the trials that were not finished, and for new ones. Its cost depends
    on the number of workers, not on the number of trials.

    Args:
        size: How many members a population has.
        age_key: The trial attribute with the reading of the logical clock.
        proposal_key: The trial attribute with the proposal.
        identity: Parameters -> text equal for equal children; None if they are foreign.
        draws_proposals: Whether trials draw all of what was proposed for them; then the parameters
            of unfinished ones need not be read.
        keeps_outcomes: Whether to remember how each trial ended.
    """

    def __init__(
        self,
        *,
        size: int,
        age_key: str,
        proposal_key: str,
        identity: Callable[[Mapping[str, Any]], str | None],
        draws_proposals: bool = False,
        keeps_outcomes: bool = False,
    ) -> None:
        self._size = size
        self._draws_proposals = draws_proposals
        self._age_key = age_key
        self._proposal_key = proposal_key
        self._identity = identity
        self._keeps_outcomes = keeps_outcomes
        self.outcomes: dict[int, Outcome] = {}  # of finished trials, by trial number
        self.population: list[Member] = []
        self.clock = 0  # the largest reading seen
        self.proposals: dict[int, Proposal] = {}  # of unfinished trials, by trial number
        self.paths: set[frozenset[str]] = set()  # sets of names that trials ended up with
        self.branches: Branches = {}
        self._drawn: dict[int, str] = {}  # identities of what unfinished trials have asked for
        self._tried: set[str] = set()  # identities of all finished trials
        self._unfinished: dict[int, int] = {}  # trial number -> trial id
        self._newest = (-1, -1)  # number and id of the last trial seen

    def knows(self, identities: Collection[str], *, besides: int) -> bool:
        """Return whether a finished trial, or an unfinished one besides ours, is one of these."""
        if not self._tried.isdisjoint(identities):
            return True
        running = [(number, proposal.identity) for number, proposal in self.proposals.items()]
        running += self._drawn.items()  # in a conditional space a part of what was proposed
        return any(number != besides and one in identities for number, one in running)

    def known(self, *, besides: int) -> set[str]:
        """Return the identities of all finished trials, and of unfinished ones besides ours."""
        running = [(number, proposal.identity) for number, proposal in self.proposals.items()]
        running += self._drawn.items()  # in a conditional space a part of what was proposed
        return self._tried.union(one for number, one in running if number != besides)

    def read_up_to(self, study: Study, trial: FrozenTrial) -> None:
        """Learn of everything up to our own trial; costs no query that finds nothing."""
        self._read(study, trial, upcoming=False)

    def read_all(self, study: Study, trial: FrozenTrial) -> None:
        """Learn of everything, trials that began after ours included."""
        self._read(study, trial, upcoming=True)

    def _read(self, study: Study, trial: FrozenTrial, *, upcoming: bool) -> None:
        arrived = list(self._arrivals(study, trial, upcoming=upcoming))  # whole, or an error
        members = [member for other in arrived if (member := self._learn(other)) is not None]
        if members:
            self.population = youngest([*self.population, *members], self._size)

    def _arrivals(
        self, study: Study, trial: FrozenTrial, *, upcoming: bool
    ) -> Iterator[FrozenTrial | _Unfinished]:
        """Yield the trials that were unfinished when last seen, and the new ones."""
        storage, study_id = study._storage, study._study_id
        others = {n: trial_id for n, trial_id in self._unfinished.items() if n != trial.number}
        newest_number, newest_id = self._newest
        if newest_number < 0:
            yield from storage.get_all_trials(study_id, deepcopy=False)  # without gaps
            return
        if trial.number == newest_number + 1:
            yield trial
            newest_number, newest_id = trial.number, trial._trial_id
        looks_ahead = upcoming or trial.number > newest_number
        database = _database(storage)
        if database is not None and (looks_ahead or len(others) > 1):
            yield from self._database_arrivals(storage, study_id, newest_id, others)
        elif len(others) > _MANY:
            trials = storage.get_all_trials(study_id, deepcopy=False)
            yield from (trials[number] for number in others)
            yield from trials[newest_number + 1 :]
        else:
            yield from (storage.get_trial(trial_id) for trial_id in others.values())
            if looks_ahead:
                yield from _newer(storage, study_id, newest_number)

    def _database_arrivals(
        self, storage: BaseStorage, study_id: int, newest_id: int, others: Mapping[int, int]
    ) -> Iterator[FrozenTrial | _Unfinished]:
        """Ask one question about all of them, and for the whole of those that are finished.

        Finding a trial by its number would make a database look at every trial of the study, and
        a whole trial takes six statements.
        """
        database = _database(storage)
        assert database is not None
        query = partial(
            _news, database, study_id, newest_id, list(others.values()), self._proposal_key
        )
        insist = getattr(storage, "insist", None)  # of a storage that waits for its server
        for news in query() if insist is None else insist(query):
            is_finished = TrialState[news.state].is_finished()
            if is_finished or not self._draws_proposals:
                yield storage.get_trial(news.trial_id)
            else:
                yield _Unfinished(news.number, news.trial_id, news.value_json)

    def _learn(self, other: FrozenTrial | _Unfinished) -> Member | None:
        """Take in one trial; return it as a member if it is complete and of our space."""
        self._newest = max(self._newest, (other.number, other._trial_id))
        if isinstance(other, _Unfinished):
            self._unfinished[other.number] = other._trial_id
            if other.proposal is not None:
                self.proposals[other.number] = other.proposal
            return None
        params = searched_params(other)
        identity = self._identity(params)
        if identity is not None:
            self._learn_path(other, params)
        if not other.state.is_finished():
            if identity is not None:
                self._drawn[other.number] = identity
            self._unfinished[other.number] = other._trial_id
            proposal = self._proposal_in(other)
            if proposal is not None:
                self.proposals[other.number] = proposal
            return None
        self._unfinished.pop(other.number, None)
        self.proposals.pop(other.number, None)
        self._drawn.pop(other.number, None)
        if self._keeps_outcomes and (identity is not None or other.state == TrialState.FAIL):
            outcome = outcome_of(other, self._proposal_in(other))
            if outcome is not None:
                self.outcomes[other.number] = outcome
        if other.state != TrialState.COMPLETE:
            # What failed or was pruned once is not proposed again; its retry carries its proposal.
            ended = self._proposal_in(other)
            self._tried |= {ended.identity} if ended is not None else set()
            if other.state == TrialState.PRUNED and identity is not None:
                self._tried.add(identity)
            return None
        if identity is None:
            return None
        self._tried.add(identity)
        age = other.system_attrs.get(self._age_key)
        age = age if isinstance(age, int) else None
        self.clock = max(self.clock, age or 0)
        return Member(
            number=other.number,
            age=age,
            completed=other.datetime_complete,
            values=tuple(other.values),
            params=params,
            distributions=other.distributions,
        )

    def _learn_path(self, other: FrozenTrial, params: Mapping[str, Any]) -> None:
        path = frozenset(params)
        self.paths.add(path)
        for name, value in params.items():
            if isinstance(other.distributions[name], CategoricalDistribution):
                by_value = self.branches.setdefault(name, {})
                by_value.setdefault(repr(value), set()).add(path)

    def _proposal_in(self, trial: FrozenTrial) -> Proposal | None:
        return Proposal.from_record(trial.system_attrs.get(self._proposal_key))


def outcome_of(trial: FrozenTrial, proposal: Proposal | None) -> Outcome | None:
    """Return how a finished trial ended; None if that says nothing about its child.

    Args:
        trial: The trial.
        proposal: What was proposed for it.
    """
    params = searched_params(trial)
    if trial.state == TrialState.FAIL:
        if ENDED_KEY in trial.system_attrs:
            return None
        params = proposal.params if proposal is not None else params
    return Outcome(
        number=trial.number,
        state=trial.state,
        params=params,
        values=tuple(trial.values) if trial.state == TrialState.COMPLETE else (),
        expected=proposal.expected if proposal is not None else None,
    )


def searched_params(trial: FrozenTrial) -> dict[str, Any]:
    """Return the parameters of a trial that could have been others."""
    params = dict(trial.params)  # in memory, a thread may be adding to them at this moment
    distributions = dict(trial.distributions)
    return {
        n: v for n, v in params.items() if n in distributions and not distributions[n].single()
    }


def _newer(storage: BaseStorage, study_id: int, newest_number: int) -> Iterator[FrozenTrial]:
    """Yield the trials created after the newest one known, oldest first."""
    for number in count(newest_number + 1):
        try:
            trial_id = storage.get_trial_id_from_study_id_trial_number(study_id, number)
        except KeyError:
            return
        yield storage.get_trial(trial_id)


def _database(storage: BaseStorage) -> RDBStorage | None:
    """Return the database below the storages that are wrapped around it; None if it is none."""
    inner: object = storage
    while inner is not None and not isinstance(inner, RDBStorage):
        inner = getattr(inner, "_backend", None)
    return inner


def _news(
    database: RDBStorage,
    study_id: int,
    newest_id: int,
    unfinished_ids: Sequence[int],
    proposal_key: str,
) -> Sequence[Any]:
    """Return number, id, state and proposal of some trials; Optuna numbers trials by their ids."""
    import sqlalchemy  # Optuna imports it only where such a storage is used

    query = sqlalchemy.text(
        "SELECT t.number, t.trial_id, t.state, a.value_json FROM trials t "
        "LEFT JOIN trial_system_attributes a ON a.trial_id = t.trial_id AND a.key = :proposal_key "
        "WHERE t.study_id = :study_id AND (t.trial_id > :newest_id OR t.trial_id IN :unfinished) "
        "ORDER BY t.trial_id"
    ).bindparams(sqlalchemy.bindparam("unfinished", expanding=True))
    values = {
        "proposal_key": proposal_key,
        "study_id": study_id,
        "newest_id": newest_id,
        "unfinished": list(unfinished_ids),
    }
    with database.engine.connect() as connection:
        return connection.execute(query, values).all()
