"""The mean of the weights along a training (stochastic weight averaging, Izmailov et al. 2018)."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from typing import final

import torch
from torch import nn
from torch import Tensor


@final
class WeightAverage:
    """The running mean of what a child's trained parameters were at some moments.

    It lies where the child is, and takes no memory before the first moment.

    Args:
        child: The child; `applied` lends it the mean.

    Example:
        >>> layer = nn.Linear(1, 1, bias=False)
        >>> average = WeightAverage(layer)
        >>> for weight in (1.0, 2.0, 6.0):
        ...     _ = nn.init.constant_(layer.weight, weight)
        ...     average.add()
        >>> with average.applied():
        ...     layer.weight.item()
        3.0
        >>> layer.weight.item()
        6.0
    """

    def __init__(self, child: nn.Module) -> None:
        self._weights = {n: p for n, p in child.named_parameters() if p.requires_grad}
        self._mean: dict[str, Tensor] = {}
        self._count = 0

    @torch.no_grad()
    def add(self) -> None:
        """Let the present weights enter the mean."""
        self._count += 1
        for name, weight in self._weights.items():
            if self._count == 1:
                self._mean[name] = weight.detach().clone()
            else:
                self._mean[name].lerp_(weight, 1 / self._count)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Lend the child the mean; afterwards it has its own weights again, bit by bit.

        Nothing happens if no weights have entered the mean.
        """
        # Copied, not exchanged: the weights of a recurrence lie side by side for cuDNN.
        own = {name: self._weights[name].detach().clone() for name in self._mean}
        self._set(self._mean)
        try:
            yield
        finally:
            self._set(own)

    @property
    def mean(self) -> Mapping[str, Tensor]:
        """The mean by name of the parameter; empty if no weights have entered it."""
        return self._mean

    @property
    def count(self) -> int:
        """How often weights have entered the mean."""
        return self._count

    def replace(self, mean: Mapping[str, Tensor], count: int) -> None:
        """Go on from copies of `mean` and `count` of another one."""
        self._count = count
        self._mean = {
            name: torch.empty_like(self._weights[name], requires_grad=False).copy_(tensor)
            for name, tensor in mean.items()
        }

    @torch.no_grad()
    def _set(self, weights: Mapping[str, Tensor]) -> None:
        for name, tensor in weights.items():
            self._weights[name].copy_(tensor)
