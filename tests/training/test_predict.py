from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from optuna_xmcnas.child import ChildNetwork
from optuna_xmcnas.data import label_matrix
from optuna_xmcnas.data import XmcDataset
from optuna_xmcnas.exceptions import NonFiniteLossError
from optuna_xmcnas.training import predict_top_k
from optuna_xmcnas.training.predict import labels_and_scores
from optuna_xmcnas.training.predict import merge_top_k
from optuna_xmcnas.training.predict import no_labels


def _top_k(logits: Tensor, k: int, chunk: int) -> tuple[list[list[int]], list[list[float]]]:
    keys = no_labels(len(logits), k)
    for start in range(0, logits.shape[1], chunk):
        keys = merge_top_k(keys, logits[:, start : start + chunk], start)
    labels, scores = labels_and_scores(keys)
    return labels.tolist(), scores.tolist()


def _sorted_top_k(logits: Tensor, k: int) -> tuple[list[list[int]], list[list[float]]]:
    """Slow and obvious: sort every row by falling score, then rising label."""
    labels = [
        sorted(range(len(row)), key=lambda label, row=row: (-row[label], label))[:k]  # type: ignore[misc]
        for row in logits.tolist()
    ]
    return labels, [
        [row[label] for label in best] for row, best in zip(logits.tolist(), labels, strict=True)
    ]


@pytest.mark.parametrize("k", [1, 5, 17])
@pytest.mark.parametrize("chunk", [1, 4, 7, 40, 100])
@pytest.mark.parametrize("distinct", [1, 2, 5, 1000])
def test_ties_rank_by_label_whatever_the_chunk(k: int, chunk: int, distinct: int) -> None:
    rng = np.random.default_rng(distinct)
    scores = (rng.integers(distinct, size=(6, 40)) - distinct // 2) / 7
    logits = torch.from_numpy(scores.astype(np.float32))
    assert _top_k(logits, k, chunk) == _sorted_top_k(logits, k)


def test_the_order_holds_at_the_edges_of_float32() -> None:
    tiny = 1e-45  # the smallest positive float32
    logits = torch.tensor([[-0.0, 0.0, -tiny, tiny, 3e38, -3e38, math.inf, 1e-30, -1e-30]])
    labels, _ = _top_k(logits, 9, chunk=2)
    assert labels == [[6, 4, 7, 3, 0, 1, 2, 8, 5]]


def test_scores_come_back_bit_by_bit() -> None:
    logits = torch.randn(3, 50)
    _, scores = _top_k(logits, 50, chunk=9)
    assert scores == logits.sort(dim=1, descending=True).values.tolist()


def test_missing_places_hold_no_label() -> None:
    labels, scores = _top_k(torch.tensor([[1.0, -math.inf, 2.0]]), 4, chunk=2)
    assert labels == [[2, 0, -1, -1]]
    assert scores == [[2.0, 1.0, -math.inf, -math.inf]]


def test_label_numbers_may_be_large() -> None:
    keys = merge_top_k(no_labels(1, 2), torch.tensor([[1.0, 1.0]]), start=3_000_000)
    assert labels_and_scores(keys)[0].tolist() == [[3_000_000, 3_000_001]]


@pytest.mark.parametrize("attention", ["self", "label"])
def test_the_answer_is_that_of_the_plain_scores(
    data: XmcDataset, make_child: Callable[..., ChildNetwork], attention: str
) -> None:
    child = make_child(data, "bilstm", attention=attention).eval()
    split = data.validation
    top = predict_top_k(child, split, 4, device="cpu", batch_size=7)
    for document in range(len(split)):  # one by one: no padding at all
        tokens = split.tokens[split.offsets[document] : split.offsets[document + 1]]
        with torch.no_grad():
            logits = child(torch.from_numpy(tokens)[None].long(), torch.tensor([len(tokens)]))
        expected, scores = _sorted_top_k(logits, 4)
        np.testing.assert_allclose(top.scores[document], scores[0], rtol=0, atol=1e-5)
        np.testing.assert_array_equal(top.labels[document], expected[0])


@pytest.mark.parametrize("batch_size", [1, 13, 500])
@pytest.mark.parametrize("label_chunk", [1, 5, 500])
def test_batch_and_chunk_do_not_matter(
    data: XmcDataset, make_child: Callable[..., ChildNetwork], batch_size: int, label_chunk: int
) -> None:
    expected = predict_top_k(make_child(data), data.validation, 6, device="cpu")
    child = make_child(data, label_chunk=label_chunk)
    top = predict_top_k(child, data.validation, 6, batch_size=batch_size, device="cpu")
    np.testing.assert_allclose(top.scores, expected.scores, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(top.labels, expected.labels)


def test_a_child_that_scores_all_labels_alike_ranks_them_by_number(
    data: XmcDataset, make_child: Callable[..., ChildNetwork]
) -> None:
    child = make_child(data)
    with torch.no_grad():
        for parameter in child.parameters():
            parameter.zero_()
    top = predict_top_k(child, data.validation, 7, device="cpu")
    assert (top.labels == np.arange(7)).all()


def test_more_places_than_labels_stay_empty(
    data: XmcDataset, make_child: Callable[..., ChildNetwork]
) -> None:
    top = predict_top_k(make_child(data), data.validation, 15, device="cpu")
    assert (np.sort(top.labels[:, :12]) == np.arange(12)).all()
    assert (top.labels[:, 12:] == -1).all()
    assert (top.scores[:, 12:] == -np.inf).all()


def test_filtered_pairs_are_never_predicted(
    data: XmcDataset, make_child: Callable[..., ChildNetwork]
) -> None:
    split = data.validation
    child = make_child(data)
    plain = predict_top_k(child, split, 12, device="cpu")
    barred = label_matrix(plain.labels[:, :2].tolist(), data.n_labels)  # the best two of each
    top = predict_top_k(child, replace(split, filters=barred), 12, device="cpu", batch_size=9)
    np.testing.assert_array_equal(top.labels[:, :10], plain.labels[:, 2:])
    assert (top.labels[:, 10:] == -1).all()


def test_no_documents_give_no_rows(
    data: XmcDataset, make_child: Callable[..., ChildNetwork]
) -> None:
    top = predict_top_k(make_child(data), data.validation.select([]), 3, device="cpu")
    assert top.labels.shape == top.scores.shape == (0, 3)


def test_the_mode_of_the_child_is_left_as_it_was(
    data: XmcDataset, make_child: Callable[..., ChildNetwork]
) -> None:
    for is_training in (True, False):
        child = make_child(data).train(is_training)
        predict_top_k(child, data.validation, 3, device="cpu")
        assert child.training is is_training


def test_bfloat16_does_not_make_ties(
    data: XmcDataset, make_child: Callable[..., ChildNetwork]
) -> None:
    top = predict_top_k(make_child(data), data.validation, 12, device="cpu", precision="bfloat16")
    assert top.scores.dtype == np.float32
    n_ties = (np.diff(top.scores) == 0).sum()
    assert n_ties == 0


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_scores_that_are_not_a_number_are_refused(
    data: XmcDataset, make_child: Callable[..., ChildNetwork], sign: float
) -> None:
    child = make_child(data)
    with torch.no_grad():
        next(iter(child.head.parameters())).fill_(math.copysign(math.nan, sign))
    with pytest.raises(NonFiniteLossError, match="not a number"):
        predict_top_k(child, data.validation, 3, device="cpu")


@pytest.mark.parametrize(("k", "batch_size"), [(0, 8), (3, 0)])
def test_impossible_sizes_are_refused(
    data: XmcDataset, make_child: Callable[..., ChildNetwork], k: int, batch_size: int
) -> None:
    with pytest.raises(ValueError, match="must be at least 1; got 0"):
        predict_top_k(make_child(data), data.validation, k, batch_size=batch_size, device="cpu")


@pytest.mark.parametrize("batch_size", [1, 16])
def test_several_children_rank_by_the_sum_of_their_probabilities(
    data: XmcDataset, make_child: Callable[..., ChildNetwork], batch_size: int
) -> None:
    children = [
        make_child(data, "bilstm", seed=0, attention="label"),
        make_child(data, "conv3", seed=1, label_chunk=3),
        make_child(data, seed=2),
    ]
    split = data.validation
    top = predict_top_k(children, split, 5, device="cpu", batch_size=batch_size)
    alone = [predict_top_k(child, split, 12, device="cpu") for child in children]
    sums = np.zeros((len(split), 12))
    for one in alone:  # slow and obvious
        np.put_along_axis(
            sums,
            one.labels,
            np.take_along_axis(sums, one.labels, 1) + 1 / (1 + np.exp(-one.scores.astype(float))),
            1,
        )
    best = np.argsort(-sums, axis=1)[:, :5]
    shares = np.take_along_axis(sums, best, 1) / 3
    np.testing.assert_array_equal(top.labels, best)
    np.testing.assert_allclose(top.scores, np.log(shares / (1 - shares)), rtol=0, atol=1e-5)


def test_one_child_in_a_list_is_that_child(
    data: XmcDataset, make_child: Callable[..., ChildNetwork]
) -> None:
    child = make_child(data)
    alone = predict_top_k(child, data.validation, 5, device="cpu")
    listed = predict_top_k([child], data.validation, 5, device="cpu")
    np.testing.assert_array_equal(listed.labels, alone.labels)
    np.testing.assert_array_equal(listed.scores, alone.scores)


def test_several_children_bar_filtered_pairs_and_keep_their_modes(
    data: XmcDataset, make_child: Callable[..., ChildNetwork]
) -> None:
    children = [make_child(data, seed=seed).train(seed == 1) for seed in range(2)]
    split = data.validation
    plain = predict_top_k(children, split, 12, device="cpu")
    barred = label_matrix(plain.labels[:, :2].tolist(), data.n_labels)
    top = predict_top_k(children, replace(split, filters=barred), 12, device="cpu")
    np.testing.assert_array_equal(top.labels[:, :10], plain.labels[:, 2:])
    assert [child.training for child in children] == [False, True]


def test_children_that_do_not_go_together_are_refused(
    data: XmcDataset, make_child: Callable[..., ChildNetwork]
) -> None:
    wider = ChildNetwork(make_child(data).genome, data.vectors, 13, make_child(data).config)
    with pytest.raises(ValueError, match=r"the same labels; they score \[12, 13\]"):
        predict_top_k([make_child(data), wider], data.validation, 3, device="cpu")
    with pytest.raises(ValueError, match="there is no child to predict with"):
        predict_top_k([], data.validation, 3, device="cpu")
