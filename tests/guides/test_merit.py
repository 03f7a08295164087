"""Merits and correlations, judged by SciPy and by slow second implementations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from scipy.stats import rankdata
from scipy.stats import spearmanr

from optuna_xmcnas.guides import merits
from optuna_xmcnas.guides import rank_correlation
from optuna_xmcnas.guides.merit import fronts


INF = float("inf")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_merits_are_normal_scores_of_ranks(rng: np.random.Generator) -> None:
    losses = rng.integers(0, 12, size=(30, 1)).astype(float)  # with ties
    expected = norm.ppf((rankdata(-losses[:, 0]) - 0.5) / 30)
    assert merits(losses) == pytest.approx(expected)


def test_merits_are_the_same_on_any_scale_of_the_objective(rng: np.random.Generator) -> None:
    losses = rng.normal(size=(20, 1))
    assert merits(np.exp(3 * losses)) == pytest.approx(merits(losses))
    assert merits(-losses) == pytest.approx(-merits(losses))


def test_the_least_loss_has_the_most_merit_and_the_median_none() -> None:
    assert np.argsort(-merits(np.array([[3.0], [1.0], [2.0]]))).tolist() == [1, 2, 0]
    assert merits(np.array([[3.0], [1.0], [2.0]]))[2] == 0


@pytest.mark.parametrize("n_objectives", [1, 2])
def test_infinite_losses_are_the_worst_or_best_and_share_their_merit(n_objectives: int) -> None:
    losses = np.repeat([[INF], [0.0], [-INF], [INF]], n_objectives, axis=1)
    found = merits(losses)
    assert np.isfinite(found).all()
    assert found[0] == found[3] < found[1] < found[2]


def test_equal_results_have_no_merit() -> None:
    assert merits(np.zeros((5, 1))).tolist() == [0.0] * 5
    assert merits(np.zeros((1, 2))).tolist() == [0.0]


def test_with_several_objectives_a_front_shares_its_merit() -> None:
    found = merits(np.array([[1.0, 2.0], [2.0, 1.0], [2.0, 2.0], [3.0, 3.0]]))
    assert found[0] == found[1] > found[2] > found[3]


def slow_fronts(losses: list[tuple[float, ...]]) -> list[int]:
    """Return one more than the deepest front of those that dominate a result."""

    def dominates(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
        return one != other and all(a <= b for a, b in zip(one, other, strict=True))

    def depth(one: tuple[float, ...]) -> int:
        return max((depth(other) + 1 for other in losses if dominates(other, one)), default=0)

    return [depth(one) for one in losses]


@pytest.mark.parametrize("n_objectives", [1, 2, 3])
def test_fronts_are_those_of_a_slow_sorting(n_objectives: int, rng: np.random.Generator) -> None:
    losses = rng.integers(0, 5, size=(20, n_objectives)).astype(float)
    assert fronts(losses).tolist() == slow_fronts([tuple(row) for row in losses.tolist()])


def test_the_correlation_is_that_of_spearman(rng: np.random.Generator) -> None:
    for _ in range(20):
        one, other = rng.integers(0, 6, size=(2, 15)).tolist()
        expected = spearmanr(one, other).statistic
        assert rank_correlation(one, other) == pytest.approx(expected)


def test_what_does_not_vary_is_not_correlated() -> None:
    assert rank_correlation([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]) == 0
    assert rank_correlation([1.0, 2.0, 3.0], [1.0, 1.0, 1.0]) == 0


def test_infinite_values_can_be_correlated() -> None:
    assert rank_correlation([-INF, 0.0, INF], [1.0, 2.0, 3.0]) == pytest.approx(1)
