from __future__ import annotations

import numpy as np
import pytest

from optuna_xmcnas.metrics import bootstrap
from optuna_xmcnas.metrics import document_scores
from optuna_xmcnas.metrics import DocumentScores
from optuna_xmcnas.metrics import evaluate
from optuna_xmcnas.metrics import Interval
from optuna_xmcnas.metrics import paired_difference
from optuna_xmcnas.metrics import resampling
from optuna_xmcnas.metrics.resampling import _draws
from tests.metrics.cases import random_case


def one_metric(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> DocumentScores:
    """A mean over documents."""
    column = values[:, None]
    return DocumentScores(("mean",), column, np.ones_like(column))


def test_intervals_agree_with_metrics_of_lists_drawn_one_by_one() -> None:
    ranked, targets, q = random_case(1)
    scores = document_scores(ranked, targets, ks=(1, 4), propensity=q)
    rng = np.random.default_rng(5)
    values = []
    for _ in range(60):
        rows = rng.integers(len(ranked), size=len(ranked))
        values.append(evaluate(ranked[rows], targets[rows], ks=(1, 4), propensity=q))
    found = bootstrap(scores, n_resamples=60, seed=5, level=0.8)
    for name, value in evaluate(ranked, targets, ks=(1, 4), propensity=q).items():
        low, high = np.quantile([of_drawn[name] for of_drawn in values], [0.1, 0.9])
        assert found[name].value == value
        assert found[name].low == pytest.approx(low)
        assert found[name].high == pytest.approx(high)


def test_ninety_percent_intervals_hold_the_truth_nine_times_in_ten() -> None:
    rng = np.random.default_rng(0)
    truth, n_simulations = 0.3, 1000
    is_inside = 0
    for seed in range(n_simulations):
        scores = one_metric(rng.binomial(5, rng.beta(3, 7, size=150)) / 5)  # mean 3 / (3 + 7)
        interval = bootstrap(scores, n_resamples=200, seed=seed, level=0.9)["mean"]
        is_inside += interval.low <= truth <= interval.high
    # 0.9, less what the percentile bootstrap lacks here, +- three standard errors
    assert is_inside / n_simulations == pytest.approx(0.89, abs=0.03)


def test_width_is_that_of_the_normal_approximation_and_falls_with_documents() -> None:
    rng = np.random.default_rng(1)
    for n_documents in (100, 10_000):
        values = rng.random(n_documents)
        interval = bootstrap(one_metric(values))["mean"]
        width = 2 * 1.96 * values.std() / n_documents**0.5
        assert interval.high - interval.low == pytest.approx(width, rel=0.15)
        assert interval.low < interval.value < interval.high


def test_same_seed_gives_the_same_intervals_and_another_gives_others() -> None:
    ranked, targets, _ = random_case(2)
    scores = document_scores(ranked, targets)
    assert bootstrap(scores, seed=3) == bootstrap(scores, seed=3)
    assert bootstrap(scores, seed=3) != bootstrap(scores, seed=4)


def test_size_of_a_chunk_does_not_change_the_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = np.concatenate(list(_draws(40, 25, seed=0)))
    monkeypatch.setattr(resampling, "_CELLS", 3 * 40 + 1)
    chunks = list(_draws(40, 25, seed=0))
    assert [len(chunk) for chunk in chunks] == [3] * 8 + [1]
    assert (np.concatenate(chunks) == whole).all()
    assert (whole.sum(axis=1) == 40).all()


def test_more_documents_than_fit_a_chunk_are_drawn_one_resample_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resampling, "_CELLS", 10)
    assert [chunk.shape for chunk in _draws(40, 3, seed=0)] == [(1, 40)] * 3


def test_equal_lists_differ_by_exactly_nothing() -> None:
    ranked, targets, q = random_case(3)
    a = document_scores(ranked, targets, propensity=q)
    b = document_scores(ranked.copy(), targets, propensity=q)
    assert set(paired_difference(a, b).values()) == {Interval(0.0, 0.0, 0.0)}


def test_paired_difference_is_narrower_than_two_intervals_for_similar_lists() -> None:
    rng = np.random.default_rng(4)
    common = rng.random(500)  # how easy a document is, for both
    a = one_metric(common + 0.02 + 0.05 * rng.random(500))
    b = one_metric(common + 0.05 * rng.random(500))
    paired = paired_difference(a, b)["mean"]
    alone = [bootstrap(scores)["mean"] for scores in (a, b)]
    unpaired = sum((interval.high - interval.low) ** 2 for interval in alone) ** 0.5
    assert paired.high - paired.low < unpaired / 5
    assert paired.low > 0  # seen in pairs, b is worse; the two intervals overlap
    assert alone[0].low < alone[1].high
    assert paired.value == pytest.approx(alone[0].value - alone[1].value)


def test_difference_of_turned_arguments_is_turned() -> None:
    ranked, targets, q = random_case(6)
    a = document_scores(ranked, targets, propensity=q)
    b = document_scores(ranked[:, ::-1], targets, propensity=q)
    for forth, back in zip(
        paired_difference(a, b).values(), paired_difference(b, a).values(), strict=True
    ):
        turned = (-back.value, -back.high, -back.low)
        assert (forth.value, forth.low, forth.high) == pytest.approx(turned)


def test_resamples_without_any_label_count_as_nothing_found() -> None:
    scores = DocumentScores(
        ("PSP@1",), np.array([[2.0], [0.0], [0.0]]), np.array([[2.0], [0.0], [0.0]])
    )
    interval = bootstrap(scores)["PSP@1"]
    assert (interval.value, interval.low, interval.high) == (1.0, 0.0, 1.0)


def test_impossible_arguments_are_refused() -> None:
    ranked, targets, q = random_case(0)
    scores = document_scores(ranked, targets)
    with pytest.raises(ValueError, match="`n_resamples` must be at least 1; got 0"):
        bootstrap(scores, n_resamples=0)
    with pytest.raises(ValueError, match="`level` must be between 0 and 1.*got 95"):
        paired_difference(scores, scores, level=95)
    with pytest.raises(ValueError, match="the same documents.* of 40 and .*RP@5 of 39"):
        paired_difference(scores, document_scores(ranked[1:], targets[1:]))
    with pytest.raises(ValueError, match="the same metrics.*RP@5 of 40 and .*PSnDCG@5 of 40"):
        paired_difference(scores, document_scores(ranked, targets, propensity=q))
    with pytest.raises(ValueError, match="`low` must not be above `high`; got 2 and 1"):
        Interval(1, 2, 1)
