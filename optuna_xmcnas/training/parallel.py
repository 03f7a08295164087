"""Several processes that train one child together, each on its part of every batch.

Started by ``accelerate launch`` or ``torchrun``; `ProcessGroup` is what they say to each other.
"""

from __future__ import annotations

import abc
from collections.abc import Iterator
from contextlib import contextmanager
import os
from typing import Any
from typing import final

import numpy as np
import torch
from torch import Tensor

from optuna_xmcnas.exceptions import MissingExtraError


class ProcessGroup(abc.ABC):
    """Processes that call the same methods in the same order; each call waits for all of them."""

    @property
    @abc.abstractmethod
    def rank(self) -> int:
        """Which of them this process is; the first is 0."""

    @property
    @abc.abstractmethod
    def size(self) -> int:
        """How many they are."""

    @abc.abstractmethod
    def add_up(self, tensor: Tensor) -> None:
        """Replace a tensor by its sum over the processes; on CUDA the host does not wait."""

    @abc.abstractmethod
    def is_any(self, is_it: bool) -> bool:
        """Return whether any process says yes; the device is not waited for."""

    @abc.abstractmethod
    def gather(self, content: bytes) -> list[bytes]:
        """Return what each process gave, in their order."""

    @abc.abstractmethod
    def from_first(self, content: bytes) -> bytes:
        """Return what the first process gave; what the others give does not matter."""


@final
class _Alone(ProcessGroup):
    """One process."""

    @property
    def rank(self) -> int:
        return 0

    @property
    def size(self) -> int:
        return 1

    def add_up(self, tensor: Tensor) -> None:
        pass

    def is_any(self, is_it: bool) -> bool:
        return is_it

    def gather(self, content: bytes) -> list[bytes]:
        return [content]

    def from_first(self, content: bytes) -> bytes:
        return content


ALONE: ProcessGroup = _Alone()
"""The group of a process that trains on its own."""


@final
class _Launched(ProcessGroup):
    """The processes that a launcher started.

    Args:
        state: What Accelerate knows of them.
    """

    def __init__(self, state: Any) -> None:
        self._rank = int(state.process_index)
        self._size = int(state.num_processes)
        # beside the one of the devices: what hosts tell each other must not wait for a device
        self._hosts = torch.distributed.new_group(backend="gloo")

    @property
    def rank(self) -> int:
        return self._rank

    @property
    def size(self) -> int:
        return self._size

    def add_up(self, tensor: Tensor) -> None:
        group = self._hosts if tensor.device.type == "cpu" else None
        torch.distributed.all_reduce(tensor, group=group)

    def is_any(self, is_it: bool) -> bool:
        votes = torch.tensor(int(is_it))
        torch.distributed.all_reduce(votes, group=self._hosts)
        return votes.item() > 0

    def gather(self, content: bytes) -> list[bytes]:
        sizes = [torch.zeros((), dtype=torch.int64) for _ in range(self.size)]
        torch.distributed.all_gather(sizes, torch.tensor(len(content)), group=self._hosts)
        longest = max(int(size) for size in sizes)
        parts = [torch.empty(longest, dtype=torch.uint8) for _ in sizes]
        torch.distributed.all_gather(parts, _tensor(content, longest), group=self._hosts)
        return [
            part[: int(size)].numpy().tobytes() for part, size in zip(parts, sizes, strict=True)
        ]

    def from_first(self, content: bytes) -> bytes:
        size = torch.tensor(len(content))
        torch.distributed.broadcast(size, 0, group=self._hosts)
        part = _tensor(content if self.rank == 0 else b"", int(size))
        torch.distributed.broadcast(part, 0, group=self._hosts)
        return part.numpy().tobytes()


@contextmanager
def launched_group(device: str = "auto") -> Iterator[ProcessGroup]:
    """Yield the group that ``accelerate launch`` or ``torchrun`` started this process in.

    It is `ALONE` in a process that was started by neither.

    Args:
        device: As in `TrainingConfig`; each process gets a CUDA device of its own, unless it is
            ``"cpu"`` or there is none.

    Raises:
        MissingExtraError: If there are several processes and Accelerate is not installed.

    Example:
        >>> with launched_group() as group:
        ...     group.size
        1
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield ALONE
        return
    try:
        from accelerate import PartialState
    except ImportError as error:
        raise MissingExtraError(
            f"{os.environ['WORLD_SIZE']} processes were launched; training together needs "
            "Accelerate. Install it: pip install 'optuna-xmcnas[parallel]'."
        ) from error
    # without a GPU Accelerate must be told: it would take each process for the first one
    state = PartialState(cpu=device == "cpu" or not torch.cuda.is_available())
    yield _Launched(state)
    # not after an error: the others may be waiting for this process, and would be waited for
    state.destroy_process_group()


def _tensor(content: bytes, size: int) -> Tensor:
    """Return bytes as a tensor, with zeros after them."""
    array = np.zeros(size, np.uint8)
    array[: len(content)] = np.frombuffer(content, np.uint8)
    return torch.from_numpy(array)
