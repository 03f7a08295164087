from __future__ import annotations

from collections import Counter
import re

import numpy as np
import pytest
from tokenizers import Tokenizer

from optuna_xmcnas.data import count_words
from optuna_xmcnas.data import TokenLists
from optuna_xmcnas.data import Vocabulary
from optuna_xmcnas.exceptions import DataError


TEXTS = [
    "The tree, the label-tree and the LABEL.",
    "max_depth of 12.5% -- don't!",
    "Label the <PAD> tree",
    "",
    "... !? _",
    "Étude Stra\u00dfe \u0627\u0644\u0639 \u6d4b\u8bd5 a\u2028b",
]


def words_of(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower())


def decoded(vocabulary: Vocabulary, lists: TokenLists) -> list[list[str]]:
    return [
        [vocabulary.words[token] for token in lists.tokens[start:stop]]
        for start, stop in zip(lists.offsets[:-1], lists.offsets[1:], strict=True)
    ]


def test_words_are_runs_of_letters_and_digits_in_lower_case() -> None:
    counts = count_words(TEXTS)
    vocabulary, lists = counts.vocabulary(max_words=100)
    expected = [words_of(text) or ["<UNK>"] for text in TEXTS]
    assert decoded(vocabulary, lists) == expected
    assert decoded(vocabulary, vocabulary.encode(TEXTS)) == expected


def test_both_ways_of_writing_an_accent_are_one_word() -> None:
    assert count_words(["caf\u00e9 cafe\u0301"]).words == ("caf\u00e9",)


def test_frequencies_count_documents_and_not_occurrences() -> None:
    counts = count_words(TEXTS)
    expected = Counter(word for text in TEXTS for word in set(words_of(text)))
    found = dict(zip(counts.words, counts.document_frequencies.tolist(), strict=True))
    assert found == expected


def test_order_is_frequency_then_given_vector_then_alphabet() -> None:
    counts = count_words(["b a d c", "d"])
    vocabulary, _ = counts.vocabulary(max_words=100, with_vector={"c", "zebra"})
    assert vocabulary.words == ("<PAD>", "<UNK>", "d", "c", "a", "b")


def test_order_agrees_with_a_slow_implementation() -> None:
    rng = np.random.default_rng(0)
    texts = [" ".join(f"w{i}" for i in rng.zipf(1.6, 12) % 60) for _ in range(50)]
    given = {f"w{i}" for i in range(0, 60, 2)}
    frequencies = Counter(word for text in texts for word in set(text.split()))
    expected = sorted(frequencies, key=lambda word: (-frequencies[word], word not in given, word))
    vocabulary, _ = count_words(texts).vocabulary(max_words=1000, with_vector=given)
    assert vocabulary.words[2:] == tuple(expected)


def test_capped_vocabulary_makes_the_rest_unknown() -> None:
    counts = count_words(["a a b", "a c b", "a"])
    vocabulary, lists = counts.vocabulary(max_words=4)
    assert vocabulary.words == ("<PAD>", "<UNK>", "a", "b")
    assert lists.tokens.tolist() == [2, 2, 3, 2, 1, 3, 2]
    assert lists.tokens.tolist() == vocabulary.encode(["a a b", "a c b", "a"]).tokens.tolist()


def test_padding_number_never_comes_from_text() -> None:
    vocabulary = Vocabulary(("<PAD>", "<UNK>", "pad"))
    assert vocabulary.encode(["<PAD> PAD <UNK>"]).tokens.tolist() == [2, 2, 1]


@pytest.mark.parametrize("max_tokens", [1, 2, 5, 100])
def test_head_of_long_texts_is_kept(max_tokens: int) -> None:
    vocabulary, lists = count_words(TEXTS).vocabulary(max_words=100)
    expected = [(words_of(text) or ["<UNK>"])[:max_tokens] for text in TEXTS]
    assert decoded(vocabulary, vocabulary.encode(TEXTS, max_tokens)) == expected
    assert decoded(vocabulary, lists.head(max_tokens)) == expected


def test_more_texts_than_one_batch_are_encoded_in_order() -> None:
    texts = [f"w{i % 7}" for i in range(1100)]
    vocabulary, lists = count_words(texts).vocabulary(max_words=100)
    assert decoded(vocabulary, lists) == [[text] for text in texts]


def test_no_texts_give_no_words() -> None:
    counts = count_words([])
    assert counts.words == ()
    assert counts.vocabulary(max_words=10)[0].words == ("<PAD>", "<UNK>")
    assert len(Vocabulary(("<PAD>", "<UNK>")).encode([]).tokens) == 0


def test_vocabulary_survives_json_and_others_can_read_it() -> None:
    vocabulary, lists = count_words(TEXTS).vocabulary(max_words=100)
    text = vocabulary.to_json()
    again = Vocabulary.from_json(text)
    assert again == vocabulary
    assert again.content_hash == vocabulary.content_hash
    assert Tokenizer.from_str(text).encode(TEXTS[0]).ids == lists.tokens[:8].tolist()


def test_content_hash_follows_the_words_and_their_order() -> None:
    hashes = {
        Vocabulary(("<PAD>", "<UNK>", *words)).content_hash
        for words in (("a", "b"), ("b", "a"), ("ab",), ())
    }
    assert len(hashes) == 4


def test_foreign_json_is_refused() -> None:
    with pytest.raises(DataError, match="not the JSON of a tokenizer"):
        Vocabulary.from_json("{}")
    ours = Vocabulary(("<PAD>", "<UNK>", "a"))
    with pytest.raises(DataError, match="by other rules than ours"):
        Vocabulary.from_json(ours.to_json().replace("Lowercase", "NFKC"))
    with pytest.raises(DataError, match="3 word numbers do not run from 0"):
        Vocabulary.from_json(ours.to_json().replace('"a":2', '"a":9').replace('"a": 2', '"a": 9'))


def test_vocabulary_without_its_special_words_is_refused() -> None:
    with pytest.raises(DataError, match=r"starts with '<PAD>' and '<UNK>'; got \('a', 'b'\)"):
        Vocabulary(("a", "b"))
    with pytest.raises(DataError, match="1 words are repeated"):
        Vocabulary(("<PAD>", "<UNK>", "a", "a"))
