"""The losses of the steps, without waiting for the device at every step."""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor

from optuna_xmcnas.exceptions import NonFiniteLossError


_WINDOW = 50  # steps between two looks at the losses (ours)


@final
class LossRecord:
    """Losses in the order of the steps; read by the host 50 at a time.

    Args:
        device: Where the losses are.

    Example:
        >>> record = LossRecord(torch.device("cpu"))
        >>> record.add(torch.tensor(3.0))
        >>> record.add(torch.tensor(1.0))
        >>> record.mean()
        2.0
    """

    def __init__(self, device: torch.device) -> None:
        self._window = torch.zeros(_WINDOW, device=device)
        self._n_waiting = 0
        self._n_read = 0
        self._unreported: list[float] = []

    def add(self, loss: Tensor) -> None:
        """Take the loss of the next step.

        Raises:
            NonFiniteLossError: If the loss of a step so far was infinite or not a number; it
                names that step.
        """
        self._window[self._n_waiting] = loss
        self._n_waiting += 1
        if self._n_waiting == _WINDOW:
            self._read()

    def mean(self) -> float:
        """Return the mean of the losses since the last call, and look at all of them.

        Raises:
            NonFiniteLossError: As `add`.
        """
        losses = self.unreported()
        self._unreported = []
        return math.fsum(losses) / len(losses)

    def unreported(self) -> list[float]:
        """Return the losses since the last call of `mean`, and look at all of them.

        Raises:
            NonFiniteLossError: As `add`.
        """
        self._read()
        return self._unreported

    def go_on(self, n_steps: int, unreported: list[float]) -> None:
        """Begin where another record ended.

        Args:
            n_steps: How many losses it was given.
            unreported: What its `unreported` returned.
        """
        self._n_read = n_steps
        self._unreported = list(unreported)

    def _read(self) -> None:
        losses = self._window[: self._n_waiting].tolist()
        for step, loss in enumerate(losses, start=self._n_read + 1):
            if not math.isfinite(loss):
                raise NonFiniteLossError(
                    f"the loss became {loss} at step {step}; a lower learning rate or clipping "
                    "norm may help."
                )
        self._n_read += self._n_waiting
        self._n_waiting = 0
        self._unreported += losses
