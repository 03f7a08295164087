from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch

from optuna_xmcnas.data import label_matrix
from optuna_xmcnas.data import TokenSplit
from optuna_xmcnas.training import load_batches
from optuna_xmcnas.training import prediction_order
from optuna_xmcnas.training import training_order


CPU = torch.device("cpu")


def _split(n_documents: int, n_labels: int = 7, seed: int = 0) -> TokenSplit:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 20, n_documents)
    labels = [
        rng.choice(n_labels, size=rng.integers(0, 4), replace=False).tolist()
        for _ in range(n_documents)
    ]
    return TokenSplit(
        tokens=rng.integers(1, 99, lengths.sum()).astype(np.int32),
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        labels=label_matrix(labels, n_labels),
    )


def _joined(order: list[npt.NDArray[np.int64]]) -> list[int]:
    joined: list[int] = np.concatenate(order).tolist()
    return joined


def test_batches_hold_the_documents_and_their_labels() -> None:
    split = _split(23)
    dense = split.labels.toarray()
    order = training_order(split.lengths, 5, seed=0, epoch=1)
    for batch in load_batches(split, order, CPU):
        scattered = np.zeros((len(batch.documents), 7), np.float32)
        scattered[batch.targets.rows.numpy(), batch.targets.labels.numpy()] = 1
        np.testing.assert_array_equal(scattered, dense[batch.documents])
        assert batch.tokens.shape[1] == batch.lengths.max()
        for place, document in enumerate(batch.documents):  # slow and obvious
            expected = split.tokens[split.offsets[document] : split.offsets[document + 1]]
            row = batch.tokens[place].numpy()
            assert row[: batch.lengths[place]].tolist() == expected.tolist()
            assert not row[batch.lengths[place] :].any()


@pytest.mark.parametrize("bounds", [(0, 7), (0, 1), (2, 5), (6, 7)])
def test_targets_are_cut_by_label_ranges(bounds: tuple[int, int]) -> None:
    split = _split(12)
    start, stop = bounds
    (batch,) = load_batches(split, [np.arange(12)], CPU)
    rows, columns = batch.targets.within(start, stop)
    block = np.zeros((12, stop - start), np.float32)
    block[rows.numpy(), columns.numpy()] = 1
    np.testing.assert_array_equal(block, split.labels.toarray()[:, start:stop])


def test_a_batch_of_one_without_labels() -> None:
    split = TokenSplit(
        np.array([4, 5, 6], np.int32), np.array([0, 2, 3]), label_matrix([[1], []], n_labels=2)
    )
    (batch,) = load_batches(split, [np.array([1])], CPU)
    assert batch.tokens.tolist() == [[6]]
    assert batch.targets.labels.tolist() == []
    assert batch.targets.within(0, 2)[0].tolist() == []


@pytest.mark.parametrize("n_documents", [1, 4, 5, 23, 400])
def test_an_epoch_holds_every_document_once(n_documents: int) -> None:
    lengths = _split(n_documents).lengths
    for order in (
        training_order(lengths, 5, seed=0, epoch=1),
        prediction_order(lengths, 5),
    ):
        assert sorted(_joined(order)) == list(range(n_documents))
        assert all(1 <= len(documents) <= 5 for documents in order)
        assert len(order) == -(-n_documents // 5)


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    lengths = _split(50).lengths
    first = _joined(training_order(lengths, 5, seed=3, epoch=2))
    np.random.default_rng(9).random(100)
    assert _joined(training_order(lengths, 5, seed=3, epoch=2)) == first
    assert _joined(training_order(lengths, 5, seed=3, epoch=3)) != first
    assert _joined(training_order(lengths, 5, seed=4, epoch=2)) != first


def test_similar_lengths_share_a_batch() -> None:
    lengths = np.random.default_rng(0).integers(1, 100, 4_000)
    order = training_order(lengths, 40, seed=0, epoch=1)
    padded = sum(len(documents) * lengths[documents].max() for documents in order)
    assert padded < 1.05 * lengths.sum()


def test_batches_do_not_come_in_the_order_of_their_lengths() -> None:
    lengths = np.random.default_rng(0).integers(1, 100, 4_000)
    longest = [int(lengths[d].max()) for d in training_order(lengths, 40, seed=0, epoch=1)]
    correlation = np.corrcoef(longest, np.arange(len(longest)))[0, 1]
    assert abs(correlation) < 0.3


def test_prediction_begins_with_the_longest() -> None:
    lengths = np.array([3, 9, 1, 9])
    assert [d.tolist() for d in prediction_order(lengths, 3)] == [[1, 3, 0], [2]]
