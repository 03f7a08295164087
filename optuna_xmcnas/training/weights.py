"""The best version of a child so far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import torch
from torch import nn
from torch import Tensor


@final
class BestWeights:
    """A copy of a child's state dict, in the memory of the host.

    Word vectors that are not trained are not in the state dict, so they are not copied.

    Args:
        child: The child that is copied by `keep` and set back by `restore`.
    """

    def __init__(self, child: nn.Module) -> None:
        self._child = child
        self._kept: dict[str, Tensor] = {}

    def keep(self) -> None:
        """Copy the present state, in place of the one kept before."""
        state = self._child.state_dict()
        if not self._kept:
            self._kept = {name: torch.empty_like(t, device="cpu") for name, t in state.items()}
        for name, kept in self._kept.items():
            kept.copy_(state[name])

    @property
    def kept(self) -> Mapping[str, Tensor]:
        """The state kept last; empty if none was kept."""
        return self._kept

    def replace(self, state: Mapping[str, Tensor]) -> None:
        """Keep a copy of another state of the child, in place of the one kept before."""
        self._kept = {
            name: torch.empty_like(t, device="cpu").copy_(state[name])
            for name, t in self._child.state_dict().items()
        }

    def restore(self) -> None:
        """Set the child to the state kept last; nothing happens if none was kept."""
        if self._kept:
            self._child.load_state_dict(self._kept)
