"""What each document adds to each metric: the parts that resampling puts together anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optuna_xmcnas.metrics.measures import measure
from optuna_xmcnas.metrics.measures import Measured
from optuna_xmcnas.metrics.propensity import Gains
from optuna_xmcnas.metrics.ranked_lists import RankedLists


if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    import numpy.typing as npt
    from scipy.sparse import csr_array


@dataclass(frozen=True, eq=False)
class DocumentScores:
    """The parts of metrics: each is the sum of its numerators over that of its denominators.

    Attributes:
        names: Of the metrics, in the order of `evaluate`.
        numerators: Shape (N, M), float64.
        denominators: Shape (N, M), float64, not negative.
    """

    names: tuple[str, ...]
    numerators: npt.NDArray[np.float64]
    denominators: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        if len(set(self.names)) != len(self.names):
            raise ValueError(f"some metric is named twice: {', '.join(self.names)}.")
        for name in ("numerators", "denominators"):
            part = getattr(self, name)
            if part.ndim != 2 or part.shape[1] != len(self.names) or part.dtype != np.float64:
                raise ValueError(
                    f"`{name}` must be float64 of shape (documents, {len(self.names)}), one "
                    f"column per metric; got {part.dtype} of shape {part.shape}."
                )
            if not np.isfinite(part).all():
                raise ValueError(f"`{name}` must hold finite numbers only.")
        if self.numerators.shape != self.denominators.shape or not len(self.numerators):
            raise ValueError(
                "both parts need the same documents, at least one; got "
                f"{len(self.numerators)} numerators and {len(self.denominators)} denominators."
            )
        if (self.denominators < 0).any():
            raise ValueError("`denominators` must not be negative.")

    def __len__(self) -> int:
        return len(self.numerators)

    @property
    def metrics(self) -> dict[str, float]:
        """The metrics, by name: those of `evaluate` on the same lists."""
        columns = zip(self.names, self.numerators.T, self.denominators.T, strict=True)
        return {name: Measured(*parts).value for name, *parts in columns}


def document_scores(
    ranked: npt.NDArray[np.integer[Any]],
    targets: csr_array[Any],
    *,
    ks: Sequence[int] = (1, 3, 5),
    propensity: npt.ArrayLike | None = None,
) -> DocumentScores:
    """Return the parts of the metrics that `evaluate` gives for the same arguments.

    Args:
        ranked: Label numbers, best first, -1 = no prediction; shape (N, at least the largest k).
        targets: The true labels, shape (N, L).
        ks: Numbers of places, all different.
        propensity: Inverse propensity of each label, see `inverse_propensity`; shape (L,).

    Example:
        >>> from scipy.sparse import csr_array
        >>> targets = csr_array([[1, 1, 0], [0, 0, 1]])
        >>> scores = document_scores(np.array([[0, 2], [1, 0]]), targets, ks=(2,))
        >>> scores.names
        ('P@2', 'nDCG@2', 'recall@2', 'RP@2')
        >>> scores.numerators[:, 0], scores.denominators[:, 0], scores.metrics["P@2"]
        (array([1., 0.]), array([2., 2.]), 0.25)
    """
    if len(set(ks)) != len(ks):
        raise ValueError(f"`ks` holds a number twice: {', '.join(map(str, ks))}.")
    lists = RankedLists.check(ranked, targets, ks)
    gains = None if propensity is None else Gains.check(lists, propensity)
    measured = dict(measure(lists, ks, gains))
    # one metric after another in memory: its sum is then that of `evaluate` to the last bit
    return DocumentScores(
        names=tuple(measured),
        numerators=np.stack([parts.numerators for parts in measured.values()]).T,
        denominators=np.stack([parts.denominators for parts in measured.values()]).T,
    )
