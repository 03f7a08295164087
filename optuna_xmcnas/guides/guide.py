"""What a guide is: something that says which child is worth training next.

A guide sees what a study has shown so far and forms an opinion of children that nobody has
trained. Any object with these methods can guide a search; the one that comes with the package is
:class:`GaussianProcessGuide`.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import Protocol
from typing import runtime_checkable
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    import numpy as np

    from optuna_xmcnas.genome import Genome


@dataclass(frozen=True, eq=False, kw_only=True)
class Child:
    """A child as guides see it, trained or not.

    Attributes:
        identity: Equal for equal children.
        params: Trial parameters by name.
        genome: The architecture; None where the search space is not one of genomes.
        features: What it is in numbers, float32 (F,); F is the same for all children of a study.
    """

    identity: str
    params: Mapping[str, Any]
    genome: Genome | None
    features: np.ndarray


@dataclass(frozen=True, eq=False, kw_only=True)
class Evaluated:
    """A child whose result is known.

    Attributes:
        child: The child.
        merit: Normal score of its rank in the study: 0 is the median, higher is better, whichever
            way the study is directed and however many objectives it has.
        values: The objective values; empty for a trial that was pruned.
        number: The trial's number.
    """

    child: Child
    merit: float
    values: tuple[float, ...]
    number: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Evidence:
    """All that a study has shown up to now, in the order of trial numbers.

    Attributes:
        evaluated: Children with a result; equal ones may occur again with other results.
        running: Children that other workers are training.
        failed: Children that have no result by their own fault, out of memory for example.
        groups: Which of the features belong together, by the name of the group.
    """

    evaluated: Sequence[Evaluated]
    groups: Mapping[str, slice]
    running: Sequence[Child] = ()
    failed: Sequence[Child] = ()


@runtime_checkable
class Opinion(Protocol):
    """What a guide thinks of children, given some evidence."""

    def merit(self, children: Sequence[Child]) -> np.ndarray:
        """Return the merit each child is expected to have, (C,); see :class:`Evaluated`."""
        ...

    def promise(self, children: Sequence[Child]) -> np.ndarray:
        """Return how much each child is worth training next, (C,); the highest is proposed."""
        ...


@runtime_checkable
class Guide(Protocol):
    """Forms opinions.

    A guide keeps nothing between two calls that another worker would not have: the same evidence
    and random stream must lead to the same opinion. The order of ``merit`` is compared with what
    comes out, among all the trials before; where the two disagree, the search goes on without the
    guide for a while. So merit is best given on the scale of :class:`Evaluated`.

    Example:
        >>> import numpy as np
        >>> from optuna_xmcnas import GuidedEvolutionSampler
        >>> class FewerLayers:  # believes in small architectures, whatever happens
        ...     def fit(self, evidence, rng):
        ...         return self
        ...     def merit(self, children):
        ...         return np.array([-child.genome.n_layers for child in children])
        ...     def promise(self, children):
        ...         return self.merit(children)
        >>> isinstance(FewerLayers(), Guide)
        True
        >>> sampler = GuidedEvolutionSampler(guide=FewerLayers())
    """

    def fit(self, evidence: Evidence, rng: np.random.Generator) -> Opinion:
        """Return an opinion; ``evidence.evaluated`` holds two children at least."""
        ...
