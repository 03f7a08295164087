from __future__ import annotations

import numpy as np
import pytest

from optuna_xmcnas.metrics import document_scores
from optuna_xmcnas.metrics import DocumentScores
from optuna_xmcnas.metrics import evaluate
from tests.metrics.cases import random_case


@pytest.mark.parametrize("seed", range(3))
def test_sums_over_documents_are_the_report_to_the_last_bit(seed: int) -> None:
    ranked, targets, q = random_case(seed)
    scores = document_scores(ranked, targets, ks=(1, 3, 6), propensity=q)
    assert scores.metrics == dict(evaluate(ranked, targets, ks=(1, 3, 6), propensity=q))
    assert list(scores.metrics) == list(scores.names)
    assert len(scores) == len(ranked)


def test_parts_of_a_few_documents_are_the_metrics_of_these_documents() -> None:
    ranked, targets, q = random_case(4)
    scores = document_scores(ranked, targets, propensity=q)
    rows = np.array([3, 3, 17, 30, 5])
    expected = evaluate(ranked[rows], targets[rows], propensity=q)
    sums = scores.numerators[rows].sum(axis=0) / scores.denominators[rows].sum(axis=0)
    assert dict(zip(scores.names, sums.tolist(), strict=True)) == pytest.approx(dict(expected))


@pytest.mark.parametrize(
    ("names", "numerators", "denominators", "message"),
    [
        (("P@1", "P@1"), np.ones((3, 2)), np.ones((3, 2)), "named twice: P@1, P@1"),
        (("P@1",), np.ones((3, 2)), np.ones((3, 2)), r"`numerators` .*\(documents, 1\)"),
        (("P@1",), np.ones((3, 1)), np.ones((3, 1), int), "`denominators` must be float64"),
        (("P@1",), np.full((3, 1), np.nan), np.ones((3, 1)), "`numerators` must hold finite"),
        (("P@1",), np.ones((3, 1)), np.ones((2, 1)), "3 numerators and 2 denominators"),
        (("P@1",), np.ones((0, 1)), np.ones((0, 1)), "at least one; got 0"),
        (("P@1",), np.ones((3, 1)), -np.ones((3, 1)), "must not be negative"),
    ],
)
def test_impossible_parts_are_refused(
    names: tuple[str, ...],
    numerators: np.ndarray[tuple[int, int], np.dtype[np.float64]],
    denominators: np.ndarray[tuple[int, int], np.dtype[np.float64]],
    message: str,
) -> None:
    with pytest.raises(ValueError, match=message):
        DocumentScores(names, numerators, denominators)


def test_places_asked_for_twice_are_refused_and_so_is_none() -> None:
    ranked, targets, _ = random_case(0)
    with pytest.raises(ValueError, match="`ks` is empty"):
        document_scores(ranked, targets, ks=())
    with pytest.raises(ValueError, match="`ks` holds a number twice: 3, 3"):
        document_scores(ranked, targets, ks=(3, 3))
