"""How good a result is, compared with the other results of its study."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


POOR = -0.67  # merit of children without a result, the lower quartile (ours)


def merits(losses: np.ndarray) -> np.ndarray:
    """Return the normal score of each result's rank, higher is better.

    A Gaussian process on accuracies spends its length scale on the long tail of bad children; on
    ranks it sees them as evenly spaced. With one objective results are ranked by it. With several,
    by non-dominated sorting (Deb et al., 2002): a child counts as many ranks as there are fronts
    before its own. Equal results share the mean of their ranks.

    Args:
        losses: (N, objectives), lower is better; may be infinite.

    Returns:
        Merits (N,).

    Example:
        >>> merits(np.array([[0.5], [0.1], [0.9]])).round(2)
        array([ 0.  ,  0.97, -0.97])
    """
    from scipy.special import ndtri

    levels = losses[:, 0] if losses.shape[1] == 1 else fronts(losses)
    return np.asarray(ndtri((_ranks(-levels) - 0.5) / max(len(levels), 1)))


def fronts(losses: np.ndarray) -> np.ndarray:
    """Return for each result in which non-dominated front it is, 0 for the best one.

    Example:
        >>> fronts(np.array([[1.0, 2.0], [2.0, 1.0], [2.0, 2.0], [3.0, 3.0]]))
        array([0, 0, 1, 2])
    """
    no_worse = np.asarray((losses[:, None] <= losses[None]).all(axis=2))  # (N, N): row than column
    better = no_worse & ~no_worse.T
    n_better = better.sum(axis=0)
    found = np.full(len(losses), -1)
    front = 0
    while (found < 0).any():
        now = (n_better == 0) & (found < 0)
        found[now] = front
        n_better -= better[now].sum(axis=0)
        front += 1
    return found


def rank_correlation(one: Sequence[float], other: Sequence[float]) -> float:
    """Return Spearman's correlation of two sequences; 0 if one of them does not vary.

    Example:
        >>> round(rank_correlation([1, 2, 3], [10, 30, 20]), 6)
        0.5
    """
    ranks = np.stack([_ranks(np.asarray(one)), _ranks(np.asarray(other))])
    ranks -= ranks.mean(axis=1, keepdims=True)
    norms = np.sqrt((ranks**2).sum(axis=1))
    return float(ranks[0] @ ranks[1] / norms.prod()) if norms.all() else 0.0


def _ranks(values: np.ndarray) -> np.ndarray:
    """Return ranks from 1 up; equal values share the mean of theirs."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[places])
