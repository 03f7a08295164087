"""From the states of the tokens to the scores of the labels, some labels at a time.

Letters: B texts, T tokens, W width of a token's state, F first fully connected width, L labels,
c labels of a chunk.
"""

from __future__ import annotations

import abc
from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
import itertools
import math
from typing import final
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch import Tensor
import torch.nn.functional as F

from optuna_xmcnas.child.attention import DynamicMaxPooling
from optuna_xmcnas.child.attention import label_attention
from optuna_xmcnas.child.attention import padding_bias
from optuna_xmcnas.child.attention import SelfAttention


if TYPE_CHECKING:
    from optuna_xmcnas.child.config import ChildConfig


_LABELS_PER_TEXT = 5  # EURLex-4K 5.3, AmazonCat-13K 5.0, Wiki10-31K 18.6
_LARGEST_SHARE = 0.2  # where there are few labels, each is still true of fewer texts than not


@dataclass(frozen=True)
class Blocks:
    """Ranges of texts that are scored one after another.

    Attributes:
        n_tensors: That many of what `Head.prepare` returned, the first, have a row per text.
        ranges: First text and the one after the last, in order; together all texts.
    """

    n_tensors: int
    ranges: list[tuple[int, int]]


class Head(nn.Module, abc.ABC):
    """Scores labels. What all labels share is prepared once per batch.

    Training sends one chunk of labels backwards before it scores the next::

        prepared = head.prepare(hidden, padding)
        leaves = tuple(t.detach().requires_grad_(t.requires_grad) for t in prepared)
        for start, stop in head.chunks():
            loss(head.score(leaves, start, stop)).backward()
        torch.autograd.backward(...)  # `prepared`, with the gradients of `leaves`

    so no more than one chunk is ever in memory and nothing is computed twice. Where the scores of
    all chunks are needed before the loss, wrap `score` in `torch.utils.checkpoint`, as
    `ChildNetwork.forward` does.
    """

    chunk: int  # labels in all ranges of `chunks` but the last

    @abc.abstractmethod
    def prepare(self, hidden: Tensor, padding: Tensor) -> tuple[Tensor, ...]:
        """Return what `score` needs of a batch, with its graph.

        The parameters that labels own are among it, cut into chunks: through them their gradient
        is put together once, not once for each chunk.

        Args:
            hidden: States of the tokens, shape (B, T, W).
            padding: Shape (B, T); True where padded.
        """

    @abc.abstractmethod
    def score(self, prepared: tuple[Tensor, ...], start: int, stop: int) -> Tensor:
        """Return the logits of labels ``start`` to ``stop - 1``, shape (B, stop - start).

        Args:
            prepared: What `prepare` returned, or copies of it.
            start: First label.
            stop: The one after the last label; any range works, one of `chunks` is the fastest.
        """

    @abc.abstractmethod
    def chunks(self) -> Iterable[tuple[int, int]]:
        """Return the label ranges (start, stop) that cover all labels in order."""

    @abc.abstractmethod
    def blocks(self, prepared: tuple[Tensor, ...]) -> Blocks:
        """Return how the texts are best divided while their scores are sent backwards.

        Args:
            prepared: What `prepare` returned.
        """


@final
class LabelAttentionHead(Head):
    """A query per label, then one small network shared by all labels (AttentionXML).

    The first layer of that network is applied to the tokens before attention: nothing but a mean
    with weights that sum to 1 lies between, so the scores are the same, and no tensor of shape
    (B, L, W) is made.

    Args:
        width: W.
        n_labels: L.
        config: Widths of the shared network, and how many labels make a chunk.
    """

    _BLOCK = 2048  # tokens whose scores for a chunk of labels stay in a CPU's cache (4 MB)

    def __init__(self, width: int, n_labels: int, config: ChildConfig) -> None:
        super().__init__()
        self.n_labels = n_labels
        self.chunk = config.label_chunk
        self.queries = nn.Parameter(torch.empty(n_labels, width))
        nn.init.xavier_uniform_(self.queries)
        self.layers = _layers(width, *config.fully_connected, 1)
        nn.init.constant_(self.layers[-1].get_parameter("bias"), prior_logit(n_labels))

    def prepare(self, hidden: Tensor, padding: Tensor) -> tuple[Tensor, ...]:
        """See `Head.prepare`."""
        values = self.layers[0](hidden)  # (B, T, F)
        return (hidden, values, padding_bias(padding), *torch.split(self.queries, self.chunk))

    def score(self, prepared: tuple[Tensor, ...], start: int, stop: int) -> Tensor:
        """See `Head.score`."""
        keys, values, bias, *queries = prepared
        summaries = label_attention(keys, values, rows(queries, start, stop), bias)  # (B, c, F)
        for layer in self.layers[1:]:
            summaries = layer(F.relu(summaries, inplace=True))
        return summaries.squeeze(2)  # (B, c, 1) -> (B, c)

    def chunks(self) -> Iterable[tuple[int, int]]:
        """See `Head.chunks`."""
        return label_ranges(self.n_labels, self.chunk)

    def blocks(self, prepared: tuple[Tensor, ...]) -> Blocks:
        """See `Head.blocks`."""
        n_texts, n_tokens, _ = prepared[0].shape
        n_blocks = 1
        if prepared[0].device.type == "cpu":
            n_blocks = min(-(-n_texts * n_tokens // self._BLOCK), n_texts)
        return Blocks(3, label_ranges(n_texts, -(-n_texts // n_blocks)))


@final
class SummaryHead(Head):
    """A few summaries of the text, fully connected layers, and an ordinary output layer.

    The summaries are those of a self attention, or maxima over parts of the text.

    Args:
        width: W.
        n_labels: L.
        config: Which summaries, how many, and the widths of the layers.
    """

    _SPAN = 16  # a label takes B numbers here, not B (T + F), so a chunk may hold more of them

    def __init__(self, width: int, n_labels: int, config: ChildConfig) -> None:
        super().__init__()
        self.n_labels = n_labels
        self.chunk = self._SPAN * config.label_chunk
        self.attention: SelfAttention | DynamicMaxPooling = (
            DynamicMaxPooling(config.n_queries)
            if config.attention == "maxpool"
            else SelfAttention(width, config.hidden, config.n_queries)
        )
        self.layers = _layers(config.n_queries * width, *config.fully_connected)
        self.output = _linear((config.n_queries * width, *config.fully_connected)[-1], n_labels)
        nn.init.constant_(self.output.bias, prior_logit(n_labels))

    def prepare(self, hidden: Tensor, padding: Tensor) -> tuple[Tensor, ...]:
        """See `Head.prepare`."""
        features: Tensor = self.attention(hidden, padding)  # (B, R W)
        for layer in self.layers:
            features = F.relu(layer(features), inplace=True)
        output = self.output
        return (
            features,
            *torch.split(output.weight, self.chunk),
            *torch.split(output.bias, self.chunk),
        )

    def score(self, prepared: tuple[Tensor, ...], start: int, stop: int) -> Tensor:
        """See `Head.score`."""
        features, *parameters = prepared
        n_chunks = len(parameters) // 2
        weight = rows(parameters[:n_chunks], start, stop)  # (c, F)
        return F.linear(features, weight, rows(parameters[n_chunks:], start, stop))  # (B, c)

    def chunks(self) -> Iterable[tuple[int, int]]:
        """See `Head.chunks`."""
        return label_ranges(self.n_labels, self.chunk)

    def blocks(self, prepared: tuple[Tensor, ...]) -> Blocks:
        """See `Head.blocks`."""
        return Blocks(1, [(0, prepared[0].shape[0])])


def make_head(width: int, n_labels: int, config: ChildConfig) -> Head:
    """Return the head whose attention the configuration names."""
    head = LabelAttentionHead if config.attention == "label" else SummaryHead
    return head(width, n_labels, config)


def label_ranges(n_labels: int, size: int) -> list[tuple[int, int]]:
    """Return ranges of at most ``size`` labels.

    Example:
        >>> label_ranges(5, 2)
        [(0, 2), (2, 4), (4, 5)]
    """
    return [(start, min(start + size, n_labels)) for start in range(0, n_labels, size)]


def rows(chunks: Sequence[Tensor], start: int, stop: int) -> Tensor:
    """Return rows ``start`` to ``stop - 1`` of a tensor that was split along its first dimension.

    Args:
        chunks: All of the same length, but the last, which may be shorter.
        start: First row.
        stop: The one after the last row.

    Example:
        >>> rows(torch.arange(5).split(2), 1, 3)
        tensor([1, 2])
    """
    size = len(chunks[0])
    first, last = start // size, (stop - 1) // size
    whole = chunks[first] if first == last else torch.cat(list(chunks[first : last + 1]))
    start, stop = start - first * size, stop - first * size
    return whole if (start, stop) == (0, len(whole)) else whole[start:stop]


def prior_logit(n_labels: int) -> float:
    """Return the logit that labels begin with: as if each text had 5, at most a fifth (ours).

    AttentionXML begins at 0, every label half true, and spends the first epochs learning that
    labels are rare. On 6,000 texts and 4,271 labels of EURLEX57K, P@5 after three epochs was
    0.07 (begun at 0), 0.30 (as if 1 label per text), 0.335 (5), 0.34 (10) with self attention.

    Example:
        >>> round(prior_logit(10_000), 2)
        -7.6
    """
    share = min(_LABELS_PER_TEXT / n_labels, _LARGEST_SHARE)
    return math.log(share / (1 - share))


def _layers(*widths: int) -> nn.ModuleList:
    return nn.ModuleList(itertools.starmap(_linear, itertools.pairwise(widths)))


def _linear(in_width: int, out_width: int) -> nn.Linear:
    """Return a linear layer with Xavier weights (AttentionXML) and zero bias."""
    layer = nn.Linear(in_width, out_width)
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
