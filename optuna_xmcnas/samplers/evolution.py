"""Regularized (aging) evolution as an Optuna sampler."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence
from typing import final
from typing import TYPE_CHECKING

from optuna_xmcnas.genome import DEFAULT_MUTATIONS
from optuna_xmcnas.genome import Mutation
from optuna_xmcnas.samplers.base import EvolutionSampler


if TYPE_CHECKING:
    import numpy as np
    from optuna import Study
    from optuna.trial import FrozenTrial

    from optuna_xmcnas.genome import GenomeSpace
    from optuna_xmcnas.samplers.proposal import Proposal
    from optuna_xmcnas.samplers.storage import StudyView
    from optuna_xmcnas.samplers.variation import Variation


@final
class RegularizedEvolutionSampler(EvolutionSampler):
    """Sampler that breeds from the trials finished last (Real et al., AAAI 2019).

    The first ``population_size`` trials are random. From then on each new trial is a mutant: of
    ``sample_size`` members drawn from the population with replacement, the best is changed by one
    mutation. The population is the ``population_size`` trials completed last; completion is
    ordered by a logical clock kept in the trials, so the clocks and time zones of the workers do
    not matter. Only COMPLETE trials breed. Children that another trial has been already, running,
    complete, pruned or failed, are drawn again, up to ``max_attempts`` times; then random ones
    are tried, ten times as many, before a known one is accepted.

    Everything is derived from the storage: workers may come, die and come back. Each trial's draws
    come from a random stream of its own, made from ``seed`` and its number: with a seed, the same
    finished trials lead to the same proposal, whichever process makes it.

    With several objectives the tournament goes by non-dominated sorting.

    To fix a part of the genomes of a ``space``, use its ``frozen`` nodes, equal ``min_layers`` and
    ``max_layers``, or fewer ``ops``: Optuna's ``PartialFixedSampler`` overrules single parameters
    after the proposal is made, so ancestry and duplicates would be judged by another genome.

    Args:
        space: Which genomes to evolve; the objective calls ``space.suggest(trial)``. None evolves
            the parameters of any objective, changing one of its parent's parameters.
        population_size: How many trials make a population (P).
        sample_size: How many members a tournament draws (S).
        seed: Seed of all draws; None draws anew each time.
        mutations: Names of registered mutations, or mutations; used with a ``space`` only.
        max_attempts: How many mutants to draw before a random child is tried; 1 accepts the first
            one, known or not.

    Raises:
        ValueError: If a number is out of range or a mutation is not known.

    Example:
        >>> import optuna
        >>> from optuna_xmcnas import RegularizedEvolutionSampler
        >>> def objective(trial):
        ...     kernel = trial.suggest_categorical("kernel", ["rbf", "linear"])
        ...     return trial.suggest_float("c", 0.1, 10.0, log=True) + (kernel == "rbf")
        >>> optuna.logging.set_verbosity(optuna.logging.WARNING)
        >>> sampler = RegularizedEvolutionSampler(population_size=5, sample_size=3, seed=1)
        >>> study = optuna.create_study(direction="maximize", sampler=sampler)
        >>> study.optimize(objective, n_trials=40)
        >>> study.best_params["kernel"]
        'rbf'
    """

    def __init__(
        self,
        *,
        space: GenomeSpace | None = None,
        population_size: int = 20,
        sample_size: int = 10,
        seed: int | None = None,
        mutations: Sequence[str | Mutation] = DEFAULT_MUTATIONS,
        max_attempts: int = 20,
    ) -> None:
        super().__init__(
            space=space,
            population_size=population_size,
            sample_size=sample_size,
            seed=seed,
            mutations=mutations,
            max_attempts=max_attempts,
        )

    def _children(
        self,
        study: Study,
        trial: FrozenTrial,
        view: StudyView,
        variation: Variation,
        rng: np.random.Generator,
    ) -> Iterator[tuple[Proposal, frozenset[str]]]:
        yield from self._bred(study, view, variation, rng)
