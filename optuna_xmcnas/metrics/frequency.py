"""Which labels a ranking finds: the frequent ones, or also those with few train documents."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optuna_xmcnas.metrics.label_pairs import pair_rows
from optuna_xmcnas.metrics.ranked_lists import RankedLists


if TYPE_CHECKING:
    from typing import Any

    import numpy.typing as npt
    from scipy.sparse import csr_array


@dataclass(frozen=True, eq=False)
class FrequencyGroup:
    """Labels with a similar number of train documents.

    Attributes:
        name: ``"head"``, ``"middle"`` or ``"tail"``.
        labels: Whether a label belongs to it, shape (L,), bool.
        low: The smallest number of train documents.
        high: The largest; None: any number.
    """

    name: str
    labels: npt.NDArray[np.bool_]
    low: int
    high: int | None


@dataclass(frozen=True)
class GroupReport:
    """What a ranking is worth on the labels of one group.

    Attributes:
        name: That of the group.
        n_labels: Labels of the group, those that no document here has included.
        n_pairs: True pairs of a document here and a label of the group; 0: all scores are 0.
        scores: ``"recall@k"``: the mean share of a document's true labels of the group that are
            in its first k places, over documents that have any. ``"P@k"``: what hits on labels of
            the group add to P@k of all labels; over groups without overlap that hold all labels,
            it sums to P@k.
    """

    name: str
    n_labels: int
    n_pairs: int
    scores: Mapping[str, float]


def frequency_groups(
    label_counts: npt.ArrayLike, *, tail: int = 10, head: int = 100
) -> tuple[FrequencyGroup, ...]:
    """Return the head, the middle and the tail of labels, by their number of train documents.

    Every label is in one group, labels without train documents in the tail. A group may be empty.

    Args:
        label_counts: The number of train documents of each label, shape (L,).
        tail: Labels with fewer train documents are the tail.
        head: Labels with at least so many are the head.

    Example:
        >>> for group in frequency_groups([500, 0, 12], tail=10, head=100):
        ...     print(group.name, group.labels, group.low, group.high)
        head [ True False False] 100 None
        middle [False False  True] 10 99
        tail [False  True False] 0 9
    """
    counts = np.asarray(label_counts)
    if counts.ndim != 1 or counts.dtype.kind not in "iu" or (counts < 0).any():
        raise ValueError(
            "`label_counts` must hold one whole number per label, none negative; "
            f"got {counts.dtype} of shape {counts.shape}."
        )
    if not 0 < tail <= head:
        raise ValueError(f"`tail` must be from 1 to `head`; got {tail} and head={head}.")
    return (
        FrequencyGroup("head", counts >= head, head, None),
        FrequencyGroup("middle", (counts >= tail) & (counts < head), tail, head - 1),
        FrequencyGroup("tail", counts < tail, 0, tail - 1),
    )


def by_frequency(
    ranked: npt.NDArray[np.integer[Any]],
    targets: csr_array[Any],
    groups: Sequence[FrequencyGroup],
    ks: Sequence[int] = (1, 3, 5),
) -> tuple[GroupReport, ...]:
    """Return what a ranking is worth on the labels of each group.

    Args:
        ranked: Label numbers, best first, -1 = no prediction; shape (N, at least the largest k).
        targets: The true labels, shape (N, L).
        groups: See `frequency_groups`.
        ks: Numbers of places.

    Example:
        >>> from scipy.sparse import csr_array
        >>> groups = frequency_groups([500, 3], tail=10, head=100)
        >>> targets = csr_array([[1, 1], [1, 0]])
        >>> head, _, tail = by_frequency(np.array([[0], [0]]), targets, groups, ks=(1,))
        >>> head.scores, tail.scores
        ({'recall@1': 1.0, 'P@1': 1.0}, {'recall@1': 0.0, 'P@1': 0.0})
    """
    lists = RankedLists.check(ranked, targets, ks)
    n_labels = targets.shape[1]
    for group in groups:
        if group.labels.shape != (n_labels,) or group.labels.dtype != np.bool_:
            raise ValueError(
                f"`labels` of the group {group.name!r} must be bool of shape ({n_labels},); "
                f"got {group.labels.dtype} of shape {group.labels.shape}."
            )
    rows = pair_rows(targets)
    return tuple(_report(lists, rows, group, ks) for group in groups)


def _report(
    lists: RankedLists, rows: npt.NDArray[np.int64], group: FrequencyGroup, ks: Sequence[int]
) -> GroupReport:
    n_documents = len(lists.n_true)
    hits = lists.hits & group.labels[lists.ranked]  # (N, k); where -1 is read, there is no hit
    in_group = group.labels[lists.targets.indices]  # (pairs,)
    n_true = np.bincount(rows[in_group], minlength=n_documents)  # (N,)
    concerned = max(1, int((n_true > 0).sum()))
    scores = {}
    for k in ks:
        found = hits[:, :k].sum(axis=1)
        scores[f"recall@{k}"] = float((found / np.maximum(n_true, 1)).sum() / concerned)
    for k in ks:
        scores[f"P@{k}"] = float(hits[:, :k].sum() / (n_documents * k))
    return GroupReport(
        name=group.name,
        n_labels=int(group.labels.sum()),
        n_pairs=int(in_group.sum()),
        scores=scores,
    )
