"""The measures: what each document adds to P@k and its relatives.

Every one of them is a sum over documents divided by another sum over documents. For most the
divisor counts documents (a mean); for PSP and PSnDCG it is what the best lists would reach.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optuna_xmcnas.metrics.propensity import Gains
from optuna_xmcnas.metrics.ranked_lists import RankedLists


if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Sequence
    from typing import Any

    import numpy.typing as npt
    from scipy.sparse import csr_array


@dataclass(frozen=True, eq=False)
class Measured:
    """One metric, before its sums: ``sum(numerators) / sum(denominators)``, or 0 for 0 / 0."""

    numerators: npt.NDArray[np.float64]  # (N,)
    denominators: npt.NDArray[np.float64]  # (N,)

    @property
    def value(self) -> float:
        """The metric."""
        whole = self.denominators.sum()
        return float(self.numerators.sum() / whole) if whole else 0.0


def measure(
    lists: RankedLists, ks: Sequence[int], gains: Gains | None = None
) -> Iterator[tuple[str, Measured]]:
    """Yield P, nDCG, recall and RP at every ``k``, with ``gains`` PSP and PSnDCG too, by name.

    One at a time, so that whoever needs only the sums never holds the parts of all.
    """
    for name, of_lists in _PLAIN.items():
        for k in ks:
            yield f"{name}@{k}", of_lists(lists, k)
    if gains is None:
        return
    for name, of_gains in _WEIGHTED.items():
        for k in ks:
            yield f"{name}@{k}", of_gains(lists, gains, k)


def precision_at_k(ranked: npt.NDArray[np.integer[Any]], targets: csr_array[Any], k: int) -> float:
    """Return P@k: the mean share of true labels among the first ``k`` places.

    The divisor is ``k``, also for documents with fewer labels and for shorter lists.

    Example:
        >>> from scipy.sparse import csr_array
        >>> precision_at_k(np.array([[2, 1], [0, -1]]), csr_array([[0, 1, 1], [1, 0, 0]]), k=2)
        0.75
    """
    return _precision(RankedLists.check(ranked, targets, (k,)), k).value


def ndcg_at_k(ranked: npt.NDArray[np.integer[Any]], targets: csr_array[Any], k: int) -> float:
    """Return nDCG@k: hits discounted by log2(place + 1), relative to the best possible.

    The best possible list of a document has min(k, true labels) hits.

    Example:
        >>> from scipy.sparse import csr_array
        >>> ndcg_at_k(np.array([[0, 1]]), csr_array([[1, 0, 0]]), k=2)
        1.0
        >>> round(ndcg_at_k(np.array([[1, 0]]), csr_array([[1, 0, 0]]), k=2), 4)  # 1 / log2(3)
        0.6309
    """
    return _ndcg(RankedLists.check(ranked, targets, (k,)), k).value


def recall_at_k(ranked: npt.NDArray[np.integer[Any]], targets: csr_array[Any], k: int) -> float:
    """Return recall@k: the mean share of a document's true labels that are in its first ``k``.

    Documents without true labels count as 0 (the function `recall` of pyxclib).

    Example:
        >>> from scipy.sparse import csr_array
        >>> recall_at_k(np.array([[0, 1]]), csr_array([[1, 0, 1]]), k=2)
        0.5
    """
    return _recall(RankedLists.check(ranked, targets, (k,)), k).value


def r_precision_at_k(
    ranked: npt.NDArray[np.integer[Any]], targets: csr_array[Any], k: int
) -> float:
    """Return RP@k: hits divided by min(k, true labels), averaged (as in LibMultiLabel).

    Example:
        >>> from scipy.sparse import csr_array
        >>> r_precision_at_k(np.array([[0, 1]]), csr_array([[1, 0, 0]]), k=2)
        1.0
    """
    return _r_precision(RankedLists.check(ranked, targets, (k,)), k).value


def psp_at_k(
    ranked: npt.NDArray[np.integer[Any]],
    targets: csr_array[Any],
    propensity: npt.ArrayLike,
    k: int,
) -> float:
    """Return PSP@k: propensity-weighted hits, as a share of the largest possible.

    It is a ratio of two means, not a mean of ratios. 0 if no document has a true label.

    Example:
        >>> from scipy.sparse import csr_array
        >>> targets = csr_array([[1, 0], [0, 1]])
        >>> psp_at_k(np.array([[0], [0]]), targets, [1.0, 3.0], k=1)  # (1 + 0) / (1 + 3)
        0.25
    """
    lists = RankedLists.check(ranked, targets, (k,))
    return _psp(lists, Gains.check(lists, propensity), k).value


def psndcg_at_k(
    ranked: npt.NDArray[np.integer[Any]],
    targets: csr_array[Any],
    propensity: npt.ArrayLike,
    k: int,
) -> float:
    """Return PSnDCG@k: as nDCG@k with the inverse propensity as gain, a ratio of two means.

    Both means divide each document by its best plain DCG (pyxclib; AttentionXML leaves this out).

    Example:
        >>> from scipy.sparse import csr_array
        >>> targets = csr_array([[1, 0], [0, 1]])
        >>> psndcg_at_k(np.array([[0], [0]]), targets, [1.0, 3.0], k=1)
        0.25
    """
    lists = RankedLists.check(ranked, targets, (k,))
    return _psndcg(lists, Gains.check(lists, propensity), k).value


def _precision(lists: RankedLists, k: int) -> Measured:
    # counts over counts: both sums are exact
    return Measured(lists.n_hits(k), _constant(lists, k))


def _ndcg(lists: RankedLists, k: int) -> Measured:
    reached = lists.hits[:, :k] @ _discounts(k)
    return Measured(_ratio(reached, _best_dcg(lists, k)), _constant(lists, 1))


def _recall(lists: RankedLists, k: int) -> Measured:
    return Measured(lists.n_hits(k) / np.maximum(lists.n_true, 1), _constant(lists, 1))


def _r_precision(lists: RankedLists, k: int) -> Measured:
    return Measured(lists.n_hits(k) / np.clip(lists.n_true, 1, k), _constant(lists, 1))


def _psp(lists: RankedLists, gains: Gains, k: int) -> Measured:
    return Measured(gains.hit[:, :k].sum(axis=1), gains.best[:, :k].sum(axis=1))


def _psndcg(lists: RankedLists, gains: Gains, k: int) -> Measured:
    discounts = _discounts(k)
    plain = _best_dcg(lists, k)
    return Measured(
        _ratio(gains.hit[:, :k] @ discounts, plain), _ratio(gains.best[:, :k] @ discounts, plain)
    )


_PLAIN = {"P": _precision, "nDCG": _ndcg, "recall": _recall, "RP": _r_precision}
_WEIGHTED = {"PSP": _psp, "PSnDCG": _psndcg}


def _constant(lists: RankedLists, value: int) -> npt.NDArray[np.float64]:
    return np.broadcast_to(np.float64(value), lists.n_true.shape)  # takes no memory


def _best_dcg(lists: RankedLists, k: int) -> npt.NDArray[np.float64]:
    """The largest DCG of each document, (N,): hits at its first min(k, labels) places."""
    sums = np.concatenate([np.zeros(1), np.cumsum(_discounts(k))])
    return np.asarray(sums[np.minimum(lists.n_true, k)])


def _discounts(k: int) -> npt.NDArray[np.float64]:
    return np.asarray(1 / np.log2(np.arange(2, k + 2)))  # 1 / log2(place + 1), places from 1


def _ratio(
    part: npt.NDArray[np.float64], whole: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
