"""How the outputs of all nodes become one sequence.

Letters: B texts, T tokens, D width of a node, N nodes.
"""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import final
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch import Tensor


if TYPE_CHECKING:
    from optuna_xmcnas.child.config import Combination


class LayerMix(nn.Module, abc.ABC):
    """Combines the outputs of the nodes."""

    @abc.abstractmethod
    def forward(self, outputs: Sequence[Tensor]) -> Tensor:
        """Return N outputs of shape (B, T, D) as one of shape (B, T, `width`)."""

    @property
    @abc.abstractmethod
    def width(self) -> int:
        """Width of the result."""

    @abc.abstractmethod
    def node_weights(self) -> tuple[float, ...] | None:
        """Return the share of each node in the result; None if they do not compete."""


@final
class WeightedSum(LayerMix):
    """A sum with trained weights, which are positive, sum to 1 and begin equal.

    The paper (ICONIP 2020, section 3.3) learns one weight per output; the softmax over one free
    number per node is ours. A single node has weight 1 and nothing to learn.

    Args:
        n_nodes: N.
        width: D.
    """

    def __init__(self, n_nodes: int, width: int) -> None:
        super().__init__()
        self._width = width
        scores = torch.zeros(n_nodes)
        self.scores = nn.Parameter(scores) if n_nodes > 1 else None

    def forward(self, outputs: Sequence[Tensor]) -> Tensor:
        """See `LayerMix.forward`."""
        if self.scores is None:
            return outputs[0]
        weights = self.scores.softmax(dim=0)  # (N,)
        total = weights[0] * outputs[0]
        for weight, output in zip(weights[1:], outputs[1:], strict=True):
            total = total + weight * output
        return total  # (B, T, D)

    @property
    def width(self) -> int:
        """See `LayerMix.width`."""
        return self._width

    def node_weights(self) -> tuple[float, ...]:
        """See `LayerMix.node_weights`."""
        if self.scores is None:
            return (1.0,)
        return tuple(self.scores.detach().double().softmax(dim=0).tolist())


@final
class Concatenation(LayerMix):
    """All outputs side by side, as in the network that XMC-NAS found (ICONIP 2020, figure 5).

    Args:
        n_nodes: N.
        width: D.
    """

    def __init__(self, n_nodes: int, width: int) -> None:
        super().__init__()
        self._width = n_nodes * width

    def forward(self, outputs: Sequence[Tensor]) -> Tensor:
        """See `LayerMix.forward`."""
        return torch.cat(list(outputs), dim=2)  # (B, T, N D)

    @property
    def width(self) -> int:
        """See `LayerMix.width`."""
        return self._width

    def node_weights(self) -> None:
        """See `LayerMix.node_weights`."""
        return


def make_layer_mix(combine: Combination, n_nodes: int, width: int) -> LayerMix:
    """Return the combination of that name."""
    return (WeightedSum if combine == "sum" else Concatenation)(n_nodes, width)
