"""Lists and labels that the tests of this part share."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_array


N_LABELS = 12


def random_case(seed: int) -> tuple[np.ndarray[Any, Any], csr_array[Any], list[float]]:
    """Lists with gaps, documents without labels, labels without documents."""
    rng = np.random.default_rng(seed)
    targets = csr_array((rng.random((40, N_LABELS)) < 0.2).astype(np.float32))
    targets = csr_array(targets * (rng.random((40, 1)) < 0.8).astype(np.float32))
    targets.eliminate_zeros()
    ranked = np.stack([rng.permutation(N_LABELS)[:6] for _ in range(40)])
    ranked[rng.random(ranked.shape) < 0.1] = -1
    return ranked, targets, (1 + 5 * rng.random(N_LABELS)).tolist()


def true_sets(targets: csr_array[Any]) -> list[set[int]]:
    return [set(np.flatnonzero(row).tolist()) for row in targets.toarray()]
