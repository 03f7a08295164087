from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from optuna_xmcnas.metrics import evaluate
from optuna_xmcnas.metrics import inverse_propensity
from optuna_xmcnas.metrics import precision_at_k
from tests.metrics.cases import random_case


@pytest.mark.parametrize(
    ("ranked", "message"),
    [
        (np.zeros((3, 2), np.int64), r"shape \(2, k\).*shape \(3, 2\)"),
        (np.zeros((2, 2)), "integers.*float64"),
        (np.array([[0], [1]]), "1 places but k is 2"),
        (np.array([[0, 4], [1, 0]]), r"0\.\.4; allowed: -1.*0\.\.3"),
        (np.array([[0, -2], [1, 0]]), r"-2\.\.1"),
        (np.array([[0, 1], [3, 3]]), "row 1 .* twice"),
    ],
)
def test_impossible_lists_are_refused(ranked: np.ndarray[Any, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        precision_at_k(ranked, csr_array(np.eye(2, 4)), 2)


def test_impossible_targets_are_refused() -> None:
    ranked = np.array([[0]])
    with pytest.raises(ValueError, match="csr_array; got ndarray"):
        precision_at_k(ranked, np.eye(1), 1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="stores zeros"):
        precision_at_k(ranked, csr_array(([0.0], ([0], [0])), shape=(1, 2)), 1)
    repeated = csr_array((np.ones(2), np.array([1, 1]), np.array([0, 2])), shape=(1, 3))
    with pytest.raises(ValueError, match="unsorted or repeated"):
        precision_at_k(ranked, repeated, 1)


def test_impossible_arguments_are_refused() -> None:
    ranked, targets, q = random_case(0)
    with pytest.raises(ValueError, match="k must be at least 1; got 0"):
        evaluate(ranked, targets, ks=(0, 3))
    with pytest.raises(ValueError, match="`ks` is empty"):
        evaluate(ranked, targets, ks=())
    with pytest.raises(ValueError, match=r"shape \(3,\), not \(12,\)"):
        evaluate(ranked, targets, propensity=q[:3])
    with pytest.raises(ValueError, match="finite, positive"):
        evaluate(ranked, targets, propensity=[np.nan, *q[1:]])
    with pytest.raises(ValueError, match="no document"):
        evaluate(np.zeros((0, 5), np.int64), csr_array((0, 4)))
    with pytest.raises(ValueError, match="at least 3 train documents; got 2"):
        inverse_propensity(csr_array(np.eye(2)))
    with pytest.raises(ValueError, match="must be positive; got 0 and 1.5"):
        inverse_propensity(csr_array(np.eye(3)), a=0)
