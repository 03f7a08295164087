"""How large a gradient may be: a constant norm, or one that follows the norms of late.

Nothing here waits for the device.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping
from collections.abc import Sequence
import math
from typing import final
from typing import TYPE_CHECKING

import torch
from torch import Tensor


if TYPE_CHECKING:
    from torch.nn import Parameter

    from optuna_xmcnas.training.config import TrainingConfig


_N_NORMS = 5  # norms that are remembered, as the next two: AttentionXML
_GROWTH = 2.0  # a remembered norm is at most this times the largest one before it
_CEILING = 1.0  # and at most this
_TINY = torch.finfo(torch.float32).tiny


class Clipping(abc.ABC):
    """Scales gradients down that are too large."""

    @abc.abstractmethod
    def clip(self) -> None:
        """Scale the whole gradient down if its norm is too large."""

    @abc.abstractmethod
    def state(self) -> dict[str, Tensor]:
        """Return what changes from step to step, by name."""

    @abc.abstractmethod
    def replace(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` of another one returned."""


@final
class ConstantClipping(Clipping):
    """Clips at a constant norm.

    Args:
        weights: Whose gradients are clipped.
        norm: The largest norm of all of them together; infinity: no clipping.
    """

    def __init__(self, weights: Sequence[Parameter], norm: float) -> None:
        self._weights = weights
        self._norm = norm

    def clip(self) -> None:
        """See `Clipping.clip`."""
        torch.nn.utils.clip_grad_norm_(self._weights, self._norm)

    def state(self) -> dict[str, Tensor]:
        """See `Clipping.state`."""
        return {}

    def replace(self, state: Mapping[str, Tensor]) -> None:
        """See `Clipping.replace`."""


@final
class AdaptiveClipping(Clipping):
    """Clips at a multiple of the largest of the last five norms (AttentionXML).

    The norms that are remembered begin with infinity: the first five steps are not clipped. Each
    later one is at most 1, and at most twice the largest one remembered, so that one wild step
    does not open the door for the next.

    Args:
        weights: Whose gradients are clipped.
        factor: The multiple.

    Example:
        >>> weight = torch.nn.Parameter(torch.zeros(1))
        >>> clipping = AdaptiveClipping([weight], 5.0)
        >>> for gradient in (9.0, 0.1, 0.1, 0.1, 0.1, 0.1):
        ...     weight.grad = torch.tensor([gradient])
        ...     clipping.clip()
        >>> weight.grad = torch.tensor([9.0])
        >>> clipping.clip()  # the five norms remembered are 0.1: the 9 in the beginning is gone
        >>> weight.grad
        tensor([0.5000])
    """

    def __init__(self, weights: Sequence[Parameter], factor: float) -> None:
        self._weights = weights
        self._factor = factor
        device = weights[0].device if weights else None
        self._norms = torch.full((_N_NORMS,), math.inf, device=device)  # the oldest first

    @torch.no_grad()
    def clip(self) -> None:
        """See `Clipping.clip`."""
        gradients = [p.grad for p in self._weights if p.grad is not None]
        if not gradients:
            return
        norm = torch.nn.utils.get_total_norm(gradients)
        largest = self._norms.amax()
        # measured in units of the largest norm, the limit is a number that the host knows
        relative = norm / largest.clamp(min=_TINY)
        torch.nn.utils.clip_grads_with_norm_(self._weights, self._factor, relative)
        remembered = torch.minimum(norm, _GROWTH * largest).clamp(max=_CEILING)
        self._norms = torch.cat([self._norms[1:], remembered[None]])

    def state(self) -> dict[str, Tensor]:
        """See `Clipping.state`."""
        return {"norms": self._norms}

    def replace(self, state: Mapping[str, Tensor]) -> None:
        """See `Clipping.replace`."""
        self._norms = torch.empty_like(self._norms).copy_(state["norms"])


def make_clipping(weights: Sequence[Parameter], config: TrainingConfig) -> Clipping:
    """Return the clipping that the configuration names."""
    kind = AdaptiveClipping if config.clipping == "adaptive" else ConstantClipping
    return kind(weights, config.clip_norm)
