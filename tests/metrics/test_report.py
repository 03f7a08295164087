from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from optuna_xmcnas.metrics import evaluate
from optuna_xmcnas.metrics import EvaluationReport
from tests.metrics.cases import random_case


def test_nothing_to_find_gives_zero() -> None:
    report = evaluate(np.zeros((3, 1), np.int64), csr_array((3, 4)), ks=(1,), propensity=[1.0] * 4)
    assert set(report.values()) == {0.0}
    assert report.n_without_labels == 3


def test_report_reads_like_a_dictionary_and_names_what_it_has() -> None:
    report = EvaluationReport(scores=(("P@1", 0.5),), n_documents=2, n_without_labels=0)
    assert dict(report) == {"P@1": 0.5}
    assert report == EvaluationReport(scores=(("P@1", 0.5),), n_documents=2, n_without_labels=0)
    with pytest.raises(KeyError, match="'P@7' was not computed; there is P@1"):
        report["P@7"]


def test_propensity_metrics_are_absent_without_propensities() -> None:
    ranked, targets, _ = random_case(0)
    assert list(evaluate(ranked, targets, ks=(1,))) == ["P@1", "nDCG@1", "recall@1", "RP@1"]
