from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from optuna_xmcnas.child.attention import SelfAttention
from optuna_xmcnas.exceptions import ModelError
from optuna_xmcnas.tagger import Tagger
from tests.tagger.tiny import MAX_TOKENS
from tests.tagger.tiny import tiny_child
from tests.tagger.tiny import tiny_model
from tests.tagger.tiny import tiny_texts


def test_explained_are_the_predictions(tagger: Tagger) -> None:
    texts = tiny_texts()
    explained = tagger.explain(texts, k=3, batch_size=4)
    predicted = tagger.predict(texts, k=3, batch_size=4)
    found = [[(one.label, one.score) for one in row] for row in explained]
    assert found == [[tuple(one) for one in row] for row in predicted]


def test_words_are_found_where_they_stand(tagger: Tagger) -> None:
    text = "Topic1,  FILLER3_topic2\n(cafe\u0301 \u1112\u1161\u11ab) 😀 \ud800filler4"
    ((first, *_),) = tagger.explain([text], k=1, n_tokens=50)
    words = sorted((token.start, token.end, token.word) for token in first.tokens)
    assert [word for *_, word in words] == [
        "Topic1",
        "FILLER3",
        "topic2",
        "cafe\u0301",
        "\u1112\u1161\u11ab",
        "filler4",
    ]
    assert all(text[start:end] == word for start, end, word in words)
    assert sum(token.weight for token in first.tokens) == pytest.approx(1.0)
    assert not first.is_shared


def test_only_words_that_are_read_can_be_looked_at(tagger: Tagger) -> None:
    text = "filler1 " * MAX_TOKENS + "topic1 " * 5
    ((first,),) = tagger.explain([text], k=1, n_tokens=100)
    assert [token.word for token in first.tokens] == ["filler1"] * MAX_TOKENS


def test_an_empty_text_has_no_words_to_look_at(tagger: Tagger) -> None:
    ((first,),) = tagger.explain([""], k=1)
    assert first.tokens == ()
    assert tagger.explain([]) == []


def test_weights_are_the_attention_that_makes_the_score() -> None:
    """With these weights, the mean of the values gives the very score that was predicted."""
    child = tiny_child("bigru", "conv3", fully_connected=(16,))
    tagger = Tagger(tiny_model([child]), device="cpu")
    texts = tiny_texts(12)[1:]
    split = tagger.encode(texts)
    explained = tagger.explain(texts, k=3, n_tokens=MAX_TOKENS, batch_size=5)
    for number, row in enumerate(explained):
        tokens = torch.from_numpy(split.select([number]).tokens.astype(np.int64))[None]
        with torch.no_grad():
            hidden = child.encode(tokens, torch.tensor([tokens.shape[1]]))[0]  # (T, W)
        for one in row:
            in_order = sorted(one.tokens, key=lambda token: token.start)
            weights = torch.tensor([token.weight for token in in_order])
            with torch.no_grad():
                summary = weights @ child.head.get_submodule("layers.0")(hidden)
                logit = child.head.get_submodule("layers.1")(summary.relu())
            assert one.score == pytest.approx(logit.sigmoid().item(), abs=1e-5)


def test_members_are_averaged(tagger: Tagger) -> None:
    texts = tiny_texts(9)[1:]
    label = {name: number for number, name in enumerate(tagger.model.label_names)}
    alone = []
    for child in tagger.model.members:
        one = Tagger(tiny_model([child]), device="cpu")
        rows = one.explain(texts, k=12, n_tokens=50)
        alone.append([{label[e.label]: e.tokens for e in row} for row in rows])
    for number, row in enumerate(tagger.explain(texts, k=2, n_tokens=50)):
        for explained in row:
            of_members = [member[number][label[explained.label]] for member in alone]
            for token in explained.tokens:
                weights = [
                    other.weight
                    for tokens in of_members
                    for other in tokens
                    if other.start == token.start
                ]
                assert token.weight == pytest.approx(sum(weights) / 2, abs=1e-6)


def test_the_most_looked_at_words_come_first(tagger: Tagger) -> None:
    for row in tagger.explain(tiny_texts(), k=2, n_tokens=3):
        for one in row:
            assert len(one.tokens) <= 3
            for token, after in itertools.pairwise(one.tokens):
                assert (-token.weight, token.start) < (-after.weight, after.start)


def test_self_attention_is_said_to_be_shared() -> None:
    child = tiny_child("conv3", attention="self", n_queries=3)
    tagger = Tagger(tiny_model([child]), device="cpu")
    texts = tiny_texts(6)[1:]
    split = tagger.encode(texts)
    for number, row in enumerate(tagger.explain(texts, k=4, n_tokens=MAX_TOKENS)):
        assert all(one.is_shared and one.tokens == row[0].tokens for one in row)
        tokens = torch.from_numpy(split.select([number]).tokens.astype(np.int64))[None]
        weights = torch.zeros(tokens.shape[1])
        for token, place in zip(
            sorted(row[0].tokens, key=lambda token: token.start),
            range(tokens.shape[1]),
            strict=True,
        ):
            weights[place] = token.weight
        with torch.no_grad():
            hidden = child.encode(tokens, torch.tensor([tokens.shape[1]]))
            attention = child.head.get_submodule("attention")
            assert isinstance(attention, SelfAttention)
            summaries = attention(hidden, torch.zeros(tokens.shape, dtype=torch.bool))
            mean = summaries.view(3, -1).mean(dim=0)  # of what the queries see
        np.testing.assert_allclose(weights @ hidden[0], mean, atol=1e-5)


def test_no_attention_cannot_be_explained() -> None:
    child = tiny_child("conv3", attention="maxpool")
    tagger = Tagger(tiny_model([child]), device="cpu")
    assert len(tagger.predict(["topic1"])) == 1
    with pytest.raises(ModelError, match=r"by 'maxpool', which gives words no weights; only"):
        tagger.explain(["topic1"])
