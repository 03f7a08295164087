"""What several children say together."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
import torch.nn.functional as F


def logit_of_mean(logits: Sequence[Tensor]) -> Tensor:
    """Return the logit of the mean of the probabilities; of one child, its own logit.

    It ranks as the sum of the probabilities does (AttentionXML), but it is computed from their
    logarithms: probabilities near 0 or 1 that a float32 cannot tell apart stay apart.

    Args:
        logits: One tensor for each child, all of the same shape.

    Example:
        >>> logits = [torch.tensor([2.0, 40.0]), torch.tensor([-2.0, 50.0])]
        >>> logit_of_mean(logits)  # halves, and 1 - (exp(-40) + exp(-50)) / 2
        tensor([ 0.0000, 40.6931])
    """
    if len(logits) == 1:
        return logits[0]
    stacked = torch.stack(list(logits))
    # `softplus`, because ONNX runs `logsigmoid` as the logarithm of a sigmoid, which may be 0
    return (-F.softplus(-stacked)).logsumexp(0) - (-F.softplus(stacked)).logsumexp(0)
