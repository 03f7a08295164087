"""What every op promises, and the ops that look at a few neighbouring tokens.

Letters: B texts, T tokens, C width of the input, D width of the output.
"""

from __future__ import annotations

import abc
from typing import final

import torch
from torch import nn
from torch import Tensor
import torch.nn.functional as F


class Op(nn.Module, abc.ABC):
    """One operation of a node: tokens of width C to as many tokens of width D.

    The output at a real token must depend on the real tokens of its own text only. What stands at
    padded places does not matter: it is set to zero before anyone reads it.
    """

    @abc.abstractmethod
    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """Return the outputs.

        Args:
            inputs: Shape (B, T, C); zero where padded.
            mask: Shape (B, T); True where there is a real token; these come first in each text.

        Returns:
            Shape (B, T, D).
        """


@final
class Convolution(Op):
    """A convolution over neighbouring tokens, then ReLU; beyond the text it sees zeros.

    Args:
        kernel: Tokens seen at a time; of an even number, one more to the left.
        in_width: C.
        out_width: D.
    """

    def __init__(self, kernel: int, in_width: int, out_width: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(in_width, out_width, kernel, padding=kernel // 2)

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """See `Op.forward`."""
        outputs: Tensor = self.convolution(inputs.transpose(1, 2))  # (B, C, T) -> (B, D, T)
        outputs = outputs[:, :, : inputs.shape[1]]  # of an even kernel, there is one too many
        return outputs.relu().transpose(1, 2)  # (B, T, D)


@final
class MaxPooling(Op):
    """The largest value among neighbouring tokens of the text, at each place of the width.

    Args:
        kernel: Tokens seen at a time; odd.
        in_width: C.
        out_width: D; if it is another width, a linear projection follows.
    """

    def __init__(self, kernel: int, in_width: int, out_width: int) -> None:
        super().__init__()
        self.kernel = kernel
        self.projection = _projection(in_width, out_width)

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """See `Op.forward`."""
        padding = ~mask[:, :, None]  # (B, T, 1)
        visible = inputs.masked_fill(padding, -torch.inf).transpose(1, 2)  # (B, C, T)
        pooled = F.max_pool1d(visible, self.kernel, stride=1, padding=self.kernel // 2)
        # minus infinity must not reach the projection: its gradient would not be a number
        pooled = pooled.transpose(1, 2).masked_fill(padding, 0.0)  # (B, T, C)
        outputs: Tensor = self.projection(pooled)
        return outputs  # (B, T, D)


@final
class AveragePooling(Op):
    """The mean of the neighbouring tokens that belong to the text.

    Args:
        kernel: Tokens seen at a time; odd.
        in_width: C.
        out_width: D; if it is another width, a linear projection follows.
    """

    def __init__(self, kernel: int, in_width: int, out_width: int) -> None:
        super().__init__()
        self.kernel = kernel
        self.projection = _projection(in_width, out_width)

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """See `Op.forward`."""
        total = self._window_mean(inputs.transpose(1, 2))  # (B, C, T), over `kernel` places
        share = self._window_mean(mask[:, None].to(total.dtype))  # (B, 1, T): of real tokens
        share = share.masked_fill(~mask[:, None], 1.0)
        outputs: Tensor = self.projection((total / share).transpose(1, 2))
        return outputs  # (B, T, D)

    def _window_mean(self, values: Tensor) -> Tensor:
        return F.avg_pool1d(values, self.kernel, stride=1, padding=self.kernel // 2)


def _projection(in_width: int, out_width: int) -> nn.Module:
    """Return the kernel-1 projection of a pooling op: none where the width is right already."""
    return nn.Identity() if in_width == out_width else nn.Linear(in_width, out_width)
