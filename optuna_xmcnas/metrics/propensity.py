"""Inverse propensities: what a hit on a label is worth, more for a rare one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optuna_xmcnas.metrics.label_pairs import check_pairs
from optuna_xmcnas.metrics.label_pairs import pair_rows


if TYPE_CHECKING:
    from typing import Any

    import numpy.typing as npt
    from scipy.sparse import csr_array

    from optuna_xmcnas.metrics.ranked_lists import RankedLists


def inverse_propensity(
    train_labels: csr_array[Any], *, a: float = 0.55, b: float = 1.5
) -> npt.NDArray[np.float64]:
    """Return the inverse propensity of each label: 1 + C (n + b)^-a, C = (ln N - 1) (b + 1)^a.

    n is the number of train documents of the label and N that of all train documents
    (Jain, Prabhu and Varma, KDD 2016, as in pyxclib). The usual (a, b) are (0.5, 0.4) for
    Wikipedia sets, (0.6, 2.6) for Amazon-670K and Amazon-3M, (0.55, 1.5) for all others.

    Args:
        train_labels: The labels of the train split alone, shape (N, L).
        a: Exponent.
        b: Added to the frequencies.

    Example:
        >>> from scipy.sparse import csr_array
        >>> rare, frequent = inverse_propensity(csr_array([[1, 1], [0, 1], [0, 1]]))
        >>> bool(rare > frequent > 1)
        True
    """
    check_pairs(train_labels)
    counts = np.bincount(train_labels.indices, minlength=train_labels.shape[1])
    return inverse_propensity_of_counts(counts, train_labels.shape[0], a=a, b=b)


def inverse_propensity_of_counts(
    label_counts: npt.ArrayLike, n_documents: int, *, a: float = 0.55, b: float = 1.5
) -> npt.NDArray[np.float64]:
    """Return what `inverse_propensity` does, from what is known of the train documents.

    Args:
        label_counts: Train documents of each label, shape (L,).
        n_documents: Train documents in all.
        a: Exponent.
        b: Added to the frequencies.

    Example:
        >>> inverse_propensity_of_counts([1, 3], 3).round(3).tolist()
        [1.099, 1.071]
    """
    if n_documents < 3:
        raise ValueError(f"propensities need at least 3 train documents; got {n_documents}.")
    if a <= 0 or b <= 0:
        raise ValueError(f"`a` and `b` must be positive; got {a} and {b}.")
    scale = (np.log(n_documents) - 1) * (b + 1) ** a
    gains: npt.NDArray[np.float64] = 1 + scale * (np.asarray(label_counts) + b) ** -a
    return gains


@dataclass(frozen=True, eq=False)
class Gains:
    """The inverse propensities of what the lists hit, and of what the best lists would hit.

    Attributes:
        hit: Shape (N, k); 0 where the place is a miss.
        best: Shape (N, k); those of the true labels in falling order, then 0.
    """

    hit: npt.NDArray[np.float64]
    best: npt.NDArray[np.float64]

    @classmethod
    def check(cls, lists: RankedLists, propensity: npt.ArrayLike) -> Gains:
        """Return the gains of ``lists``, or raise ValueError if ``propensity`` cannot be one."""
        gains = np.asarray(propensity, np.float64)
        targets = lists.targets
        n_labels = targets.shape[1]
        if gains.shape != (n_labels,):
            raise ValueError(f"`propensity` has the shape {gains.shape}, not ({n_labels},).")
        if not (np.isfinite(gains) & (gains > 0)).all():
            raise ValueError("`propensity` must hold finite, positive numbers only.")
        rows = pair_rows(targets)  # (pairs,)
        of_pairs = gains[targets.indices]
        falling = of_pairs[np.lexsort((-of_pairs, rows))]  # documents stay in their order
        places = np.arange(len(rows)) - targets.indptr[rows]
        best = np.zeros_like(lists.hits, np.float64)
        kept = places < best.shape[1]
        best[rows[kept], places[kept]] = falling[kept]
        return cls(hit=np.where(lists.hits, gains[lists.ranked], 0.0), best=best)
