"""What all samplers that evolve have in common."""

from __future__ import annotations

import abc
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
import threading
from typing import Any
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary
import zlib

import numpy as np
from optuna.samplers import BaseSampler
from optuna.trial import TrialState

from optuna_xmcnas.genome import GenomeSpace
from optuna_xmcnas.genome import get_mutation
from optuna_xmcnas.genome import Mutation
from optuna_xmcnas.samplers.population import tournament
from optuna_xmcnas.samplers.proposal import Proposal
from optuna_xmcnas.samplers.storage import given_params
from optuna_xmcnas.samplers.storage import read_again
from optuna_xmcnas.samplers.storage import StudyView
from optuna_xmcnas.samplers.storage import whole_study
from optuna_xmcnas.samplers.storage import write_trial_attr
from optuna_xmcnas.samplers.values import contains
from optuna_xmcnas.samplers.values import random_value
from optuna_xmcnas.samplers.variation import GenomeVariation
from optuna_xmcnas.samplers.variation import ParameterVariation
from optuna_xmcnas.samplers.variation import Variation


if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

    from optuna_xmcnas.samplers.population import Member


_RANDOM_DRAWS = 10  # for each mutant that was known already (ours)


class EvolutionSampler(BaseSampler, abc.ABC):
    """Proposes whole children and keeps what it knows of them in the trials.

    The attributes are the same for all samplers of this kind, so they can work on one study.

    Raises:
        ValueError: If a number is out of range or a mutation is not known.
    """

    _AGE_KEY = "RegularizedEvolutionSampler:age"
    _PROPOSAL_KEY = "RegularizedEvolutionSampler:proposal"

    def __init__(
        self,
        *,
        space: GenomeSpace | None = None,
        population_size: int = 20,
        sample_size: int = 10,
        seed: int | None = None,
        mutations: Sequence[str | Mutation],
        max_attempts: int = 20,
        keeps_outcomes: bool = False,
    ) -> None:
        if space is not None and not isinstance(space, GenomeSpace):
            raise ValueError(f"`space` must be a GenomeSpace, or None; got {space!r}.")
        if population_size < 1:
            raise ValueError(f"`population_size` must be at least 1; got {population_size}.")
        if not 1 <= sample_size <= population_size:
            raise ValueError(
                f"`sample_size` must be within 1..population_size={population_size}; "
                f"got {sample_size}."
            )
        if max_attempts < 1:
            raise ValueError(f"`max_attempts` must be at least 1; got {max_attempts}.")
        if seed is not None and seed < 0:
            raise ValueError(f"`seed` must not be negative; got {seed}.")
        if not mutations:
            raise ValueError("`mutations` must name at least one mutation; got none.")
        self._space = space
        self._mutations = tuple(get_mutation(m) if isinstance(m, str) else m for m in mutations)
        self._distributions = {} if space is None else space.distributions()
        self._genomes = None if space is None else GenomeVariation(space, self._mutations)
        self._keeps_outcomes = keeps_outcomes
        self._population_size = population_size
        self._sample_size = sample_size
        self._max_attempts = max_attempts
        self._seed = None if seed is None else int(seed)
        self._lock = threading.RLock()
        self._views: WeakKeyDictionary[Study, StudyView] = WeakKeyDictionary()

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        del state["_lock"], state["_views"]  # the views are rebuilt from the storage
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.RLock()
        self._views = WeakKeyDictionary()

    @classmethod
    def proposal_of(cls, trial: FrozenTrial) -> Proposal | None:
        """Return what was proposed for a trial, where it came from, and what was expected of it.

        Returns:
            None if the trial carries no proposal of a sampler of this kind; without a ``space``
            the first trials of a study do not, nobody knows their parameters yet.
        """
        return Proposal.from_record(trial.system_attrs.get(cls._PROPOSAL_KEY))

    @classmethod
    def age_of(cls, trial: FrozenTrial) -> int | None:
        """Return the reading of the logical clock when a trial finished; None if it has none."""
        age = trial.system_attrs.get(cls._AGE_KEY)
        return age if isinstance(age, int) else None

    def reseed_rng(self) -> None:
        """Do nothing: every trial has its own random stream, also among threads."""

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Propose a genome, so that other workers see it before anything slow happens."""
        if self._space is not None:
            with self._lock:
                view = self._view(study)
                self._propose(study, trial, view, self._variation({}, view))

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return the parameters of the space, or those that the population has used."""
        if self._space is not None:
            return dict(self._distributions)
        found: dict[str, BaseDistribution] = {}
        with self._lock:
            view = self._view(study)
            view.read_up_to(study, trial)
            for member in view.population:
                found.update(member.distributions)
        return {name: found[name] for name in sorted(found) if not found[name].single()}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return the proposed parameters, and independent values for foreign names."""
        if not search_space:
            return {}
        with self._lock:
            view = self._view(study)
            if self._space is not None and trial.number not in view.proposals:
                trial = read_again(study, trial)  # a copy of ours, in another process, proposed
            variation = self._variation(search_space, view)
            proposal = self._propose(study, trial, view, variation)
        answer = {}
        for name, distribution in search_space.items():
            if self._space is not None and self._distributions.get(name) != distribution:
                answer[name] = self.sample_independent(study, trial, name, distribution)
            elif name in proposal.params and contains(distribution, proposal.params[name]):
                answer[name] = proposal.params[name]
        return answer

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Return a random value."""
        return random_value(param_distribution, self._rng(trial, param_name))

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Note when a trial was completed: one more than the largest reading there is."""
        if state != TrialState.COMPLETE:
            return
        with self._lock:
            view = self._view(study)
            view.read_all(study, trial)
            write_trial_attr(study, trial, self._AGE_KEY, view.clock + 1)

    def _propose(
        self, study: Study, trial: FrozenTrial, view: StudyView, variation: Variation
    ) -> Proposal:
        """Return the proposal of a trial: the one it carries, or a new one, written to it."""
        carried = view.proposals.get(trial.number) or self.proposal_of(trial)
        if carried is not None and variation.identity(carried.params) is not None:
            return carried
        rng = self._rng(trial, "proposal")
        view.read_up_to(study, trial)
        given = variation.keep(given_params(trial), rng)
        if given is not None:
            proposal = _proposal(variation, given, mutation="enqueued")
            self._write(study, trial, view, proposal)
            return proposal
        is_written = False
        for proposal, identities in self._children(study, trial, view, variation, rng):
            is_written = not view.knows(identities, besides=trial.number)
            if not is_written:
                continue
            self._write(study, trial, view, proposal)
            # Two workers that write at the same time cannot both miss the other's writing.
            view.read_all(study, trial)
            if not view.knows(identities, besides=trial.number):
                break
        if not is_written:
            self._write(study, trial, view, proposal)
        return proposal

    @abc.abstractmethod
    def _children(
        self,
        study: Study,
        trial: FrozenTrial,
        view: StudyView,
        variation: Variation,
        rng: np.random.Generator,
    ) -> Iterator[tuple[Proposal, frozenset[str]]]:
        """Yield children for a trial, at least one, the most wanted first.

        The first that nobody has been yet is taken; if there is none, the last.

        Yields:
            A proposal and the identities of all complete trials that would be the same child.
        """

    def _bred(
        self, study: Study, view: StudyView, variation: Variation, rng: np.random.Generator
    ) -> Iterator[tuple[Proposal, frozenset[str]]]:
        """Yield what plain evolution tries: mutants of tournament winners, then random children.

        All mutants of a population can be known while the space still has unknown children.
        """
        n_draws = self._max_attempts + _RANDOM_DRAWS * (self._max_attempts - 1)
        for attempt in range(1, n_draws + 1):
            mutates = attempt <= self._max_attempts
            parent = self._parent(study, view, rng) if mutates else None
            proposal = _child(variation, parent, rng, attempt)
            # What a wrapper such as PartialFixedSampler keeps from us, the parent had as well.
            whole = {**(parent.params if parent else {}), **proposal.params}
            identities = variation.identities(whole)
            if parent is not None and proposal.params.items() <= parent.params.items():
                identities = frozenset()  # a mutation that is meant to repeat its parent
            yield proposal, identities

    def _parent(self, study: Study, view: StudyView, rng: np.random.Generator) -> Member | None:
        """Return who breeds; None while the population fills."""
        if len(view.population) < self._population_size:
            return None
        return tournament(view.population, self._sample_size, study.directions, rng)

    def _write(
        self, study: Study, trial: FrozenTrial, view: StudyView, proposal: Proposal
    ) -> None:
        write_trial_attr(study, trial, self._PROPOSAL_KEY, proposal.to_record())
        view.proposals[trial.number] = proposal

    def _variation(
        self, search_space: Mapping[str, BaseDistribution], view: StudyView
    ) -> Variation:
        return self._genomes or ParameterVariation(
            search_space, paths=view.paths, branches=view.branches
        )

    def _view(self, study: Study) -> StudyView:
        study = whole_study(study)
        if study not in self._views:
            self._views[study] = StudyView(
                size=self._population_size,
                age_key=self._AGE_KEY,
                proposal_key=self._PROPOSAL_KEY,
                identity=(self._genomes or ParameterVariation({})).identity,
                draws_proposals=self._space is not None,
                keeps_outcomes=self._keeps_outcomes,
            )
        return self._views[study]

    def _rng(self, trial: FrozenTrial, purpose: str) -> np.random.Generator:
        if self._seed is None:
            return np.random.default_rng()
        return np.random.default_rng((self._seed, trial.number, zlib.crc32(purpose.encode())))


def _child(
    variation: Variation, parent: Member | None, rng: np.random.Generator, attempt: int
) -> Proposal:
    """Return a mutant of the parent, or a random child if there is none."""
    if parent is None:
        return _proposal(variation, variation.random(rng), attempt=attempt)
    params, mutation = variation.mutate(parent.params, rng)
    return _proposal(variation, params, parent=parent.number, mutation=mutation, attempt=attempt)


def _proposal(
    variation: Variation,
    params: dict[str, Any],
    *,
    parent: int | None = None,
    mutation: str | None = None,
    attempt: int = 1,
) -> Proposal:
    identity = variation.identity(params)
    assert identity is not None  # a variation stays within its own space
    return Proposal(
        params=params, identity=identity, parent=parent, mutation=mutation, attempt=attempt
    )
