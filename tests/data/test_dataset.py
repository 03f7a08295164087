from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from optuna_xmcnas.data import label_matrix
from optuna_xmcnas.data import TextDataset
from optuna_xmcnas.data import TextSplit
from optuna_xmcnas.data import TokenSplit
from optuna_xmcnas.data import Vocabulary
from optuna_xmcnas.data import XmcDataset
from optuna_xmcnas.exceptions import DataError


def text_split(rows: list[list[int]], n_labels: int = 3) -> TextSplit:
    texts = tuple(f"text {i}" for i in range(len(rows)))
    return TextSplit(texts=texts, labels=label_matrix(rows, n_labels))


def text_dataset() -> TextDataset:
    train = text_split([[0], [1, 2], []])
    return TextDataset("tiny", "by hand", ("a", "b", "c"), train, test=text_split([[2]]))


def token_split() -> TokenSplit:
    return TokenSplit(
        tokens=np.array([2, 3, 3, 1, 2, 2, 2], np.int32),
        offsets=np.array([0, 2, 3, 7]),
        labels=label_matrix([[0], [1], [0, 2]], 3),
    )


def xmc_dataset(**changes: Any) -> XmcDataset:
    values: dict[str, Any] = {
        "name": "tiny",
        "train": token_split(),
        "validation": token_split(),
        "test": None,
        "label_names": ("a", "b", "c"),
        "vocabulary": Vocabulary(("<PAD>", "<UNK>", "x", "y")),
        "vectors": np.eye(4, 5, -1, dtype=np.float32),
    }
    return XmcDataset(**(values | changes))


def test_label_matrix_sorts_and_drops_repeats() -> None:
    matrix = label_matrix([[2, 0, 2], [], [1]], 3)
    assert matrix.toarray().tolist() == [[1, 0, 1], [0, 0, 0], [0, 1, 0]]
    assert matrix.has_canonical_format
    assert matrix.dtype == np.float32


@pytest.mark.parametrize("wrong", [-1, 3])
def test_label_number_out_of_range_is_refused(wrong: int) -> None:
    with pytest.raises(DataError, match=rf"document 1 has the label number {wrong}.*0\.\.2"):
        label_matrix([[0], [1, wrong]], 3)


def test_selected_documents_keep_what_belongs_to_them() -> None:
    rows = [2, 0, 0]
    split = token_split()
    chosen = split.select(rows)
    assert len(chosen) == 3
    for new, old in enumerate(rows):
        expected = split.tokens[split.offsets[old] : split.offsets[old + 1]]
        found = chosen.tokens[chosen.offsets[new] : chosen.offsets[new + 1]]
        assert found.tolist() == expected.tolist()
    assert chosen.labels.toarray().tolist() == split.labels.toarray()[rows].tolist()
    assert chosen.labels.has_canonical_format


def test_no_document_can_be_selected() -> None:
    assert len(token_split().select([])) == 0
    assert text_split([[0], [1]]).select([]).texts == ()


@pytest.mark.parametrize("rows", [[3], [-1], [0.5], [[0]]])
def test_impossible_rows_are_refused(rows: list[Any]) -> None:
    with pytest.raises(DataError, match="rows"):
        token_split().select(rows)


def test_selected_texts_bring_features_and_filters() -> None:
    features = csr_array(np.arange(6, dtype=np.float32).reshape(3, 2))
    split = replace(
        text_split([[0], [1], [2]]), features=features, filters=label_matrix([[1], [], [0]], 3)
    )
    chosen = split.select([2, 1])
    assert chosen.texts == ("text 2", "text 1")
    assert chosen.features is not None
    assert chosen.filters is not None
    assert chosen.features.toarray().tolist() == [[4, 5], [2, 3]]
    assert chosen.filters.toarray().tolist() == [[1, 0, 0], [0, 0, 0]]


def test_lengths_are_those_of_the_documents() -> None:
    assert token_split().lengths.tolist() == [2, 1, 4]


def test_fingerprint_follows_the_content_and_not_the_name() -> None:
    first = text_dataset()
    assert replace(text_dataset(), name="other", format="other").fingerprint == first.fingerprint
    changed = [
        replace(first, label_names=("a", "b", "d")),
        replace(first, test=None),
        replace(first, test=None, validation=first.test),
        replace(first, train=text_split([[0], [1], []])),
        replace(first, train=replace(first.train, texts=("text", "0text 1", "text 2"))),
        replace(first, train=replace(first.train, texts=("", "text 0text 1", "text 2"))),
    ]
    assert len({first.fingerprint, *(other.fingerprint for other in changed)}) == 7


def test_fingerprint_does_not_depend_on_the_width_of_indices() -> None:
    first = text_dataset()
    labels = first.train.labels
    wide = csr_array((labels.data, labels.indices.astype(np.int64), labels.indptr), labels.shape)
    train = replace(first.train, labels=wide)
    assert replace(first, train=train).fingerprint == first.fingerprint


def test_unused_labels_are_dropped_everywhere() -> None:
    data = TextDataset(
        "tiny",
        "by hand",
        ("a", "b", "c"),
        text_split([[0]]),
        test=replace(text_split([[2]]), filters=label_matrix([[1]], 3)),
        label_texts=("A", "B", "C"),
    ).without_unused_labels()
    assert data.label_names == ("a", "c")
    assert data.label_texts == ("A", "C")
    assert data.test is not None
    assert data.test.labels.toarray().tolist() == [[0, 1]]
    assert data.test.filters is not None
    assert data.test.filters.toarray().tolist() == [[0, 0]]


def test_data_without_unused_labels_stay_as_they_are() -> None:
    data = text_dataset()
    assert data.without_unused_labels() is data


def test_vector_origin_and_not_vector_values_count_in_the_fingerprint() -> None:
    data = xmc_dataset()
    assert xmc_dataset(vectors=2 * data.vectors).fingerprint == data.fingerprint
    changed = [
        xmc_dataset(vectors_origin="elsewhere"),
        xmc_dataset(train=token_split().select([0, 1])),
        xmc_dataset(vocabulary=Vocabulary(("<PAD>", "<UNK>", "x", "z"))),
        xmc_dataset(vectors=np.zeros((4, 6), np.float32)),
        xmc_dataset(test=token_split()),
    ]
    assert len({data.fingerprint, *(other.fingerprint for other in changed)}) == 6


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vectors": np.zeros((3, 5), np.float32)}, r"vocabulary of 4 words needs \(4, width\)"),
        ({"vectors": np.zeros((4, 5))}, "must be float32; got float64"),
        ({"vectors": np.ones((4, 5), np.float32)}, "row 0 .* must be zero"),
        ({"label_names": ("a", "b")}, "3 label columns but there are 2 label names"),
        ({"label_names": ("a", "b", "b")}, "1 label names are repeated"),
        (
            {"vocabulary": Vocabulary(("<PAD>", "<UNK>", "x")), "vectors": np.zeros((3, 5), "f4")},
            r"word numbers 1\.\.3; allowed: 0\.\.2",
        ),
    ],
)
def test_impossible_data_sets_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        xmc_dataset(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tokens": np.zeros(7, np.int64)}, "must be int32.*got int64"),
        ({"offsets": np.array([0, 7])}, r"3 documents need \(4,\)"),
        ({"offsets": np.array([0, 2, 3, 6])}, "from 0 to the number of tokens, 7"),
        ({"offsets": np.array([0, 3, 3, 7])}, "document 1 has no token"),
    ],
)
def test_impossible_token_splits_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        replace(token_split(), **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"texts": ("one",)}, "1 texts but 2 rows"),
        ({"texts": None}, "needs `texts` or `features`"),
        ({"features": csr_array((3, 2), dtype=np.float32)}, "3 feature rows, 2 label rows"),
        ({"filters": label_matrix([[0]], 3)}, r"shape \(1, 3\), `labels` \(2, 3\)"),
        ({"labels": np.ones((2, 3))}, "csr_array; got ndarray"),
        ({"labels": 2 * label_matrix([[0], [1]], 3)}, "float32 ones only"),
        (
            {"labels": csr_array((np.ones(2, "f4"), np.array([1, 0]), np.array([0, 2, 2])))},
            "sorted and without repeats",
        ),
    ],
)
def test_impossible_text_splits_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        replace(text_split([[0], [1]]), **changes)


def test_label_texts_must_be_one_per_label() -> None:
    with pytest.raises(DataError, match="2 label texts, 3 names"):
        replace(text_dataset(), label_texts=("A", "B"))
