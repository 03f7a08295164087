from __future__ import annotations

from math import log
from math import log2
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from optuna_xmcnas.metrics import evaluate
from optuna_xmcnas.metrics import EvaluationReport
from optuna_xmcnas.metrics import inverse_propensity
from optuna_xmcnas.metrics import ndcg_at_k
from optuna_xmcnas.metrics import precision_at_k
from optuna_xmcnas.metrics import psndcg_at_k
from optuna_xmcnas.metrics import psp_at_k
from optuna_xmcnas.metrics import r_precision_at_k
from optuna_xmcnas.metrics import rank_scores
from optuna_xmcnas.metrics import recall_at_k
from optuna_xmcnas.metrics import remove_pairs


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


def test_single_functions_agree_with_the_report() -> None:
    ranked, targets, q = random_case(7)
    report = evaluate(ranked, targets, ks=(3,), propensity=q)
    assert report["P@3"] == precision_at_k(ranked, targets, 3)
    assert report["nDCG@3"] == ndcg_at_k(ranked, targets, 3)
    assert report["recall@3"] == recall_at_k(ranked, targets, 3)
    assert report["RP@3"] == r_precision_at_k(ranked, targets, 3)
    assert report["PSP@3"] == psp_at_k(ranked, targets, q, 3)
    assert report["PSnDCG@3"] == psndcg_at_k(ranked, targets, q, 3)


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


def test_nothing_to_find_gives_zero() -> None:
    report = evaluate(np.zeros((3, 1), np.int64), csr_array((3, 4)), ks=(1,), propensity=[1.0] * 4)
    assert set(report.values()) == {0.0}
    assert report.n_without_labels == 3


def test_inverse_propensity_follows_its_formula() -> None:
    train = csr_array(np.array([[1, 1, 0], [1, 0, 0], [1, 0, 0], [1, 1, 0]]))
    scale = (log(4) - 1) * 3.6**0.6
    expected = [1 + scale * (n + 2.6) ** -0.6 for n in (4, 2, 0)]
    assert inverse_propensity(train, a=0.6, b=2.6).tolist() == pytest.approx(expected)


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


def test_report_reads_like_a_dictionary_and_names_what_it_has() -> None:
    report = EvaluationReport(scores=(("P@1", 0.5),), n_documents=2, n_without_labels=0)
    assert dict(report) == {"P@1": 0.5}
    assert report == EvaluationReport(scores=(("P@1", 0.5),), n_documents=2, n_without_labels=0)
    with pytest.raises(KeyError, match="'P@7' was not computed; there is P@1"):
        report["P@7"]


def test_propensity_metrics_are_absent_without_propensities() -> None:
    ranked, targets, _ = random_case(0)
    assert list(evaluate(ranked, targets, ks=(1,))) == ["P@1", "nDCG@1", "recall@1", "RP@1"]


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
