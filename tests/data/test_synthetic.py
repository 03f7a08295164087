from __future__ import annotations

import re

import numpy as np
import pytest

from optuna_xmcnas.data import synthetic_dataset
from optuna_xmcnas.data import TextSplit


def labelled_words(split: TextSplit) -> list[tuple[list[str], list[int]]]:
    texts = split.texts or ()
    return [
        (text.split(), np.flatnonzero(row).tolist())
        for text, row in zip(texts, split.labels.toarray(), strict=True)
    ]


def test_labels_follow_from_the_words() -> None:
    data = synthetic_dataset(n_train=60, n_test=20, n_labels=7, seed=3)
    assert data.test is not None
    assert (len(data.train), len(data.test), data.n_labels) == (60, 20, 7)
    for words, labels in labelled_words(data.train) + labelled_words(data.test):
        topics = {int(word[5:]) for word in words if word.startswith("topic")}
        assert topics == set(labels)
        assert 1 <= len(labels) <= 3


def test_ordered_labels_say_which_marker_of_a_pair_comes_first() -> None:
    data = synthetic_dataset(n_train=60, n_labels=6, seed=3, ordered=True)
    for words, labels in labelled_words(data.train):
        expected = [
            2 * pair + (words.index(f"left{pair}") > words.index(f"right{pair}"))
            for pair in range(3)
        ]
        assert labels == expected


def test_ordered_documents_all_hold_the_same_markers_once() -> None:
    data = synthetic_dataset(n_train=60, n_labels=6, seed=3, ordered=True)
    bags = {
        tuple(sorted(word for word in words if not word.startswith("filler")))
        for words, _ in labelled_words(data.train)
    }
    assert bags == {("left0", "left1", "left2", "right0", "right1", "right2")}


def test_each_order_is_equally_frequent_and_distances_vary() -> None:
    data = synthetic_dataset(n_train=400, n_labels=4, seed=0, ordered=True)
    shares = data.train.labels.sum(axis=0) / 400
    assert np.abs(shares - 0.5).max() < 0.08
    gaps = [
        abs(words.index("left0") - words.index("right0"))
        for words, _ in labelled_words(data.train)
    ]
    assert (min(gaps), max(gaps)) == (1, 7)


@pytest.mark.parametrize("ordered", [False, True])
def test_same_seed_gives_the_same_data(ordered: bool) -> None:
    first, second, other = (
        synthetic_dataset(n_train=20, n_test=5, seed=seed, ordered=ordered) for seed in (1, 1, 2)
    )
    assert first.fingerprint == second.fingerprint != other.fingerprint


def test_words_survive_the_vocabulary_unchanged() -> None:
    for ordered in (False, True):
        for text in synthetic_dataset(n_train=20, ordered=ordered).train.texts or ():
            assert re.fullmatch(r"[a-z0-9]+( [a-z0-9]+)*", text)


def test_impossible_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="must be even if `ordered`.*got 5"):
        synthetic_dataset(n_labels=5, ordered=True)
    with pytest.raises(ValueError, match="at least 1; got 0, 100, 10"):
        synthetic_dataset(n_train=0)
