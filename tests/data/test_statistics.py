from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from optuna_xmcnas.data import describe
from optuna_xmcnas.data import label_matrix
from optuna_xmcnas.data import SplitStatistics
from optuna_xmcnas.data import TextDataset
from optuna_xmcnas.data import TextSplit
from optuna_xmcnas.data import WordVectors


def dataset() -> TextDataset:
    train = TextSplit(
        texts=("a b c d", "a b", "", "a", "a", "a"),
        labels=label_matrix([[0, 1], [0], [], [0], [0], [0]], 4),
    )
    test = TextSplit(texts=("a x y b",), labels=label_matrix([[2, 0, 1]], 4))
    return TextDataset("tiny", "by hand", ("p", "q", "r", "s"), train, test=test)


def test_numbers_are_those_counted_by_hand() -> None:
    found = describe(dataset())
    assert found.splits == (
        SplitStatistics("train", 6, 1, 1.0),
        SplitStatistics("test", 1, 0, 3.0),
    )
    assert (found.n_labels, found.n_labels_not_in_train) == (4, 2)
    assert found.documents_per_label == 3.0
    assert found.tail_share == 0.75
    assert found.text is not None
    assert (found.text.n_words, found.text.median_tokens) == (4, 1.0)
    assert found.text.mean_tokens == pytest.approx(10 / 6)  # the empty one is one unknown word
    assert found.text.tokens_95 == pytest.approx(3.5)
    assert found.text.unknown_test_tokens == 0.5
    assert (found.n_features, found.coverage) == (None, None)


def test_coverage_of_given_vectors_is_counted() -> None:
    vectors = WordVectors(("a", "x"), np.ones((2, 3), np.float32))
    coverage = describe(dataset(), vectors=vectors).coverage
    assert coverage is not None
    assert (coverage.n_words, coverage.n_words_without) == (4, 3)


def test_features_without_texts_are_described_too() -> None:
    train = TextSplit(
        texts=None,
        labels=label_matrix([[0]], 1),
        features=csr_array(np.ones((1, 7), np.float32)),
    )
    found = describe(TextDataset("bow", "bag of words", ("a",), train))
    assert (found.n_features, found.text) == (7, None)
