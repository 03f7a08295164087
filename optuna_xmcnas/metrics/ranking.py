"""From scores to ranked lists, and pairs taken out of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optuna_xmcnas.metrics.label_pairs import check_pairs
from optuna_xmcnas.metrics.label_pairs import contains
from optuna_xmcnas.metrics.label_pairs import pair_keys
from optuna_xmcnas.metrics.label_pairs import pair_rows
from optuna_xmcnas.metrics.ranked_lists import check_places
from optuna_xmcnas.metrics.ranked_lists import check_ranked


if TYPE_CHECKING:
    from typing import Any

    import numpy.typing as npt
    from scipy.sparse import csr_array


def rank_scores(scores: csr_array[Any], k: int) -> npt.NDArray[np.int64]:
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
        >>> from scipy.sparse import csr_array
        >>> scores = csr_array(([-2.0, -1.0, -2.0], ([0, 0, 0], [3, 2, 1])), shape=(1, 9))
        >>> rank_scores(scores, k=4)
        array([[ 2,  1,  3, -1]])
    """
    check_places(k)
    rows = pair_rows(scores)  # (stored entries,)
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
    ranked = np.full((scores.shape[0], k), -1, np.int64)
    ranked[rows[kept], places[kept]] = columns[kept]
    if not scores.has_canonical_format:
        _check_no_repeats(scores)
    return ranked


def remove_pairs(
    ranked: npt.NDArray[np.integer[Any]], pairs: csr_array[Any]
) -> npt.NDArray[np.integer[Any]]:
    """Return the lists without the given (document, label) pairs; later places move up.

    For data sets with filter files: rank more places than needed, remove, then evaluate.

    Example:
        >>> from scipy.sparse import csr_array
        >>> remove_pairs(np.array([[4, 2, 3]]), csr_array([[0, 0, 0, 0, 1]]))
        array([[ 2,  3, -1]])
    """
    check_pairs(pairs)
    check_ranked(ranked, pairs.shape)
    kept = np.where(contains(pairs, ranked), -1, ranked)
    order = np.argsort(kept < 0, axis=1, kind="stable")
    moved: npt.NDArray[np.integer[Any]] = np.take_along_axis(kept, order, axis=1)
    return moved


def _check_no_repeats(scores: csr_array[Any]) -> None:
    keys = np.sort(pair_keys(scores))
    if (keys[1:] == keys[:-1]).any():
        raise ValueError("`scores` stores some entry twice; call its sum_duplicates() first.")
