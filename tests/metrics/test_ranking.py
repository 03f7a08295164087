from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from optuna_xmcnas.metrics import rank_scores
from optuna_xmcnas.metrics import remove_pairs


def slow_rank(scores: dict[int, float], k: int) -> list[int]:
    best = sorted(scores, key=lambda label: (-scores[label], label))[:k]
    return best + [-1] * (k - len(best))


@pytest.mark.parametrize("n_values", [1, 3, 1000])
def test_ranking_agrees_with_a_sort_also_with_many_equal_scores(n_values: int) -> None:
    rng = np.random.default_rng(n_values)
    rows = [
        dict.fromkeys(rng.permutation(30)[: rng.integers(0, 12)].tolist(), 0.0) for _ in range(50)
    ]
    for row in rows:
        for label in row:
            row[label] = float(rng.integers(n_values)) - n_values / 2
    scores = csr_array(
        (
            np.array([score for row in rows for score in row.values()]),
            np.array([label for row in rows for label in row], np.int32),
            np.cumsum([0] + [len(row) for row in rows]),
        ),
        shape=(50, 30),
    )
    assert rank_scores(scores, 5).tolist() == [slow_rank(row, 5) for row in rows]


def test_stored_zeros_and_negative_scores_are_predictions() -> None:
    scores = csr_array(([0.0, -3.0], ([0, 0], [2, 1])), shape=(1, 5))
    assert rank_scores(scores, 3).tolist() == [[2, 1, -1]]


def test_infinite_scores_are_ranked() -> None:
    scores = csr_array(([-np.inf, np.inf, 0.0], ([0, 0, 0], [0, 1, 2])), shape=(1, 3))
    assert rank_scores(scores, 3).tolist() == [[1, 2, 0]]


def test_nan_scores_are_refused_by_place() -> None:
    scores = csr_array(([1.0, np.nan], ([0, 1], [0, 2])), shape=(2, 3))
    with pytest.raises(ValueError, match="1 of 2 scores are NaN.*document 1, label 2"):
        rank_scores(scores, 1)


def test_scores_stored_twice_are_refused() -> None:
    scores = csr_array((np.ones(2), np.array([1, 1]), np.array([0, 2])), shape=(1, 3))
    with pytest.raises(ValueError, match="some entry twice"):
        rank_scores(scores, 1)


def test_removed_pairs_let_later_places_move_up() -> None:
    ranked = np.array([[3, 1, 2], [1, -1, 0]])
    pairs = csr_array(np.array([[0, 1, 0, 0], [0, 1, 0, 0]]))
    assert remove_pairs(ranked, pairs).tolist() == [[3, 2, -1], [0, -1, -1]]
    assert remove_pairs(ranked, csr_array((2, 4))).tolist() == [[3, 1, 2], [1, 0, -1]]
