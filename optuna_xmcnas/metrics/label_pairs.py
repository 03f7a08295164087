"""Pairs of document and label: the stored entries of a sparse matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array


if TYPE_CHECKING:
    from typing import Any

    import numpy.typing as npt


def check_pairs(pairs: csr_array[Any]) -> None:
    """Raise ValueError unless every pair is stored once, in order, and none is a zero."""
    if not isinstance(pairs, csr_array):
        raise ValueError(f"labels must be a scipy.sparse.csr_array; got {type(pairs).__name__}.")
    if not pairs.has_canonical_format:
        raise ValueError("the label matrix has unsorted or repeated entries; sum_duplicates() it.")
    if (pairs.data == 0).any():
        raise ValueError("the label matrix stores zeros; eliminate_zeros() takes them out.")


def contains(pairs: csr_array[Any], ranked: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.bool_]:
    """Tell for each place whether ``pairs`` holds (document, label there); shape of ``ranked``."""
    n_documents, n_labels = pairs.shape
    known = pair_keys(pairs)  # rising, as rows and columns are
    if not len(known):
        return np.zeros(ranked.shape, np.bool_)
    rows = np.arange(n_documents, dtype=np.int64)[:, None]
    asked = rows * n_labels + ranked  # (N, k)
    near = np.searchsorted(known, asked.ravel()).clip(max=len(known) - 1)
    found: npt.NDArray[np.bool_] = (known[near].reshape(asked.shape) == asked) & (ranked >= 0)
    return found


def pair_keys(pairs: csr_array[Any]) -> npt.NDArray[np.int64]:
    """Return one number for each stored pair: document * L + label."""
    return pair_rows(pairs) * pairs.shape[1] + pairs.indices


def pair_rows(pairs: csr_array[Any]) -> npt.NDArray[np.int64]:
    """Return the document of each stored pair."""
    return np.repeat(np.arange(pairs.shape[0], dtype=np.int64), np.diff(pairs.indptr))
