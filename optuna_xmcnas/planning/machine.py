"""How much memory this process has, and how much it may still get."""

from __future__ import annotations

import contextlib
from pathlib import Path

import torch

from optuna_xmcnas.training import PeakMemory


_STATUS = Path("/proc/self/status")
_MEMINFO = Path("/proc/meminfo")
_LIMIT = Path("/sys/fs/cgroup/memory.max")  # of a container; "max" or bytes (cgroup v2)
_USED = Path("/sys/fs/cgroup/memory.current")


def resident_memory() -> int:
    """Return the resident size of this process in bytes.

    Where the system does not tell it, its peak so far.

    Example:
        >>> resident_memory() > 2**20
        True
    """
    found = _kilobytes(_STATUS, "VmRSS:")
    return PeakMemory(torch.device("cpu")).read() if found is None else found


def available_memory(device: torch.device) -> int | None:
    """Return how many bytes a training in this process may take; None if nothing tells it.

    On the CPU this is what the process has already, plus what the machine, or the container if
    that is less, can still give. On CUDA it is the memory of the device that others leave free.

    Example:
        >>> available_memory(torch.device("cpu")) is None  # on Linux
        False
    """
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return int(free + torch.cuda.memory_reserved(device))
    free_of_machine = _kilobytes(_MEMINFO, "MemAvailable:")
    offers = [] if free_of_machine is None else [free_of_machine]
    with contextlib.suppress(OSError, ValueError):  # no such file, or no limit
        offers.append(max(0, int(_LIMIT.read_text()) - int(_USED.read_text())))
    return min(offers) + resident_memory() if offers else None


def _kilobytes(path: Path, name: str) -> int | None:
    """Return a size that a file of /proc gives in KiB, in bytes; None if it does not."""
    with contextlib.suppress(OSError):
        for line in path.read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    return None
