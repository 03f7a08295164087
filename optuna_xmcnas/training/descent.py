"""One optimiser step."""

from __future__ import annotations

from typing import final
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from optuna_xmcnas.training.clipping import make_clipping
from optuna_xmcnas.training.device import autocast
from optuna_xmcnas.training.losses import backpropagate
from optuna_xmcnas.training.together import sum_gradients


if TYPE_CHECKING:
    from optuna_xmcnas.child import ChildNetwork
    from optuna_xmcnas.training.batches import Batch
    from optuna_xmcnas.training.config import TrainingConfig
    from optuna_xmcnas.training.parallel import ProcessGroup


@final
class Descent:
    """Takes optimiser steps; nothing in one waits for the device.

    Args:
        child: What learns; it is on its device.
        config: How.
        device: The device.
        group: The processes that take each step together.
    """

    def __init__(
        self,
        child: ChildNetwork,
        config: TrainingConfig,
        device: torch.device,
        group: ProcessGroup,
    ) -> None:
        weights = [p for p in child.parameters() if p.requires_grad]
        self._child = child
        self._device = device
        self._group = group
        self._weights = weights
        self._autocast = autocast(device, config.precision)
        self.optimizer = torch.optim.Adam(weights, lr=config.learning_rate, fused=True)
        self.clipping = make_clipping(weights, config)

    def step(self, batch: Batch, n_documents: int) -> Tensor:
        """Learn a batch and return its mean loss before that, detached.

        Args:
            batch: This process's part of it; it may be empty where there are several.
            n_documents: How many documents all parts have.
        """
        loss = self._send_back(batch, n_documents)
        loss = sum_gradients(self._weights, loss, self._group)
        self.clipping.clip()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss

    def _send_back(self, batch: Batch, n_documents: int) -> Tensor:
        if len(batch.documents) == 0:
            return torch.zeros((), device=self._device)
        child = self._child
        with self._autocast:
            hidden = child.encode(batch.tokens, batch.lengths)
            prepared = child.head.prepare(hidden, child.padding(batch.lengths))
        return backpropagate(
            child.head, prepared, batch.targets, self._autocast, n_documents=n_documents
        )
