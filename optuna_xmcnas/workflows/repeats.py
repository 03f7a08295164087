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
from optuna_xmcnas.study import Ended
from optuna_xmcnas.study import ended_of


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
    counts as tried, and so does what failed, so that one genome that cannot be trained does not
    end the others.

    Args:
        space: Where the genomes are from.
        genomes: All different networks.
        retries: How often the child of a dead worker is tried again.
    """

    def __init__(self, space: GenomeSpace, genomes: Sequence[Genome], *, retries: int = 1) -> None:
        self._space = space
        self._retries = retries
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
        tried = tries_by_network(others, self._space, retries=self._retries)
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


def tries_by_network(
    trials: Iterable[FrozenTrial], space: GenomeSpace, *, retries: int
) -> Counter[str]:
    """Return how often each network was tried, or is being tried, by its canonical hash.

    A child that took its worker with it as often as it may be tried counts as one try; what was
    interrupted, or is tried again, does not count.
    """
    tried: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    for trial in trials:
        network = network_of(trial, space)
        if network is None or trial.state in (TrialState.WAITING, TrialState.PRUNED):
            continue
        ended = ended_of(trial)
        tried[network] += ended is None
        lost[network] += ended is Ended.LOST
    for network, count in lost.items():
        tried[network] += count // (retries + 1)
    return tried


def network_of(trial: FrozenTrial, space: GenomeSpace) -> str | None:
    """Return the canonical hash of a trial's genome; None if it has none of the space."""
    try:
        return canonical_hash(space.from_params(trial.params))
    except InvalidGenomeError:
        return None
