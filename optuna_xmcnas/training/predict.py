"""The best labels of every document, found without a documents x labels array.

Equal scores rank by the lower label number, whatever the batch, the chunk and the device: a
logit and its label become one whole number whose order is the order of the list. Sorted are the
logits: probabilities saturate and so make ties that are not there.

Letters: N documents, B of a batch, L labels, c labels of a chunk, k places.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch import Tensor

from optuna_xmcnas.exceptions import NonFiniteLossError
from optuna_xmcnas.training.batches import load_batches
from optuna_xmcnas.training.batches import load_targets
from optuna_xmcnas.training.batches import prediction_order
from optuna_xmcnas.training.batches import SparseTargets
from optuna_xmcnas.training.device import autocast
from optuna_xmcnas.training.device import resolve_device
from optuna_xmcnas.training.ensemble import logit_of_mean


if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from optuna_xmcnas.child import ChildNetwork
    from optuna_xmcnas.data import TokenSplit
    from optuna_xmcnas.training.batches import Batch


_LABEL_BITS = 32
_LABEL_MASK = 2**_LABEL_BITS - 1
_MAGNITUDE = 0x7FFFFFFF  # all bits of a float32 but its sign
_WORST = -(2**63)  # below the key of every logit


@dataclass(frozen=True, eq=False)
class TopK:
    """The best labels of each document, best first.

    Attributes:
        labels: Label numbers, shape (N, k), int64; -1 where there are fewer labels than places.
        scores: Their logits, shape (N, k), float32; minus infinity where there is no label.
    """

    labels: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float32]


def predict_top_k(
    child: ChildNetwork | Sequence[ChildNetwork],
    split: TokenSplit,
    k: int,
    *,
    batch_size: int = 128,
    device: str = "auto",
    precision: str = "auto",
) -> TopK:
    """Return the ``k`` best labels of every document of a split, in the order of the split.

    Args:
        child: The network; it is moved to the device and left in the mode it was in. Several are
            an ensemble, and a label's score the logit of the mean of their probabilities, so the
            order is that of the sum; all of them are in the memory of the device.
        split: The documents. Pairs in ``split.filters`` are never predicted.
        k: Places.
        batch_size: Documents scored together; changes time and memory, and the answer by no more
            than the last bits of a float32.
        device: As in `TrainingConfig`.
        precision: As in `TrainingConfig`, for the encoder. Labels are scored in float32, so
            that rounding makes no ties.

    Raises:
        NonFiniteLossError: If a score is not a number: such scores have no order.
        ValueError: If a size is impossible, there is no child, or two score other labels.
    """
    children = (child,) if isinstance(child, nn.Module) else tuple(child)
    _check(children)
    for name, value in (("k", k), ("batch_size", batch_size)):
        if value < 1:
            raise ValueError(f"`{name}` must be at least 1; got {value}.")
    place = resolve_device(device)
    for member in children:
        member.to(place)
    with _in_evaluation(children), torch.no_grad():
        return _predict(children, split, k, batch_size, place, precision)


def merge_top_k(best: Tensor, logits: Tensor, start: int) -> Tensor:
    """Return the keys of the best places so far, after one more chunk of labels.

    Args:
        best: Keys found so far, falling, shape (B, k); see `no_labels`.
        logits: Scores of the chunk, shape (B, c), float32.
        start: Number of the first label of the chunk.

    Example:
        >>> keys = merge_top_k(no_labels(1, 2), torch.tensor([[0.5, 2.0]]), 0)
        >>> keys = merge_top_k(keys, torch.tensor([[2.0, 3.0]]), 2)
        >>> labels_and_scores(keys)
        (tensor([[3, 1]]), tensor([[3., 2.]]))
    """
    k = best.shape[1]
    n_labels = logits.shape[1]
    values, columns = logits.topk(min(k, n_labels), dim=1)
    threshold = values[:, -1:]  # (B, 1): whatever is above it is in the list
    above = _keys(values, columns + start).masked_fill(values <= threshold, _WORST)
    # of the labels that equal it, `topk` took any; the list takes those with the lowest numbers
    reverse = torch.arange(n_labels - 1, -1, -1, dtype=torch.int32, device=logits.device)  # (c,)
    ties = torch.where(logits == threshold, reverse, -1).topk(values.shape[1], dim=1).values
    equal = _keys(threshold, start + n_labels - 1 - ties).masked_fill(ties < 0, _WORST)
    return torch.cat([best, above, equal], dim=1).topk(k, dim=1).values  # (B, k)


def no_labels(n_documents: int, k: int, device: torch.device | None = None) -> Tensor:
    """Return the keys of empty places: below every label."""
    return torch.full((n_documents, k), _WORST, dtype=torch.int64, device=device)


def labels_and_scores(keys: Tensor) -> tuple[Tensor, Tensor]:
    """Return the labels (-1 where there is none) and the logits behind keys, shapes (B, k)."""
    ordered = (keys >> _LABEL_BITS).to(torch.int32)
    scores = (ordered ^ (ordered >> 31 & _MAGNITUDE)).view(torch.float32)
    is_empty = (keys == _WORST) | (scores == -torch.inf)
    labels = (_LABEL_MASK - (keys & _LABEL_MASK)).masked_fill(is_empty, -1)
    return labels, scores.masked_fill(is_empty, -torch.inf)


def _keys(logits: Tensor, labels: Tensor) -> Tensor:
    """Return whole numbers in the order "higher logit, then lower label".

    The bits of a float32, read as an int32, rise with its value; those of a negative one fall,
    unless all but the sign are flipped. They become the upper half, the reversed label the lower.
    """
    bits = (logits + 0.0).view(torch.int32)  # + 0.0: minus zero becomes zero
    ordered: Tensor = (bits ^ (bits >> 31 & _MAGNITUDE)).to(torch.int64)
    keys: Tensor = (ordered << _LABEL_BITS) | (_LABEL_MASK - labels.to(torch.int64))
    return keys


def _check(children: Sequence[ChildNetwork]) -> None:
    if not children:
        raise ValueError("there is no child to predict with; give one or several.")
    if len(sizes := {child.n_labels for child in children}) > 1:
        raise ValueError(f"all children must score the same labels; they score {sorted(sizes)}.")


@contextmanager
def _in_evaluation(children: Sequence[ChildNetwork]) -> Iterator[None]:
    """Set children to evaluation mode, and then back to the mode they were in."""
    modes = [child.training for child in children]
    try:
        for child in children:
            child.eval()
        yield
    finally:
        for child, mode in zip(children, modes, strict=True):
            child.train(mode)


def _predict(
    children: Sequence[ChildNetwork],
    split: TokenSplit,
    k: int,
    batch_size: int,
    device: torch.device,
    precision: str,
) -> TopK:
    order = prediction_order(split.lengths, batch_size)
    found = [no_labels(0, k, device)]
    highest = torch.full((), -torch.inf, device=device)
    for batch in load_batches(split, order, device):
        barred = None
        if split.filters is not None:
            barred = load_targets(split.filters, batch.documents, device)
        keys, peak = _rank(children, batch, barred, k, autocast(device, precision))
        found.append(keys)
        highest = torch.maximum(highest, peak)
    labels, scores = labels_and_scores(torch.cat(found))  # (N, k), in the order of the batches
    if highest.isnan().item():
        raise NonFiniteLossError("the child gives scores that are not a number.")
    documents = np.concatenate([np.zeros(0, np.int64), *order])
    top = TopK(np.empty((len(split), k), np.int64), np.empty((len(split), k), np.float32))
    top.labels[documents] = labels.cpu().numpy()
    top.scores[documents] = scores.cpu().numpy()
    return top


def _rank(
    children: Sequence[ChildNetwork],
    batch: Batch,
    barred: SparseTargets | None,
    k: int,
    context: torch.autocast,
) -> tuple[Tensor, Tensor]:
    """Return the keys of the best labels, (B, k), and the highest logit: NaN if one is NaN."""
    prepared = [_prepared(child, batch, context) for child in children]
    device = batch.tokens.device
    best = no_labels(len(batch.documents), k, device)
    highest = torch.full((), -torch.inf, device=device)
    for start, stop in children[0].head.chunks():
        logits = logit_of_mean(  # (B, c), float32
            [c.head.score(p, start, stop) for c, p in zip(children, prepared, strict=True)]
        )
        highest = torch.maximum(highest, logits.amax())
        if barred is not None:
            logits[barred.within(start, stop)] = -torch.inf
        best = merge_top_k(best, logits, start)
    return best, highest


def _prepared(child: ChildNetwork, batch: Batch, context: torch.autocast) -> tuple[Tensor, ...]:
    """Return what the head of a child needs of a batch to score labels in float32."""
    with context:
        hidden = child.encode(batch.tokens, batch.lengths)  # (B, T, W)
        prepared = child.head.prepare(hidden, child.padding(batch.lengths))
    return tuple(t.float() if t.is_floating_point() else t for t in prepared)
