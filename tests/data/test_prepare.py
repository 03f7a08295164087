from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from optuna_xmcnas.data import DataConfig
from optuna_xmcnas.data import label_matrix
from optuna_xmcnas.data import prepare
from optuna_xmcnas.data import synthetic_dataset
from optuna_xmcnas.data import TextDataset
from optuna_xmcnas.data import TextSplit
from optuna_xmcnas.data import TokenSplit
from optuna_xmcnas.data import WordVectors
from optuna_xmcnas.data import XmcDataset
from optuna_xmcnas.exceptions import DataError


def config(**changes: Any) -> DataConfig:
    return DataConfig(**({"validation_documents": 10, "vector_size": 8} | changes))


def numbered_texts(n_documents: int) -> TextSplit:
    """Documents that can be told apart by their words."""
    return TextSplit(
        texts=tuple(f"same d{i}" for i in range(n_documents)),
        labels=label_matrix([[i % 3] for i in range(n_documents)], 3),
    )


def numbered(validation: TextSplit | None = None) -> TextDataset:
    names = ("a", "b", "c")
    return TextDataset("n", "by hand", names, numbered_texts(50), validation, numbered_texts(5))


def words(data: XmcDataset, split: TokenSplit) -> list[str]:
    return [data.vocabulary.words[split.tokens[start]] for start in split.offsets[:-1] + 1]


def test_texts_become_their_words_and_keep_their_labels() -> None:
    raw = synthetic_dataset(n_train=60, n_test=20, n_labels=5)
    data = prepare(raw, config())
    assert (len(data.train), len(data.validation)) == (50, 10)
    assert data.test is not None
    for split in (data.train, data.validation, data.test):
        for row in range(len(split)):
            tokens = split.tokens[split.offsets[row] : split.offsets[row + 1]]
            topics = {
                f"label{word[5:]}"
                for word in (data.vocabulary.words[token] for token in tokens)
                if word.startswith("topic")
            }
            numbers = np.flatnonzero(split.labels.toarray()[row])
            assert topics == {data.label_names[number] for number in numbers}


def test_validation_is_taken_from_train_and_leaves_it() -> None:
    data = prepare(numbered(), config())
    assert set(words(data, data.validation)) == {"<UNK>"}  # its words are no longer in train
    assert len(set(words(data, data.train))) == len(data.train) == 40


def test_small_train_sets_give_at_most_a_fifth() -> None:
    data = prepare(numbered(), config(validation_documents=1000))
    assert (len(data.train), len(data.validation)) == (40, 10)


def test_validation_of_the_source_is_used_and_cut_to_size() -> None:
    raw = numbered(validation=numbered_texts(30))
    data = prepare(raw, config(validation_documents=12))
    assert (len(data.train), len(data.validation)) == (50, 12)
    assert "<UNK>" not in words(data, data.validation)
    assert len(prepare(raw, config(validation_documents=99)).validation) == 30


def test_train_subset_does_not_change_the_validation_documents() -> None:
    whole = prepare(numbered(), config())
    part = prepare(numbered(), config(train_documents=7))
    assert len(part.train) == 7
    assert part.validation.labels.toarray().tolist() == whole.validation.labels.toarray().tolist()
    assert set(words(part, part.train)) < set(words(whole, whole.train))


def test_vocabulary_is_that_of_the_final_train_documents() -> None:
    data = prepare(numbered(), config(train_documents=7))
    assert set(data.vocabulary.words) == {"<PAD>", "<UNK>", "same", *words(data, data.train)}


def test_same_seed_gives_the_same_data_and_another_does_not() -> None:
    first, second, other = (prepare(numbered(), config(seed=seed)) for seed in (1, 1, 2))
    assert first.fingerprint == second.fingerprint != other.fingerprint
    assert first.vectors.tolist() == second.vectors.tolist()


def test_long_documents_keep_their_head_in_every_split() -> None:
    raw = synthetic_dataset(n_train=60, n_test=20, n_labels=5)
    whole, cut = (prepare(raw, config(max_tokens=size)) for size in (500, 4))
    for long, short in zip(whole.splits.values(), cut.splits.values(), strict=True):
        assert short.lengths.tolist() == np.minimum(long.lengths, 4).tolist()
        heads = [long.tokens[start : start + 4] for start in long.offsets[:-1]]
        assert short.tokens.tolist() == np.concatenate(heads).tolist()


def test_vocabulary_is_capped() -> None:
    data = prepare(numbered(), config(max_vocabulary=5))
    assert len(data.vocabulary) == len(data.vectors) == 5
    assert data.train.tokens.max() == 4


def test_vectors_can_be_given_or_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "vectors.txt"
    file.write_text("same 1 2 3\nunused 4 5 6\n")
    from_file = prepare(numbered(), config(), vectors=file)
    matrix = np.array([[1, 2, 3]], np.float32)
    from_memory = prepare(numbered(), config(), vectors=WordVectors(("same",), matrix))
    assert from_file.vectors.tolist() == from_memory.vectors.tolist()
    assert from_file.fingerprint == from_memory.fingerprint
    assert from_file.vectors[2].tolist() == [1, 2, 3]
    assert from_file.coverage is not None
    assert from_file.coverage.out_of_vocabulary_tokens == 0.5


def test_other_vectors_are_another_data_set() -> None:
    prints = {
        prepare(numbered(), config(), vectors=vectors).fingerprint
        for vectors in [
            None,
            WordVectors(("same",), np.ones((1, 8), np.float32)),
            WordVectors(("same",), np.full((1, 8), 2, np.float32)),
        ]
    }
    assert len(prints) == 3


def test_words_with_a_given_vector_come_first_among_equals() -> None:
    vectors = WordVectors(("d7", "d9"), np.ones((2, 8), np.float32))
    raw = numbered(validation=numbered_texts(5))
    assert prepare(raw, config(), vectors=vectors).vocabulary.words[2:5] == ("same", "d7", "d9")


def test_filters_stay_with_their_documents() -> None:
    raw = numbered(validation=numbered_texts(5))
    filters = label_matrix([[2]] * 5, 3)
    assert raw.test is not None
    data = prepare(replace(raw, test=replace(raw.test, filters=filters)), config())
    assert data.test is not None
    assert data.test.filters is not None
    assert data.test.filters.toarray().tolist() == filters.toarray().tolist()


def test_empty_documents_are_one_unknown_word() -> None:
    texts = ("", "word", "...", "word", "word", "word")
    train = TextSplit(texts=texts, labels=label_matrix([[0]] * 6, 1))
    data = prepare(TextDataset("n", "by hand", ("a",), train, validation=train), config())
    assert data.train.tokens.tolist() == [1, 2, 1, 2, 2, 2]


def test_features_without_texts_are_refused_with_advice() -> None:
    features = csr_array(np.ones((20, 2), np.float32))
    split = replace(numbered_texts(20), texts=None, features=features)
    raw = TextDataset("eurlex", "bag of words", ("a", "b", "c"), split)
    with pytest.raises(DataError, match=r"eurlex \(bag of words\) .* add the raw texts"):
        prepare(raw, config())


def test_too_few_documents_to_hold_one_out_are_refused() -> None:
    raw = TextDataset("n", "by hand", ("a", "b", "c"), numbered_texts(4))
    with pytest.raises(DataError, match="n has 4 train documents and no validation split"):
        prepare(raw, config())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_tokens": 0}, "`max_tokens` must be at least 1; got 0"),
        ({"max_vocabulary": 2}, "`max_vocabulary` must be at least 3; got 2"),
        ({"validation_documents": 0}, "`validation_documents` must be at least 1"),
        ({"vector_size": 0}, "`vector_size` must be at least 1"),
        ({"seed": -1}, "`seed` must be at least 0"),
        ({"train_documents": 0}, "`train_documents` must be at least 1 or None; got 0"),
    ],
)
def test_impossible_configurations_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        config(**changes)


@pytest.mark.parametrize("empty", ["train", "validation"])
def test_documents_without_any_label_are_refused(empty: str) -> None:
    unlabelled = replace(numbered_texts(50), labels=label_matrix([[]] * 50, 3))
    raw = numbered(numbered_texts(50))
    if empty == "train":
        raw = replace(raw, train=unlabelled)
    else:
        raw = replace(raw, validation=unlabelled)
    with pytest.raises(DataError, match=f"none of the .* {empty} documents of n has a label"):
        prepare(raw, config())


def test_splits_without_documents_are_refused() -> None:
    with pytest.raises(DataError, match="the validation split of n has no documents"):
        numbered(numbered_texts(0))
