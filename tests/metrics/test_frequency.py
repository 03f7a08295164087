from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from optuna_xmcnas.metrics import by_frequency
from optuna_xmcnas.metrics import frequency_groups
from optuna_xmcnas.metrics import FrequencyGroup
from optuna_xmcnas.metrics import precision_at_k
from tests.metrics.cases import N_LABELS
from tests.metrics.cases import random_case
from tests.metrics.cases import true_sets


COUNTS = np.array([0, 1, 9, 10, 11, 99, 100, 101, 5000, 0, 50, 10])


@pytest.mark.parametrize(("tail", "head"), [(10, 100), (1, 1), (11, 50), (10_000, 20_000)])
def test_every_label_is_in_the_group_of_its_count(tail: int, head: int) -> None:
    groups = frequency_groups(COUNTS, tail=tail, head=head)
    assert [group.name for group in groups] == ["head", "middle", "tail"]
    assert (np.sum([group.labels for group in groups], axis=0) == 1).all()
    for group in groups:
        high = np.inf if group.high is None else group.high
        assert group.labels.tolist() == [bool(group.low <= n <= high) for n in COUNTS]


def test_labels_without_train_documents_are_in_the_tail() -> None:
    tail = frequency_groups([0, 3], tail=1, head=3)[-1]
    assert tail.labels.tolist() == [True, False]


def slow_recall(
    ranked: np.ndarray[tuple[int, int], np.dtype[np.int64]],
    targets: csr_array[np.float32],
    group: FrequencyGroup,
    k: int,
) -> float:
    shares = []
    for row, labels in zip(ranked.tolist(), true_sets(targets), strict=True):
        wanted = {label for label in labels if group.labels[label]}
        if wanted:
            shares.append(len(wanted & set(row[:k])) / len(wanted))
    return float(np.mean(shares)) if shares else 0.0


@pytest.mark.parametrize("seed", range(4))
def test_contributions_sum_to_precision_and_recall_agrees_with_sets(seed: int) -> None:
    ranked, targets, _ = random_case(seed)
    groups = frequency_groups(COUNTS)
    reports = by_frequency(ranked, targets, groups, ks=(1, 4))
    for k in (1, 4):
        whole = sum(report.scores[f"P@{k}"] for report in reports)
        assert whole == pytest.approx(precision_at_k(ranked, targets, k), abs=1e-12)
        for group, report in zip(groups, reports, strict=True):
            expected = slow_recall(ranked, targets, group, k)
            assert report.scores[f"recall@{k}"] == pytest.approx(expected)
    assert sum(report.n_labels for report in reports) == N_LABELS
    assert sum(report.n_pairs for report in reports) == targets.nnz
    assert [report.name for report in reports] == ["head", "middle", "tail"]


def test_groups_without_labels_or_without_documents_score_nothing() -> None:
    ranked, targets = np.array([[0, -1]]), csr_array(np.array([[1, 0]]))
    head, middle, tail = by_frequency(ranked, targets, frequency_groups([200, 1]), ks=(1,))
    assert (head.n_labels, head.n_pairs, head.scores) == (1, 1, {"recall@1": 1.0, "P@1": 1.0})
    assert (middle.n_labels, middle.n_pairs) == (0, 0)
    assert (tail.n_labels, tail.n_pairs) == (1, 0)
    assert middle.scores == tail.scores == {"recall@1": 0.0, "P@1": 0.0}


def test_missing_prediction_is_not_a_hit_on_the_last_label() -> None:
    groups = frequency_groups([1, 500])
    head = by_frequency(np.array([[-1]]), csr_array(np.array([[0, 1]])), groups, ks=(1,))[0]
    assert head.scores == {"recall@1": 0.0, "P@1": 0.0}


def test_impossible_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="`tail` must be from 1 to `head`; got 20 and head=10"):
        frequency_groups(COUNTS, tail=20, head=10)
    with pytest.raises(ValueError, match="`tail` must be from 1"):
        frequency_groups(COUNTS, tail=0)
    with pytest.raises(ValueError, match="one whole number per label.*float64"):
        frequency_groups([0.5])
    with pytest.raises(ValueError, match="none negative"):
        frequency_groups([3, -1])
    ranked, targets, _ = random_case(0)
    with pytest.raises(ValueError, match=r"'head' must be bool of shape \(12,\).*\(3,\)"):
        by_frequency(ranked, targets, frequency_groups([1, 2, 3]))
