"""A sampler that proposes given genomes, each as often as the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from collections.abc import Sequence
from typing import Any
from typing import final
from typing import TYPE_CHECKING

from optuna.samplers import BaseSampler
from optuna.trial import TrialState

from optuna_xmcnas.exceptions import InvalidGenomeError
from optuna_xmcnas.genome import canonical_hash
from optuna_xmcnas.worker import ended_of


if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

    from optuna_xmcnas.genome import Genome
    from optuna_xmcnas.genome import GenomeSpace


@final
class RepeatSampler(BaseSampler):
    """Proposes the genome that the study has tried least often; of equal ones, the first.

    It keeps nothing: any number of workers, started whenever, share the work. What is in training
    counts as tried, and so does what failed by itself, so that one genome that cannot be trained
    does not end the others.

    Args:
        space: Where the genomes are from.
        genomes: All different networks.
    """

    def __init__(self, space: GenomeSpace, genomes: Sequence[Genome]) -> None:
        self._space = space
        self._params = {canonical_hash(genome): space.to_params(genome) for genome in genomes}

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return all parameters that a genome of the space can have."""
        return self._space.distributions()

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return the parameters of the genome whose turn it is."""
        others = (
            other for other in study.get_trials(deepcopy=False) if other.number != trial.number
        )
        tried = tries_by_network(others, self._space)
        turn = min(self._params, key=lambda network: tried[network])  # the first of equal ones
        return dict(self._params[turn])

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Refuse: every parameter of a genome is chosen together."""
        raise InvalidGenomeError(
            f"parameter {param_name!r} is none of the genomes that are repeated; suggest them "
            "with the space that they are from."
        )


def tries_by_network(trials: Iterable[FrozenTrial], space: GenomeSpace) -> Counter[str]:
    """Return how often each network was tried, or is being tried, by its canonical hash."""
    return Counter(
        network
        for trial in trials
        if trial.state not in (TrialState.WAITING, TrialState.PRUNED) and ended_of(trial) is None
        if (network := network_of(trial, space)) is not None
    )


def network_of(trial: FrozenTrial, space: GenomeSpace) -> str | None:
    """Return the canonical hash of a trial's genome; None if it has none of the space."""
    try:
        return canonical_hash(space.from_params(trial.params))
    except InvalidGenomeError:
        return None
