"""Ranking metrics of extreme multi-label classification, over sparse targets.

Every function takes ranked lists and the true labels, never a dense documents x labels array, so
memory is that of the lists and of the true labels. Definitions are those of pyxclib
(`xclib/evaluation/xc_metrics.py`), and these choices are ours where references disagree:

- A list may be short (-1 = no prediction): the missing places are misses.
- A document without true labels counts as 0 and stays in the mean; the report counts them.
- Equal scores rank by the lower label number, see `rank_scores`.
- Labels without train document stay in the targets, where nothing can predict them.

Letters: N documents, L labels, k places; y_i the true labels of document i.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array


if TYPE_CHECKING:
    from typing import Any
    from typing import TypeAlias

    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]
    Integers: TypeAlias = npt.NDArray[np.integer[Any]]
    Matrix: TypeAlias = csr_array[Any]


__all__ = [
    "EvaluationReport",
    "evaluate",
    "inverse_propensity",
    "ndcg_at_k",
    "precision_at_k",
    "psndcg_at_k",
    "psp_at_k",
    "r_precision_at_k",
    "rank_scores",
    "recall_at_k",
    "remove_pairs",
]


@dataclass(frozen=True)
class EvaluationReport(Mapping[str, float]):
    """The metrics of one evaluation; reads like a dictionary from names such as ``"P@5"``.

    Attributes:
        scores: Pairs of name and value, in the order of `evaluate`.
        n_documents: Documents in the mean, those without true labels included.
        n_without_labels: Documents without true labels; they count as 0.
    """

    scores: tuple[tuple[str, float], ...]
    n_documents: int
    n_without_labels: int

    def __getitem__(self, name: str) -> float:
        for known, score in self.scores:
            if known == name:
                return score
        raise KeyError(f"{name!r} was not computed; there is {', '.join(self)}.")

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self.scores)

    def __len__(self) -> int:
        return len(self.scores)


def evaluate(
    ranked: Integers,
    targets: Matrix,
    *,
    ks: Sequence[int] = (1, 3, 5),
    propensity: npt.ArrayLike | None = None,
) -> EvaluationReport:
    """Return P, nDCG, recall and R-precision at every ``k``, and with ``propensity`` PSP, PSnDCG.

    Args:
        ranked: Label numbers, best first, -1 = no prediction; shape (N, at least the largest k).
        targets: The true labels, shape (N, L).
        ks: Numbers of places.
        propensity: Inverse propensity of each label, see `inverse_propensity`; shape (L,).

    Example:
        >>> targets = csr_array([[1, 1, 0], [0, 0, 1]])
        >>> report = evaluate(np.array([[0, 2], [2, 0]]), targets, ks=(1, 2))
        >>> report["P@1"], report["P@2"], report["recall@2"]
        (1.0, 0.5, 0.75)
    """
    if not ks:
        raise ValueError("`ks` is empty; give at least one number of places.")
    lists = _RankedLists.check(ranked, targets, max(ks), smallest=min(ks))
    plain: dict[str, Callable[[_RankedLists, int], float]] = {
        "P": _precision,
        "nDCG": _ndcg,
        "recall": _recall,
        "RP": _r_precision,
    }
    scores = [(f"{name}@{k}", metric(lists, k)) for name, metric in plain.items() for k in ks]
    if propensity is not None:
        gains = _Gains.check(lists, propensity)
        scores += [(f"PSP@{k}", _psp(lists, gains, k)) for k in ks]
        scores += [(f"PSnDCG@{k}", _psndcg(lists, gains, k)) for k in ks]
    return EvaluationReport(
        scores=tuple(scores),
        n_documents=len(lists.n_true),
        n_without_labels=int((lists.n_true == 0).sum()),
    )


def precision_at_k(ranked: Integers, targets: Matrix, k: int) -> float:
    """Return P@k: the mean share of true labels among the first ``k`` places.

    The divisor is ``k``, also for documents with fewer labels and for shorter lists.

    Example:
        >>> precision_at_k(np.array([[2, 1], [0, -1]]), csr_array([[0, 1, 1], [1, 0, 0]]), k=2)
        0.75
    """
    return _precision(_RankedLists.check(ranked, targets, k), k)


def ndcg_at_k(ranked: Integers, targets: Matrix, k: int) -> float:
    """Return nDCG@k: hits discounted by log2(place + 1), relative to the best possible.

    The best possible list of a document has min(k, true labels) hits.

    Example:
        >>> ndcg_at_k(np.array([[0, 1]]), csr_array([[1, 0, 0]]), k=2)
        1.0
        >>> round(ndcg_at_k(np.array([[1, 0]]), csr_array([[1, 0, 0]]), k=2), 4)  # 1 / log2(3)
        0.6309
    """
    return _ndcg(_RankedLists.check(ranked, targets, k), k)


def recall_at_k(ranked: Integers, targets: Matrix, k: int) -> float:
    """Return recall@k: the mean share of a document's true labels that are in its first ``k``.

    Documents without true labels count as 0 (the function `recall` of pyxclib).

    Example:
        >>> recall_at_k(np.array([[0, 1]]), csr_array([[1, 0, 1]]), k=2)
        0.5
    """
    return _recall(_RankedLists.check(ranked, targets, k), k)


def r_precision_at_k(ranked: Integers, targets: Matrix, k: int) -> float:
    """Return RP@k: hits divided by min(k, true labels), averaged (as in LibMultiLabel).

    Example:
        >>> r_precision_at_k(np.array([[0, 1]]), csr_array([[1, 0, 0]]), k=2)
        1.0
    """
    return _r_precision(_RankedLists.check(ranked, targets, k), k)


def psp_at_k(ranked: Integers, targets: Matrix, propensity: npt.ArrayLike, k: int) -> float:
    """Return PSP@k: propensity-weighted hits, as a share of the largest possible.

    It is a ratio of two means, not a mean of ratios. 0 if no document has a true label.

    Example:
        >>> targets = csr_array([[1, 0], [0, 1]])
        >>> psp_at_k(np.array([[0], [0]]), targets, [1.0, 3.0], k=1)  # (1 + 0) / (1 + 3)
        0.25
    """
    lists = _RankedLists.check(ranked, targets, k)
    return _psp(lists, _Gains.check(lists, propensity), k)


def psndcg_at_k(ranked: Integers, targets: Matrix, propensity: npt.ArrayLike, k: int) -> float:
    """Return PSnDCG@k: as nDCG@k with the inverse propensity as gain, a ratio of two means.

    Both means divide each document by its best plain DCG (pyxclib; AttentionXML leaves this out).

    Example:
        >>> targets = csr_array([[1, 0], [0, 1]])
        >>> psndcg_at_k(np.array([[0], [0]]), targets, [1.0, 3.0], k=1)
        0.25
    """
    lists = _RankedLists.check(ranked, targets, k)
    return _psndcg(lists, _Gains.check(lists, propensity), k)


def inverse_propensity(train_labels: Matrix, *, a: float = 0.55, b: float = 1.5) -> Floats:
    """Return the inverse propensity of each label: 1 + C (n + b)^-a, C = (ln N - 1) (b + 1)^a.

    n is the number of train documents of the label and N that of all train documents
    (Jain, Prabhu and Varma, KDD 2016, as in pyxclib). The usual (a, b) are (0.5, 0.4) for
    Wikipedia sets, (0.6, 2.6) for Amazon-670K and Amazon-3M, (0.55, 1.5) for all others.

    Args:
        train_labels: The labels of the train split alone, shape (N, L).
        a: Exponent.
        b: Added to the frequencies.

    Example:
        >>> rare, frequent = inverse_propensity(csr_array([[1, 1], [0, 1], [0, 1]]))
        >>> bool(rare > frequent > 1)
        True
    """
    n_documents = train_labels.shape[0]
    if n_documents < 3:
        raise ValueError(f"propensities need at least 3 train documents; got {n_documents}.")
    if a <= 0 or b <= 0:
        raise ValueError(f"`a` and `b` must be positive; got {a} and {b}.")
    _check_targets(train_labels)
    counts = np.bincount(train_labels.indices, minlength=train_labels.shape[1])
    scale = (np.log(n_documents) - 1) * (b + 1) ** a
    gains: Floats = 1 + scale * (counts + b) ** -a
    return gains


def rank_scores(scores: Matrix, k: int) -> npt.NDArray[np.int64]:
    """Return the ``k`` best labels of each document: descending score, then lower label number.

    Only stored entries are predictions, whatever their sign; -1 fills the places of a document
    that has fewer than ``k``. Give logits, not probabilities: those saturate and tie.

    Args:
        scores: Shape (N, L).
        k: Places.

    Returns:
        Shape (N, k).

    Raises:
        ValueError: If a score is NaN or an entry is stored twice.

    Example:
        >>> scores = csr_array(([-2.0, -1.0, -2.0], ([0, 0, 0], [3, 2, 1])), shape=(1, 9))
        >>> rank_scores(scores, k=4)
        array([[ 2,  1,  3, -1]])
    """
    _check_places(k)
    n_documents = scores.shape[0]
    rows = np.repeat(np.arange(n_documents), np.diff(scores.indptr))  # (stored entries,)
    values = np.asarray(scores.data, np.float64)
    if (missing := np.isnan(values)).any():
        where = int(missing.argmax())
        raise ValueError(
            f"{int(missing.sum())} of {len(values)} scores are NaN; the first is that of "
            f"document {rows[where]}, label {scores.indices[where]}."
        )
    order = np.lexsort((scores.indices, -values, rows))
    columns = scores.indices[order]
    # order keeps the rows apart, so entry j of the sorted list still belongs to rows[j]
    places = np.arange(len(rows)) - scores.indptr[rows]
    kept = places < k
    ranked = np.full((n_documents, k), -1, np.int64)
    ranked[rows[kept], places[kept]] = columns[kept]
    if not scores.has_canonical_format:
        _check_no_repeats(scores)
    return ranked


def remove_pairs(ranked: Integers, pairs: Matrix) -> Integers:
    """Return the lists without the given (document, label) pairs; later places move up.

    For data sets with filter files: rank more places than needed, remove, then evaluate.

    Example:
        >>> remove_pairs(np.array([[4, 2, 3]]), csr_array([[0, 0, 0, 0, 1]]))
        array([[ 2,  3, -1]])
    """
    _check_targets(pairs)
    _check_ranked(ranked, pairs.shape)
    kept = np.where(_contains(pairs, ranked), -1, ranked)
    order = np.argsort(kept < 0, axis=1, kind="stable")
    moved: Integers = np.take_along_axis(kept, order, axis=1)
    return moved


@dataclass(frozen=True, eq=False)
class _RankedLists:
    """What the metrics have in common, found once."""

    ranked: Integers  # (N, k)
    hits: npt.NDArray[np.bool_]  # (N, k)
    n_true: npt.NDArray[np.int64]  # (N,)
    targets: Matrix  # (N, L)

    @classmethod
    def check(
        cls, ranked: Integers, targets: Matrix, k: int, *, smallest: int | None = None
    ) -> _RankedLists:
        _check_places(k if smallest is None else smallest)
        _check_targets(targets)
        _check_ranked(ranked, targets.shape)
        if ranked.shape[1] < k:
            raise ValueError(
                f"`ranked` has {ranked.shape[1]} places but k is {k}; fill short lists with -1."
            )
        if ranked.shape[0] == 0:
            raise ValueError("there is no document to evaluate.")
        first = ranked[:, :k]
        return cls(
            ranked=first,
            hits=_contains(targets, first),
            n_true=np.diff(targets.indptr).astype(np.int64),
            targets=targets,
        )

    def best_dcg(self, k: int) -> Floats:
        """The largest DCG of each document, (N,): hits at its first min(k, labels) places."""
        sums = np.concatenate([np.zeros(1), np.cumsum(_discounts(k))])
        return np.asarray(sums[np.minimum(self.n_true, k)])


@dataclass(frozen=True, eq=False)
class _Gains:
    """The inverse propensities of the hits, and those of the true labels in falling order."""

    hit: Floats  # (N, k); 0 where the place is a miss
    true: Floats  # (pairs of document and true label,), falling within each document
    rows: npt.NDArray[np.int64]  # (pairs,), the document of each
    places: npt.NDArray[np.int64]  # (pairs,), 0, 1, 2 ... within each document

    @classmethod
    def check(cls, lists: _RankedLists, propensity: npt.ArrayLike) -> _Gains:
        gains = np.asarray(propensity, np.float64)
        n_labels = lists.targets.shape[1]
        if gains.shape != (n_labels,):
            raise ValueError(f"`propensity` has the shape {gains.shape}, not ({n_labels},).")
        if not (np.isfinite(gains) & (gains > 0)).all():
            raise ValueError("`propensity` must hold finite, positive numbers only.")
        rows = np.repeat(np.arange(len(lists.n_true)), lists.n_true)
        pair_gains = gains[lists.targets.indices]
        order = np.lexsort((-pair_gains, rows))
        return cls(
            hit=np.where(lists.hits, gains[lists.ranked], 0.0),
            true=pair_gains[order],
            rows=rows,
            places=np.arange(len(rows)) - lists.targets.indptr[rows],
        )


def _precision(lists: _RankedLists, k: int) -> float:
    return float(lists.hits[:, :k].mean())


def _ndcg(lists: _RankedLists, k: int) -> float:
    return float(_ratio(lists.hits[:, :k] @ _discounts(k), lists.best_dcg(k)).mean())


def _recall(lists: _RankedLists, k: int) -> float:
    return float((lists.hits[:, :k].sum(axis=1) / np.maximum(lists.n_true, 1)).mean())


def _r_precision(lists: _RankedLists, k: int) -> float:
    best = np.clip(lists.n_true, 1, k)
    return float((lists.hits[:, :k].sum(axis=1) / best).mean())


def _psp(lists: _RankedLists, gains: _Gains, k: int) -> float:
    best = gains.true[gains.places < k].sum()
    return float(gains.hit[:, :k].sum() / best) if best else 0.0


def _psndcg(lists: _RankedLists, gains: _Gains, k: int) -> float:
    plain = lists.best_dcg(k)  # (N,)
    kept = gains.places < k
    discounted = gains.true[kept] * _discounts(k)[gains.places[kept]]
    best = (discounted / plain[gains.rows[kept]]).sum()
    reached = _ratio(gains.hit[:, :k] @ _discounts(k), plain).sum()
    return float(reached / best) if best else 0.0


def _discounts(k: int) -> Floats:
    return np.asarray(1 / np.log2(np.arange(2, k + 2)))  # 1 / log2(place + 1), places from 1


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _contains(pairs: Matrix, ranked: Integers) -> npt.NDArray[np.bool_]:
    """Tell for each place whether ``pairs`` holds (document, label there); shape of ``ranked``."""
    n_documents, n_labels = pairs.shape
    known = _keys(pairs)  # rising, as rows and columns are
    if not len(known):
        return np.zeros(ranked.shape, np.bool_)
    rows = np.arange(n_documents, dtype=np.int64)[:, None]
    asked = rows * n_labels + ranked  # (N, k)
    near = np.searchsorted(known, asked.ravel()).clip(max=len(known) - 1)
    found: npt.NDArray[np.bool_] = (known[near].reshape(asked.shape) == asked) & (ranked >= 0)
    return found


def _keys(pairs: Matrix) -> npt.NDArray[np.int64]:
    """One number for each stored pair: document * L + label."""
    rows = np.repeat(np.arange(pairs.shape[0], dtype=np.int64), np.diff(pairs.indptr))
    return rows * pairs.shape[1] + pairs.indices


def _check_places(k: int) -> None:
    if k < 1:
        raise ValueError(f"k must be at least 1; got {k}.")


def _check_targets(targets: Matrix) -> None:
    if not isinstance(targets, csr_array):
        raise ValueError(f"labels must be a scipy.sparse.csr_array; got {type(targets).__name__}.")
    if not targets.has_canonical_format:
        raise ValueError("the label matrix has unsorted or repeated entries; sum_duplicates() it.")
    if (targets.data == 0).any():
        raise ValueError("the label matrix stores zeros; eliminate_zeros() takes them out.")


def _check_ranked(ranked: Integers, shape: tuple[int, int]) -> None:
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


def _check_no_repeats(scores: Matrix) -> None:
    keys = np.sort(_keys(scores))
    if (keys[1:] == keys[:-1]).any():
        raise ValueError("`scores` stores some entry twice; call its sum_duplicates() first.")
