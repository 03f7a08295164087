"""The bytes of tensors that are alive, after every operation of PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import final
import weakref

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from optuna_xmcnas.planning.constants import TOUCHED_SHARE


@final
class Ledger(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Writes down, while it is entered, how much memory the tensors made in it hold.

    `live` has the bytes after each operation, `names` what the operations are called, and
    `n_held` tells how many tensors hold them now.

    What existed before does not count. Backward passes are seen as well. What a kernel takes for
    itself and gives back before it returns is not seen.

    Example:
        >>> with Ledger() as ledger:
        ...     first = torch.zeros(10)
        ...     second = first + 1
        ...     del first
        ...     third = second + 1
        >>> ledger.live
        [40, 80, 80]
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.live: list[int] = []
        self.names: list[str] = []
        self._held: dict[int, tuple[weakref.ref[torch.UntypedStorage], int]] = {}
        self._total = 0

    @property
    def n_held(self) -> int:
        """How many tensors are alive; those that share memory count once."""
        return len(self._held)

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run an operation, and count what it returned."""
        results = func(*args, **(kwargs or {}))
        given = {id(t.untyped_storage()) for t in tree_leaves(args) if isinstance(t, Tensor)}
        for tensor in tree_leaves(results):
            if isinstance(tensor, Tensor) and id(tensor.untyped_storage()) not in given:
                self._count(tensor, func.name())
        self.live.append(self._total)
        self.names.append(func.name())
        return results

    def _count(self, tensor: Tensor, operation: str) -> None:
        storage = tensor.untyped_storage()
        key = id(storage)  # PyTorch gives a storage one object for as long as it lives
        if key in self._held:
            return
        n_bytes = storage.nbytes()
        if tensor.dtype == torch.uint8:
            n_bytes = int(n_bytes * TOUCHED_SHARE.get(operation, 1.0))

        def forget(_: object) -> None:
            _, gone = self._held.pop(key)
            self._total -= gone

        self._held[key] = (weakref.ref(storage, forget), n_bytes)
        self._total += n_bytes
