"""Seeded choices of documents, as row numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np


if TYPE_CHECKING:
    import numpy.typing as npt


def sample_rows(
    n_documents: int, size: int | None, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Return ``size`` different row numbers, rising; all rows if ``size`` is None or too large.

    Example:
        >>> sample_rows(3, None, np.random.default_rng(0))
        array([0, 1, 2])
    """
    if size is None or size >= n_documents:
        return np.arange(n_documents)
    return np.sort(rng.choice(n_documents, size=size, replace=False))


def split_rows(
    n_documents: int, n_held_out: int, rng: np.random.Generator
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return two lists of rows, rising, that share nothing: those that stay and those held out.

    Example:
        >>> kept, held_out = split_rows(10, 4, np.random.default_rng(0))
        >>> len(kept), sorted([*kept.tolist(), *held_out.tolist()]) == list(range(10))
        (6, True)
    """
    if not 0 <= n_held_out <= n_documents:
        raise ValueError(f"cannot hold out {n_held_out} of {n_documents} documents.")
    held_out = sample_rows(n_documents, n_held_out, rng)
    kept = np.setdiff1d(np.arange(n_documents), held_out, assume_unique=True)
    return kept, held_out
