"""From a split to padded batches of documents of similar length.

Letters: N documents of the split, B of a batch, T tokens of the longest in it, P positive
(document, label) pairs of a batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor


if TYPE_CHECKING:
    import numpy.typing as npt
    from scipy.sparse import csr_array

    from optuna_xmcnas.data import TokenSplit


_POOL = 32  # batches sorted by length together: little padding, yet mixed batches (ours)


@dataclass(frozen=True, eq=False)
class SparseTargets:
    """The positive pairs of a batch, in the order of their labels.

    Attributes:
        rows: Place of the document in the batch, shape (P,), int64, on the device.
        labels: Label number, shape (P,), int64, ascending, on the device.
        host_labels: The same numbers on the host, where label ranges are looked up.
    """

    rows: Tensor
    labels: Tensor
    host_labels: npt.NDArray[np.int64]

    def within(self, start: int, stop: int) -> tuple[Tensor, Tensor]:
        """Return rows and columns of the pairs in the logits of labels ``start`` to ``stop - 1``.

        The range is looked up on the host, so a GPU is not waited for.

        Example:
            >>> labels = np.array([1, 4, 6])
            >>> targets = SparseTargets(
            ...     torch.tensor([0, 2, 0]), torch.from_numpy(labels), labels
            ... )
            >>> targets.within(4, 8)
            (tensor([2, 0]), tensor([0, 2]))
        """
        first, last = np.searchsorted(self.host_labels, (start, stop)).tolist()
        return self.rows[first:last], self.labels[first:last] - start

    def of_documents(self, first: int, last: int) -> SparseTargets:
        """Return those of documents ``first`` to ``last - 1``, which are numbered from 0 then.

        A GPU is waited for.

        Example:
            >>> labels = np.array([1, 4, 6])
            >>> targets = SparseTargets(
            ...     torch.tensor([0, 2, 1]), torch.from_numpy(labels), labels
            ... )
            >>> targets.of_documents(1, 3)
            SparseTargets(rows=tensor([1, 0]), labels=tensor([4, 6]), host_labels=array([4, 6]))
        """
        is_one = (self.rows >= first) & (self.rows < last)
        return SparseTargets(
            rows=self.rows[is_one] - first,
            labels=self.labels[is_one],
            host_labels=self.host_labels[is_one.cpu().numpy()],
        )


@dataclass(frozen=True, eq=False)
class Batch:
    """Some documents of a split, padded to the longest of them.

    Attributes:
        documents: Their row numbers in the split, shape (B,).
        tokens: Word numbers, 0 where padded, shape (B, T), int64, on the device.
        lengths: Number of tokens, shape (B,), int64, on the host: nothing has to wait for it.
        targets: The labels.
    """

    documents: npt.NDArray[np.int64]
    tokens: Tensor
    lengths: Tensor
    targets: SparseTargets


def training_order(
    lengths: npt.NDArray[np.int64], batch_size: int, *, seed: int, epoch: int
) -> list[npt.NDArray[np.int64]]:
    """Return the documents of each batch of one epoch, shuffled, similar lengths together.

    All documents are shuffled and cut into pools of 32 batches; each pool is sorted by length
    and cut into batches, and the batches of all pools are shuffled. The order depends on the
    lengths, the batch size, the seed and the epoch, and on nothing else.

    Example:
        >>> lengths = np.array([9, 2, 8, 1])
        >>> batches = training_order(lengths, 2, seed=0, epoch=1)
        >>> sorted(sorted(batch.tolist()) for batch in batches)
        [[0, 2], [1, 3]]
    """
    rng = np.random.default_rng((seed, epoch))
    shuffled = rng.permutation(len(lengths))
    batches: list[npt.NDArray[np.int64]] = []
    for start in range(0, len(shuffled), _POOL * batch_size):
        pool = shuffled[start : start + _POOL * batch_size]
        batches.extend(_cut(pool[np.argsort(lengths[pool], kind="stable")], batch_size))
    return [batches[i] for i in rng.permutation(len(batches)).tolist()]


def prediction_order(
    lengths: npt.NDArray[np.int64], batch_size: int
) -> list[npt.NDArray[np.int64]]:
    """Return the documents of each batch with the least padding, the longest first.

    What does not fit into memory therefore fails at once.

    Example:
        >>> prediction_order(np.array([9, 2, 8, 1]), 2)
        [array([0, 2]), array([1, 3])]
    """
    return _cut(np.argsort(-lengths, kind="stable"), batch_size)


def load_batches(
    split: TokenSplit, order: list[npt.NDArray[np.int64]], device: torch.device
) -> Iterator[Batch]:
    """Yield the batches of ``order``; on CUDA they are copied while the device computes.

    Args:
        split: The documents.
        order: The row numbers of each batch.
        device: Where tokens and targets go.
    """
    for documents in order:
        tokens, lengths = _pad(split, documents)
        yield Batch(
            documents=documents,
            tokens=_to_device(tokens, device),
            lengths=_on_host(lengths, device),
            targets=load_targets(split.labels, documents, device),
        )


def load_targets(
    matrix: csr_array[np.float32], documents: npt.NDArray[np.int64], device: torch.device
) -> SparseTargets:
    """Return the ones of these rows of a sparse matrix, in the order of their columns.

    Example:
        >>> from optuna_xmcnas.data import label_matrix
        >>> matrix = label_matrix([[0, 2], [], [1]], n_labels=3)
        >>> targets = load_targets(matrix, np.array([2, 0]), torch.device("cpu"))
        >>> targets.rows, targets.labels
        (tensor([1, 0, 1]), tensor([0, 1, 2]))
    """
    starts = matrix.indptr[documents].astype(np.int64)
    counts = matrix.indptr[documents + 1] - starts
    rows = np.repeat(np.arange(len(documents)), counts)  # (P,)
    before = np.cumsum(counts) - counts
    labels = matrix.indices[np.arange(len(rows)) + (starts - before)[rows]].astype(np.int64)
    ascending = np.argsort(labels, kind="stable")
    labels = labels[ascending]
    return SparseTargets(
        rows=_to_device(rows[ascending], device),
        labels=_to_device(labels, device),
        host_labels=labels,
    )


def _pad(
    split: TokenSplit, documents: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    starts = split.offsets[documents]
    lengths = split.offsets[documents + 1] - starts
    steps = np.arange(lengths.max(initial=0))  # (T,)
    places = np.minimum(starts[:, None] + steps, len(split.tokens) - 1)  # (B, T)
    tokens = split.tokens[places].astype(np.int64)
    tokens[steps >= lengths[:, None]] = 0
    return tokens, lengths


def _to_device(array: npt.NDArray[np.int64], device: torch.device) -> Tensor:
    return _on_host(array, device).to(device, non_blocking=True)


def _on_host(array: npt.NDArray[np.int64], device: torch.device) -> Tensor:
    """Return a tensor that a CUDA device can copy while the host goes on."""
    tensor = torch.from_numpy(array)
    return tensor.pin_memory() if device.type == "cuda" else tensor


def _cut(documents: npt.NDArray[np.int64], size: int) -> list[npt.NDArray[np.int64]]:
    return [documents[start : start + size] for start in range(0, len(documents), size)]
