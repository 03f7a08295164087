from __future__ import annotations

from collections import defaultdict
from math import log

import numpy as np
import pytest

from optuna_xmcnas.data import cooccurrence_vectors
from optuna_xmcnas.data import count_words
from optuna_xmcnas.data import TokenLists
from optuna_xmcnas.data import Vocabulary
from optuna_xmcnas.data.cooccurrence import count_pairs
from optuna_xmcnas.data.cooccurrence import positive_information


def random_lists(seed: int = 0) -> TokenLists:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 12, size=30)
    tokens = np.minimum(rng.zipf(1.5, lengths.sum()), 14).astype(np.int32)
    return TokenLists(tokens, np.concatenate([[0], np.cumsum(lengths)]))


def slow_counts(
    lists: TokenLists, n_counted: int, window: int
) -> defaultdict[tuple[int, int], float]:
    counts: defaultdict[tuple[int, int], float] = defaultdict(float)
    for start, stop in zip(lists.offsets[:-1], lists.offsets[1:], strict=True):
        document = lists.tokens[start:stop].tolist()
        for i, first in enumerate(document):
            for j, second in enumerate(document):
                if i != j and abs(i - j) <= window and min(first, second) > 1:
                    if max(first, second) >= n_counted:
                        continue
                    counts[first, second] += (window + 1 - abs(i - j)) / window
    return counts


@pytest.mark.parametrize("window", [1, 3])
def test_pairs_are_counted_as_a_slow_implementation_does(window: int) -> None:
    lists = random_lists()
    expected = np.zeros((12, 12))
    for pair, count in slow_counts(lists, 12, window).items():
        expected[pair] = count
    assert count_pairs(lists, 12, window).toarray() == pytest.approx(expected)


def test_counting_in_batches_loses_no_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = count_pairs(random_lists(), 12, window=3)
    monkeypatch.setattr("optuna_xmcnas.data.cooccurrence._BATCH", 7)
    assert count_pairs(random_lists(), 12, window=3).toarray() == pytest.approx(whole.toarray())


def test_information_is_that_of_its_definition() -> None:
    counts = count_pairs(random_lists(), 12, window=2)
    dense = counts.toarray()
    totals = dense.sum(axis=1)
    expected = np.zeros_like(dense)
    for i, j in zip(*np.nonzero(dense), strict=True):
        context = totals[j] ** 0.75 / (totals**0.75).sum()
        expected[i, j] = max(0.0, log(dense[i, j] / totals[i] / context))
    assert positive_information(counts).toarray() == pytest.approx(expected, abs=1e-5)


def test_words_in_equal_places_get_similar_vectors() -> None:
    rng = np.random.default_rng(0)
    animals, machines = ["cat", "dog", "cow"], ["car", "bus", "tram"]
    texts = [f"the {rng.choice(animals)} eats green grass outside" for _ in range(100)]
    texts += [f"a {rng.choice(machines)} burns cheap fuel daily" for _ in range(100)]
    vocabulary, lists = count_words(texts).vocabulary(100)
    vectors = cooccurrence_vectors(lists, len(vocabulary), width=6)
    rows = {word: vectors[number] for number, word in enumerate(vocabulary.words)}
    for same, other in [(animals, machines), (machines, animals)]:
        near = min(rows[a] @ rows[b] for a in same for b in same)
        far = max(rows[a] @ rows[b] for a in same for b in other)
        assert near > far


def test_every_word_but_padding_is_equally_loud() -> None:
    vectors = cooccurrence_vectors(random_lists(), 15, width=8, max_words=12)
    assert not vectors[0].any()
    assert np.sqrt((vectors[2:12] ** 2).mean(axis=1)) == pytest.approx(np.full(10, 3**-0.5))
    assert (np.abs(vectors[[1, 12, 13, 14]]) <= 1).all()
    assert (vectors[[1, 12, 13, 14]] != 0).all()


def test_equal_input_gives_equal_vectors() -> None:
    first, second = (cooccurrence_vectors(random_lists(), 15, width=8) for _ in range(2))
    assert first.tolist() == second.tolist()
    assert first.dtype == np.float32


def test_start_of_the_factorisation_hardly_matters() -> None:
    first, second = (
        cooccurrence_vectors(random_lists(), 15, width=8, seed=seed)[2:] for seed in (1, 2)
    )
    assert first @ first.T == pytest.approx(second @ second.T, abs=1e-3)


@pytest.mark.parametrize("text", ["", "one", "one two", "the the the"])
def test_tiny_texts_still_give_vectors_of_the_asked_width(text: str) -> None:
    vocabulary, lists = count_words([text, text]).vocabulary(100)
    vectors = cooccurrence_vectors(lists, len(vocabulary), width=100)
    assert vectors.shape == (len(vocabulary), 100)
    assert np.isfinite(vectors).all()


def test_factors_are_those_of_the_exact_decomposition() -> None:
    information = positive_information(count_pairs(random_lists(), 12, window=3))
    left, strengths, _ = np.linalg.svd(information.toarray())
    exact = left[:, :4] * np.sqrt(strengths[:4])
    norms = np.linalg.norm(exact, axis=1)
    known = norms > 1e-3
    assert known.sum() > 5
    exact = exact[known] / norms[known, None] * np.sqrt(4 / 3)
    vectors = cooccurrence_vectors(random_lists(), 12, width=4, window=3)[known]
    assert vectors @ vectors.T == pytest.approx(exact @ exact.T, abs=1e-3)


def test_documents_are_not_neighbours() -> None:
    vocabulary = Vocabulary(("<PAD>", "<UNK>", "a", "b"))
    counts = count_pairs(vocabulary.encode(["a", "b", "a"]), 4, window=5)
    assert counts.nnz == 0


def test_impossible_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="`width` and `window` .* got 0 and 5"):
        cooccurrence_vectors(random_lists(), 15, width=0)
