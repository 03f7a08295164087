"""Which children are likely to have a result at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import numpy as np

from optuna_xmcnas.guides.gaussian_process import squared_distances


_LENGTH = 2.5  # in units of the features: two changed slots are this far apart (ours)
_PRIOR = 1.0  # children believed to have been well before any was seen (ours)


@final
class Feasibility:
    """The share of children like one that did not fail.

    The children that a guide is shown vote, with a weight that falls with their distance.

    Args:
        features: Of children that did not fail, (N, F).
        failed: Features (F,) of each child that failed by its own fault.

    Example:
        >>> feasible = Feasibility(np.zeros((1, 2)), [np.array([9.0, 9.0])])
        >>> feasible(np.array([[0.0, 0.0], [9.0, 9.0]])).round(2)
        array([1. , 0.5])
    """

    def __init__(self, features: np.ndarray, failed: Sequence[np.ndarray]) -> None:
        self._features = features
        self._failed = np.stack(failed).astype(np.float64) if failed else None

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Return the share for each child, (C,), within 0 and 1."""
        if self._failed is None:
            return np.ones(len(features))
        well = _PRIOR + _votes(self._features, features)
        return np.asarray(well / (well + _votes(self._failed, features)))


def _votes(voters: np.ndarray, features: np.ndarray) -> np.ndarray:
    distances = squared_distances(voters, features)  # (N, C)
    return np.asarray(np.exp(distances * (-0.5 / _LENGTH**2)).sum(axis=0))
