"""Evolution that asks a guide which child is worth training next."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import final
from typing import TYPE_CHECKING

import numpy as np
from optuna.trial import TrialState

from optuna_xmcnas.genome import DEFAULT_MUTATIONS
from optuna_xmcnas.genome import Mutation
from optuna_xmcnas.guides import GaussianProcessGuide
from optuna_xmcnas.guides import Guide
from optuna_xmcnas.guides import Opinion
from optuna_xmcnas.samplers.base import EvolutionSampler
from optuna_xmcnas.samplers.candidates import Candidate
from optuna_xmcnas.samplers.candidates import candidates
from optuna_xmcnas.samplers.candidates import checked
from optuna_xmcnas.samplers.history import evidence_of
from optuna_xmcnas.samplers.history import foresight
from optuna_xmcnas.samplers.proposal import Proposal


if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

    from optuna_xmcnas.genome import GenomeSpace
    from optuna_xmcnas.samplers.storage import StudyView
    from optuna_xmcnas.samplers.variation import Variation


_FEWEST_RESULTS = 4  # results before a guide forms an opinion (ours)
_CHOICES = 10  # among which a worker draws when another one was quicker with the best (ours)


@final
class GuidedEvolutionSampler(EvolutionSampler):
    """Sampler that evolves like :class:`RegularizedEvolutionSampler`, led by a model of the study.

    Before each proposal a guide is fitted to all results of the study and judges the unseen
    neighbours of the children that it thinks best, mutants of the aging population and some
    random children; the most promising one is proposed. The guide that comes with the package is
    a Gaussian process on the ranks of the results that chooses by expected improvement.

    The guide is watched: every proposal carries the merit that was expected of it. If over the
    last 30 results (12 at least) expectation and outcome are not positively correlated, children
    are proposed as plain evolution would, draw for draw, until they are again.

    Everything is derived from the storage, as in plain evolution, and workers with either sampler
    may share a study. With a seed, the same trials lead to the same proposal.

    Children that failed make their neighbours less likely to be proposed, unless they are marked
    as lost or stopped by :func:`optuna_xmcnas.work`. Failed and pruned children count as one of
    the worse quarter.

    Args:
        space: Which genomes to evolve; the objective calls ``space.suggest(trial)``. None evolves
            the parameters of any objective.
        population_size: How many trials make a population (P).
        sample_size: How many members a tournament draws (S).
        n_startup_trials: How many trials come before the first guided one; 10 if None, or
            ``population_size`` if that is less. Trials in training count, once five are finished.
        seed: Seed of all draws; None draws anew each time.
        mutations: Names of registered mutations, or mutations; used with a ``space`` only.
        max_attempts: How many mutants plain evolution draws before it tries a random child.
        guide: What judges children, see :class:`optuna_xmcnas.guides.Guide`.

    Raises:
        ValueError: If a number is out of range or a mutation is not known.

    Example:
        >>> import optuna
        >>> from optuna_xmcnas import GuidedEvolutionSampler
        >>> def objective(trial):
        ...     ops = [trial.suggest_categorical(f"op_{i}", list("abcd")) for i in range(6)]
        ...     return sum(op == "c" for op in ops)
        >>> optuna.logging.set_verbosity(optuna.logging.WARNING)
        >>> study = optuna.create_study(
        ...     direction="maximize", sampler=GuidedEvolutionSampler(seed=1)
        ... )
        >>> study.optimize(objective, n_trials=30)
        >>> study.best_value
        6.0
    """

    def __init__(
        self,
        *,
        space: GenomeSpace | None = None,
        population_size: int = 20,
        sample_size: int = 10,
        n_startup_trials: int | None = None,
        seed: int | None = None,
        mutations: Sequence[str | Mutation] = DEFAULT_MUTATIONS,
        max_attempts: int = 20,
        guide: Guide | None = None,
    ) -> None:
        super().__init__(
            space=space,
            population_size=population_size,
            sample_size=sample_size,
            seed=seed,
            mutations=mutations,
            max_attempts=max_attempts,
            keeps_outcomes=True,
        )
        if n_startup_trials is None:
            n_startup_trials = min(10, population_size)
        if n_startup_trials < 0:
            raise ValueError(f"`n_startup_trials` must not be negative; got {n_startup_trials}.")
        given: object = guide
        if isinstance(given, type):
            raise ValueError(
                f"`guide` must be an object, not the class; write {given.__name__}()."
            )
        if guide is not None and not isinstance(guide, Guide):
            raise ValueError(f"`guide` must have a method `fit(evidence, rng)`; got {guide!r}.")
        self._n_startup_trials = n_startup_trials
        self._guide = GaussianProcessGuide() if guide is None else guide

    def _children(
        self,
        study: Study,
        trial: FrozenTrial,
        view: StudyView,
        variation: Variation,
        rng: np.random.Generator,
    ) -> Iterator[tuple[Proposal, frozenset[str]]]:
        bred = self._bred(study, view, variation, rng)
        running = [view.proposals[n].params for n in sorted(view.proposals) if n != trial.number]
        evidence = evidence_of(view.outcomes, running, study.directions, variation)
        n_results = sum(one.state == TrialState.COMPLETE for one in view.outcomes.values())
        if n_results < _FEWEST_RESULTS:
            yield from bred
            return
        guide_rng = self._rng(trial, "guide")  # its own, so that plain draws stay what they are
        opinion = self._guide.fit(evidence, guide_rng)
        if not isinstance(opinion, Opinion):
            raise ValueError(
                f"{type(self._guide).__qualname__}.fit must return an object with the methods "
                f"`merit` and `promise`; got {opinion!r}."
            )
        if self._leads(study, view, n_results, len(running)):
            breeder = partial(self._parent, study, view, guide_rng)
            known = view.known(besides=trial.number)
            found = candidates(evidence, opinion, variation, breeder, known, guide_rng)
            yield from _by_promise(found, opinion, guide_rng)
        for proposal, identities in bred:
            child = variation.child(proposal.params)
            if child is not None:
                proposal = replace(proposal, expected=float(checked(opinion.merit, [child])[0]))
            yield proposal, identities

    def _leads(self, study: Study, view: StudyView, n_results: int, n_running: int) -> bool:
        """Return whether the guide chooses now."""
        n_begun = n_results + n_running if n_results > _FEWEST_RESULTS else n_results
        if n_begun < self._n_startup_trials:
            return False
        correlation = foresight(view.outcomes, study.directions)
        return correlation is None or correlation > 0


def _by_promise(
    found: Sequence[Candidate], opinion: Opinion, rng: np.random.Generator
) -> Iterator[tuple[Proposal, frozenset[str]]]:
    """Yield proposals, the most promising first; after it, one of the next few at a time.

    Two workers that ask at the same moment have the same best candidate. Both notice, and step
    aside; in the same direction they would meet again.
    """
    if not found:
        return
    children = [candidate.child for candidate in found]
    order = list(np.argsort(-checked(opinion.promise, children), kind="stable"))
    choice = 0
    while order:
        candidate = found[order.pop(choice)]
        expected = checked(opinion.merit, [candidate.child])[0]
        proposal = Proposal(
            params=dict(candidate.child.params),
            identity=candidate.child.identity,
            parent=candidate.parent,
            mutation=candidate.mutation,
            expected=float(expected),
            guided=True,
        )
        yield proposal, candidate.identities
        choice = int(rng.integers(min(len(order), _CHOICES))) if order else 0
