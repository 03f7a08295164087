"""Binary cross-entropy over all labels, from sparse targets and label chunk by label chunk.

Letters: B documents, L labels, c labels of a chunk, P positive (document, label) pairs.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any
from typing import TYPE_CHECKING

import torch
from torch import Tensor
import torch.nn.functional as F


if TYPE_CHECKING:
    from optuna_xmcnas.child import Head
    from optuna_xmcnas.training.batches import SparseTargets


def binary_cross_entropy(logits: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Return the binary cross-entropy with logits, summed; the targets are 1 at some pairs.

    It is the sum of softplus over all logits minus the positive logits (Renee, algorithm 1), and
    its gradient sigmoid, minus 1 at the positives: no dense target is made.

    Args:
        logits: Shape (B, c).
        rows: Row of each positive pair, shape (P,), int64.
        columns: Its column; no pair occurs twice.

    Example:
        >>> zero = torch.zeros(1)
        >>> logits = torch.tensor([[0.0, 0.0]])
        >>> binary_cross_entropy(logits, torch.tensor([0]), torch.tensor([1]))  # 2 ln 2
        tensor(1.3863)
    """
    loss: Tensor = _BinaryCrossEntropy.apply(logits, rows, columns)  # type: ignore[no-untyped-call]
    return loss


def backpropagate(
    head: Head,
    prepared: tuple[Tensor, ...],
    targets: SparseTargets,
    precision: AbstractContextManager[object],
    *,
    n_documents: int | None = None,
) -> Tensor:
    """Add the gradient of the mean loss over documents x labels and return that loss, detached.

    Each chunk of labels is scored and sent backwards before the next one is touched, so one chunk
    is in memory at a time, whatever the number of labels, and nothing is computed twice; on the
    CPU some documents at a time, so that their scores do not even leave the cache. What the
    chunks have in common (``prepared``, and behind it the encoder) is sent backwards once, after
    the last chunk.

    Args:
        head: The head of the child, which scores label ranges.
        prepared: What ``head.prepare`` returned, with its graph.
        targets: The labels of the batch.
        precision: The autocast context of the forward pass.
        n_documents: Documents over which the mean is taken, where these are a part of them;
            None: these are all.
    """
    leaves = tuple(_leaf(tensor) for tensor in prepared)
    chunks = list(head.chunks())
    n_labels = sum(stop - start for start, stop in chunks)
    blocks = head.blocks(prepared)
    n_documents = n_documents or blocks.ranges[-1][1]

    def send_back(part: tuple[Tensor, ...], own: SparseTargets, start: int, stop: int) -> Tensor:
        with precision:  # what is made here is gone when it returns
            logits = head.score(part, start, stop)  # (B, c)
        loss = binary_cross_entropy(logits, *own.within(start, stop))
        loss = loss / (n_documents * n_labels)
        torch.autograd.backward(loss)
        return loss.detach()

    losses = []
    for first, last in blocks.ranges:
        part, own = leaves, targets
        if len(blocks.ranges) > 1:
            rows = [_rows(leaf, first, last) for leaf in leaves[: blocks.n_tensors]]
            part = (*rows, *leaves[blocks.n_tensors :])
            own = targets.of_documents(first, last)
        losses += [send_back(part, own, start, stop) for start, stop in chunks]
    shared = [
        (tensor, leaf.grad.to(tensor.dtype))
        for tensor, leaf in zip(prepared, leaves, strict=True)
        if leaf is not tensor and leaf.grad is not None
    ]
    torch.autograd.backward([t for t, _ in shared], [gradient for _, gradient in shared])
    return torch.stack(losses).sum()


def _leaf(tensor: Tensor) -> Tensor:
    """Return what collects the gradient of a tensor: itself if it is a parameter, else a copy.

    The copy is at least float32: in bfloat16 a sum over many chunks stops growing once a term is
    less than 1/256 of it.
    """
    if tensor.is_leaf:
        return tensor
    return _widened(tensor.detach()).requires_grad_(tensor.requires_grad)


def _rows(leaf: Tensor, first: int, last: int) -> Tensor:
    """Return some rows of a leaf as a leaf whose gradient is added to the same rows of its own."""
    rows = leaf.detach()[first:last].requires_grad_(leaf.requires_grad)
    if leaf.requires_grad:
        if leaf.grad is None:
            leaf.grad = torch.zeros_like(leaf)
        rows.grad = leaf.grad[first:last]
    return rows


def _widened(logits: Tensor) -> Tensor:
    """Return at least float32: sums over bfloat16 would lose most of their digits."""
    return logits.to(torch.promote_types(logits.dtype, torch.float32))


class _BinaryCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        ctx.save_for_backward(logits, rows, columns)
        scores = _widened(logits)
        return F.softplus(scores).sum() - scores[rows, columns].sum()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        logits, rows, columns = ctx.saved_tensors
        difference = _widened(logits).sigmoid()  # (B, c): predicted minus true
        difference[rows, columns] -= 1
        return difference.mul_(gradient).to(logits.dtype), None, None
