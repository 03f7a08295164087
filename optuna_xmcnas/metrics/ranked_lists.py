"""Ranked lists beside the true labels: what all metrics have in common, found once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from optuna_xmcnas.metrics.label_pairs import check_pairs
from optuna_xmcnas.metrics.label_pairs import contains


if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    import numpy.typing as npt
    from scipy.sparse import csr_array


@dataclass(frozen=True, eq=False)
class RankedLists:
    """The first places of each document's list, and which of them are hits.

    Attributes:
        ranked: Label numbers, best first, -1 = no prediction; shape (N, k).
        hits: Whether the label there is a true one; shape (N, k).
        n_true: The number of true labels of each document; shape (N,).
        targets: The true labels; shape (N, L).
    """

    ranked: npt.NDArray[np.integer[Any]]
    hits: npt.NDArray[np.bool_]
    n_true: npt.NDArray[np.int64]
    targets: csr_array[Any]

    @classmethod
    def check(
        cls,
        ranked: npt.NDArray[np.integer[Any]],
        targets: csr_array[Any],
        ks: Sequence[int],
    ) -> RankedLists:
        """Return the lists cut to the largest of ``ks``, or raise ValueError."""
        if not ks:
            raise ValueError("`ks` is empty; give at least one number of places.")
        check_places(min(ks))
        check_pairs(targets)
        check_ranked(ranked, targets.shape)
        k = max(ks)
        if ranked.shape[1] < k:
            raise ValueError(
                f"`ranked` has {ranked.shape[1]} places but k is {k}; fill short lists with -1."
            )
        if ranked.shape[0] == 0:
            raise ValueError("there is no document to evaluate.")
        first = ranked[:, :k]
        return cls(
            ranked=first,
            hits=contains(targets, first),
            n_true=np.diff(targets.indptr).astype(np.int64),
            targets=targets,
        )

    def n_hits(self, k: int) -> npt.NDArray[np.float64]:
        """Return the number of hits among the first ``k`` places of each document, (N,)."""
        return np.asarray(self._n_hits[k - 1])

    @cached_property
    def _n_hits(self) -> npt.NDArray[np.float64]:
        return np.cumsum(self.hits.T, axis=0, dtype=np.float64)  # (k, N)


def check_places(k: int) -> None:
    """Raise ValueError if a list has no place."""
    if k < 1:
        raise ValueError(f"k must be at least 1; got {k}.")


def check_ranked(ranked: npt.NDArray[np.integer[Any]], shape: tuple[int, int]) -> None:
    """Raise ValueError unless ``ranked`` holds lists of different labels of N documents.

    Args:
        ranked: The lists.
        shape: (N, L).
    """
    n_documents, n_labels = shape
    if ranked.ndim != 2 or ranked.dtype.kind != "i" or ranked.shape[0] != n_documents:
        raise ValueError(
            f"`ranked` must hold integers of shape ({n_documents}, k), one row per document; "
            f"got {ranked.dtype} of shape {ranked.shape}."
        )
    if ranked.size and not -1 <= ranked.min() <= ranked.max() < n_labels:
        raise ValueError(
            f"`ranked` holds label numbers {ranked.min()}..{ranked.max()}; "
            f"allowed: -1 (no prediction) and 0..{n_labels - 1}."
        )
    rising = np.sort(ranked, axis=1)
    repeated = (rising[:, 1:] == rising[:, :-1]) & (rising[:, 1:] >= 0)
    if repeated.any():
        row = int(repeated.any(axis=1).argmax())
        raise ValueError(f"row {row} of `ranked` holds a label twice: {ranked[row].tolist()}.")
