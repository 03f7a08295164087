from __future__ import annotations

from math import log2
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from optuna_xmcnas.metrics import evaluate
from optuna_xmcnas.metrics import inverse_propensity
from optuna_xmcnas.metrics import ndcg_at_k
from optuna_xmcnas.metrics import precision_at_k
from optuna_xmcnas.metrics import psndcg_at_k
from optuna_xmcnas.metrics import psp_at_k
from optuna_xmcnas.metrics import r_precision_at_k
from optuna_xmcnas.metrics import recall_at_k
from tests.metrics.cases import N_LABELS
from tests.metrics.cases import random_case
from tests.metrics.cases import true_sets


def slow_metrics(
    ranked: np.ndarray[Any, Any], targets: csr_array[Any], q: list[float], k: int
) -> dict[str, float]:
    """Section 1 of the definitions, word by word."""
    n = len(ranked)
    sums = dict.fromkeys(("P", "nDCG", "recall", "RP", "ps", "ps best", "psn", "psn best"), 0.0)
    for row, labels in zip(ranked.tolist(), true_sets(targets), strict=True):
        hits = [1.0 if label in labels else 0.0 for label in row[:k]]
        sums["P"] += sum(hits) / k
        best = sorted((q[label] for label in labels), reverse=True)[:k]
        sums["ps"] += sum(q[label] for label in row[:k] if label in labels) / k
        sums["ps best"] += sum(best) / k
        if labels:
            ideal = sum(1 / log2(j + 1) for j in range(1, min(k, len(labels)) + 1))
            sums["nDCG"] += sum(hit / log2(j + 2) for j, hit in enumerate(hits)) / ideal
            sums["recall"] += sum(hits) / len(labels)
            sums["RP"] += sum(hits) / min(k, len(labels))
            gains = [q[label] if label in labels else 0.0 for label in row[:k]]
            sums["psn"] += sum(gain / log2(j + 2) for j, gain in enumerate(gains)) / ideal
            sums["psn best"] += sum(gain / log2(j + 2) for j, gain in enumerate(best)) / ideal
    return {
        f"P@{k}": sums["P"] / n,
        f"nDCG@{k}": sums["nDCG"] / n,
        f"recall@{k}": sums["recall"] / n,
        f"RP@{k}": sums["RP"] / n,
        f"PSP@{k}": sums["ps"] / sums["ps best"],
        f"PSnDCG@{k}": sums["psn"] / sums["psn best"],
    }


@pytest.mark.parametrize("seed", range(5))
def test_every_metric_agrees_with_a_slow_implementation(seed: int) -> None:
    ranked, targets, q = random_case(seed)
    report = evaluate(ranked, targets, ks=(1, 2, 5, 6), propensity=q)
    expected: dict[str, float] = {}
    for k in (1, 2, 5, 6):
        expected |= slow_metrics(ranked, targets, q, k)
    assert dict(report) == pytest.approx(expected, abs=1e-12)
    assert report.n_documents == 40
    assert report.n_without_labels == sum(not labels for labels in true_sets(targets))


def test_perfect_ranking_reaches_the_ceiling_of_each_metric() -> None:
    _, targets, q = random_case(3)
    targets = csr_array(targets[np.diff(targets.indptr) > 0])
    ranked = np.full((targets.shape[0], 5), -1)
    for row, labels in zip(ranked, true_sets(targets), strict=True):
        best = sorted(labels, key=lambda label: -q[label])[:5]
        row[: len(best)] = best
    report = evaluate(ranked, targets, ks=(1, 5), propensity=q)
    n_true = np.diff(targets.indptr)
    assert report["P@5"] == pytest.approx(np.minimum(n_true, 5).mean() / 5)
    for name in ("nDCG@1", "nDCG@5", "RP@5", "PSP@1", "PSP@5", "PSnDCG@5"):
        assert report[name] == pytest.approx(1.0)


def test_order_of_documents_does_not_matter() -> None:
    ranked, targets, q = random_case(4)
    order = np.random.default_rng(0).permutation(len(ranked))
    moved = evaluate(ranked[order], csr_array(targets[order]), propensity=q)
    assert dict(moved) == pytest.approx(dict(evaluate(ranked, targets, propensity=q)))


def test_renaming_labels_does_not_matter() -> None:
    ranked, targets, q = random_case(5)
    new = np.random.default_rng(1).permutation(N_LABELS)  # old number -> new number
    old = np.argsort(new)
    renamed = np.where(ranked < 0, -1, new[ranked])
    report = evaluate(renamed, csr_array(targets.toarray()[:, old]), propensity=np.array(q)[old])
    assert dict(report) == pytest.approx(dict(evaluate(ranked, targets, propensity=q)))


def test_equal_propensities_make_psp_a_relative_precision() -> None:
    ranked, targets, _ = random_case(6)
    n_true = np.diff(targets.indptr)
    ceiling = np.minimum(n_true, 5).mean() / 5
    psp = psp_at_k(ranked, targets, np.full(N_LABELS, 2.0), 5)
    assert psp == pytest.approx(precision_at_k(ranked, targets, 5) / ceiling)


def test_missing_predictions_are_misses() -> None:
    targets = csr_array(np.array([[1, 1, 1]]))
    assert precision_at_k(np.array([[2, -1, -1]]), targets, 3) == pytest.approx(1 / 3)
    assert precision_at_k(np.array([[-1, -1, 2]]), targets, 3) == pytest.approx(1 / 3)
    assert precision_at_k(np.array([[-1, -1, -1]]), targets, 3) == 0


def test_missing_prediction_is_not_the_last_label_of_the_document_before() -> None:
    targets = csr_array(np.array([[0, 1], [1, 0]]))
    assert precision_at_k(np.array([[-1], [-1]]), targets, 1) == 0


def test_labels_that_nothing_predicts_lower_psp_but_stay() -> None:
    train = csr_array(np.array([[1, 0], [1, 0], [1, 0]]))
    q = inverse_propensity(train)
    assert q[1] == q.max()
    both = csr_array(np.array([[1, 1]]))
    assert psp_at_k(np.array([[0, -1]]), both, q, 2) == pytest.approx(q[0] / q.sum())


def test_single_functions_agree_with_the_report() -> None:
    ranked, targets, q = random_case(7)
    report = evaluate(ranked, targets, ks=(3,), propensity=q)
    assert report["P@3"] == precision_at_k(ranked, targets, 3)
    assert report["nDCG@3"] == ndcg_at_k(ranked, targets, 3)
    assert report["recall@3"] == recall_at_k(ranked, targets, 3)
    assert report["RP@3"] == r_precision_at_k(ranked, targets, 3)
    assert report["PSP@3"] == psp_at_k(ranked, targets, q, 3)
    assert report["PSnDCG@3"] == psndcg_at_k(ranked, targets, q, 3)
