from __future__ import annotations

from collections.abc import Iterator
import math

import numpy as np
import pytest
import torch

from optuna_xmcnas.exceptions import ModelError
from optuna_xmcnas.tagger import Model
from optuna_xmcnas.tagger import Prediction
from optuna_xmcnas.tagger import Tagger
from tests.tagger.tiny import LABEL_NAMES
from tests.tagger.tiny import MAX_TOKENS
from tests.tagger.tiny import N_LABELS
from tests.tagger.tiny import tiny_child
from tests.tagger.tiny import tiny_data
from tests.tagger.tiny import tiny_model
from tests.tagger.tiny import tiny_texts


def _slow_scores(model: Model, text: str) -> list[float]:
    """Return the probability of every label of one text: no batch, no padding, no lists."""
    numbers = {word: number for number, word in enumerate(model.vocabulary.words)}
    tokens = [numbers.get(word, 1) for word in text.split()][: model.max_tokens] or [1]
    with torch.no_grad():
        shares = [
            child.eval()(torch.tensor([tokens]), torch.tensor([len(tokens)]))[0].sigmoid()
            for child in model.members
        ]
    return torch.stack(shares).mean(dim=0).tolist()


def _scores(predictions: list[Prediction]) -> list[float]:
    return [prediction.score for prediction in predictions]


def test_predictions_are_the_best_of_all_scores(tagger: Tagger) -> None:
    texts = tiny_texts()
    for text, predictions in zip(texts, tagger.predict(texts, k=4, batch_size=8), strict=True):
        expected = dict(zip(LABEL_NAMES, _slow_scores(tagger.model, text), strict=True))
        best = sorted(expected.values(), reverse=True)[:4]
        assert _scores(predictions) == pytest.approx(best, abs=1e-6)
        of_labels = [expected[prediction.label] for prediction in predictions]
        assert _scores(predictions) == pytest.approx(of_labels, abs=1e-6)
        assert len({prediction.label for prediction in predictions}) == 4


def test_streams_give_what_lists_give(tagger: Tagger) -> None:
    """But for rounding: two labels may change places whose scores are equal to the last bits."""
    texts = tiny_texts(70)
    expected = tagger.predict(texts, k=N_LABELS, batch_size=70)
    for batch_size in (1, 3, 64):
        found = list(tagger.stream(iter(texts), N_LABELS, batch_size=batch_size))
        for some, others in zip(found, expected, strict=True):
            assert dict(some) == pytest.approx(dict(others), abs=1e-6)
            assert _scores(some) == sorted(_scores(some), reverse=True)


class Counted:
    """Any number of texts, and how many of them were asked for."""

    def __init__(self) -> None:
        self.n_read = 0

    def __iter__(self) -> Iterator[str]:
        texts = tiny_texts(10)
        while True:
            self.n_read += 1
            yield texts[self.n_read % 10]


def test_a_stream_reads_no_further_than_32_batches_ahead(tagger: Tagger) -> None:
    texts = Counted()
    stream = tagger.stream(texts, 3, batch_size=2)
    assert texts.n_read == 0
    ahead = []
    for n_given in range(300):
        next(stream)
        ahead.append(texts.n_read - n_given)
    assert ahead[0] == 2  # the first answers come soon
    assert max(ahead) == 32 * 2


def test_long_texts_are_read_fewer_at_a_time(
    tagger: Tagger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optuna_xmcnas.tagger.windows._MOST_CHARACTERS", 100)
    read: list[int] = []

    def texts() -> Iterator[str]:
        for number in range(8):
            read.append(number)
            yield "filler1 " * 10

    stream = tagger.stream(texts(), 3, batch_size=64)
    next(stream)
    assert len(read) == 2
    assert len(list(stream)) == 7


def test_an_error_of_the_texts_comes_after_what_was_before_it(tagger: Tagger) -> None:
    def texts() -> Iterator[str]:
        yield from tiny_texts(5)
        raise OSError("the cable fell out")

    stream = tagger.stream(texts(), 3)
    assert [next(stream) for _ in range(5)] == tagger.predict(tiny_texts(5), 3)
    with pytest.raises(OSError, match="the cable fell out"):
        next(stream)


def test_what_is_no_string_is_named(tagger: Tagger) -> None:
    with pytest.raises(TypeError, match=r"text number 1 \(from 0\) is of the type int: '7'; give"):
        tagger.predict(["a", 7])  # type: ignore[list-item]
    for texts in ("one text", b"bytes"):
        with pytest.raises(TypeError, match=r"`texts` must be several strings, such as a list"):
            tagger.predict(texts)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match=r"`texts` must be several strings, such as a list"):
            tagger.explain(texts)  # type: ignore[arg-type]


def test_wrong_arguments_are_told_at_once(tagger: Tagger) -> None:
    with pytest.raises(ValueError, match=r"`k` must be at least 1; got 0"):
        tagger.stream([], 0)
    with pytest.raises(ValueError, match=r"`batch_size` must be at least 1; got -1"):
        tagger.stream([], batch_size=-1)
    with pytest.raises(ValueError, match=r"`n_tokens` must be at least 1; got 0"):
        tagger.explain([], n_tokens=0)
    with pytest.raises(ValueError, match=r"`device` must be 'auto'.*got 'tpu'"):
        Tagger(tagger.model, device="tpu")
    with pytest.raises(ValueError, match=r"`precision` must be one of .*got 'int3'"):
        Tagger(tagger.model, device="cpu", precision="int3")


def test_an_empty_text_is_one_unknown_word(tagger: Tagger) -> None:
    empty, spaces, unknown = tagger.predict(["", " \n.", "qwertzuiop"], N_LABELS)
    assert dict(empty) == pytest.approx(dict(unknown), abs=1e-6)
    assert dict(spaces) == pytest.approx(dict(unknown), abs=1e-6)
    assert tagger.predict([]) == []


def test_long_texts_are_read_like_short_ones(tagger: Tagger) -> None:
    """Only the beginning of a long text is numbered, and that may not change its numbers."""
    rng = np.random.default_rng(0)
    pieces = ["filler1", "topic2", "é", "e\u0301", " ", "  ", "\n", "\t", ".", "\u2003", "-" * 40]
    texts = ["".join(rng.choice(pieces, size=n).tolist()) for n in range(0, 800, 4)]
    texts += ["x" * 1000, " " * 1000 + "filler1", ("-" * 500 + " filler1 ") * 30]
    model = tagger.model
    expected = model.vocabulary.encode(texts, model.max_tokens)
    found = tagger.encode(texts)
    np.testing.assert_array_equal(found.tokens, expected.tokens)
    np.testing.assert_array_equal(found.offsets, expected.offsets)


def test_half_a_character_is_no_obstacle(tagger: Tagger) -> None:
    texts = ["topic1 \ud800 filler1", "topic1 \ufffd filler1"]
    broken, whole = tagger.predict(texts, N_LABELS)
    assert dict(broken) == pytest.approx(dict(whole), abs=1e-6)


def test_there_are_no_more_predictions_than_labels(tagger: Tagger) -> None:
    (predictions,) = tagger.predict(["topic1"], k=1000)
    assert sorted(p.label for p in predictions) == sorted(LABEL_NAMES)


def test_of_equal_scores_the_lower_label_number_is_first() -> None:
    child = tiny_child("conv1")
    with torch.no_grad():
        for parameter in child.head.parameters():
            parameter.zero_()  # now all labels of all texts score the same
    (predictions,) = Tagger(tiny_model([child]), device="cpu").predict(["topic1"], k=7)
    assert predictions == [Prediction(name, 0.5) for name in LABEL_NAMES[:7]]


def test_high_scores_stay_apart() -> None:
    child = tiny_child("conv1", attention="self", fully_connected=())
    with torch.no_grad():
        head = child.head.get_submodule("output")
        head.get_parameter("weight").zero_()
        head.get_parameter("bias").copy_(torch.linspace(24.0, 23.0, N_LABELS))
    (predictions,) = Tagger(tiny_model([child]), device="cpu").predict(["topic1"], k=N_LABELS)
    scores = [p.score for p in predictions]
    assert len(set(scores)) == N_LABELS
    assert scores[0] == pytest.approx(1 / (1 + math.exp(-24.0)), abs=1e-15)


def test_documents_are_ranked_with_their_labels(tagger: Tagger) -> None:
    data = tiny_data()
    assert data.test is not None
    texts = tiny_texts(len(data.test))
    split = tagger.encode(texts, data.test.labels)
    assert split.labels is data.test.labels
    assert split.lengths.max() == MAX_TOKENS
    top = tagger.rank(split, 15, batch_size=16)
    assert top.labels.shape == (len(texts), 15)
    assert (top.labels[:, N_LABELS:] == -1).all()
    names = [[LABEL_NAMES[label] for label in row[:10]] for row in top.labels.tolist()]
    predicted = tagger.predict(texts, batch_size=16)
    assert names == [[label for label, _ in row] for row in predicted]


def test_a_tagger_leaves_its_model_ready(tagger: Tagger, model: Model) -> None:
    assert tagger.model is model
    assert not any(child.training for child in model.members)


def test_reduced_precision_gives_nearly_the_same(tagger: Tagger) -> None:
    texts = tiny_texts(10)
    reduced = Tagger(tagger.model, device="cpu", precision="bfloat16")
    for some, others in zip(reduced.predict(texts, 1), tagger.predict(texts, 1), strict=True):
        assert some[0].score == pytest.approx(others[0].score, abs=0.05)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"members": ()}, r"at least one member"),
        ({"members": (tiny_child("conv1"), tiny_child("conv3"))}, r"2 different kinds among 2"),
        ({"label_names": LABEL_NAMES[:5]}, r"score 12 labels, but there are 5 label names"),
        ({"label_names": ("twice",) * N_LABELS}, r"11 label names are repeated"),
        ({"label_counts": np.zeros(3, np.int64)}, r"`label_counts` has the shape \(3,\)"),
        ({"vectors": np.zeros((3, 16), np.float32)}, r"`vectors` has the shape \(3, 16\)"),
        ({"max_tokens": 0}, r"`max_tokens` must be at least 1; got 0"),
        ({"n_train": -1}, r"`n_train` must be at least 0; got -1"),
        ({"facts": {"path": object()}}, r"`facts` must be what JSON can say"),
    ],
)
def test_parts_of_a_model_must_belong_together(changes: dict[str, object], said: str) -> None:
    # `tiny_model` would take its own member for none
    fields = {**vars(tiny_model()), **changes}
    with pytest.raises(ModelError, match=said):
        Model(**fields)
