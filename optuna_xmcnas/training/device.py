"""Where a child runs, and in which precision."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import torch


_MEMORY_LIMIT = Path("/sys/fs/cgroup/memory.max")  # of a container; "max" or bytes (cgroup v2)


def resolve_device(name: str) -> torch.device:
    """Return the device behind a name; ``"auto"`` is CUDA if there is one, else the CPU.

    Raises:
        ValueError: If the name asks for a CUDA device that this machine does not have.

    Example:
        >>> resolve_device("cpu")
        device(type='cpu')
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ValueError(
            f"`device` is {name!r}, but PyTorch sees {torch.cuda.device_count()} CUDA devices; "
            "use 'auto' or 'cpu'."
        )
    return device


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Return the context in which a child computes: bfloat16 autocast, or nothing special.

    Args:
        device: Where the child is.
        precision: ``"float32"``, ``"bfloat16"``, or ``"auto"``: bfloat16 on a CUDA device whose
            hardware has it, else float32.

    Example:
        >>> with autocast(torch.device("cpu"), "bfloat16"):
        ...     (torch.ones(2, 2) @ torch.ones(2, 2)).dtype
        torch.bfloat16
    """
    is_reduced = precision == "bfloat16" or (
        precision == "auto"
        and device.type == "cuda"
        and torch.cuda.is_bf16_supported(including_emulation=False)
    )
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=is_reduced)


def describe_device(device: torch.device) -> str:
    """Return a device in words, with the memory that a child has there at most.

    Example:
        >>> describe_device(torch.device("cpu"))  # doctest: +ELLIPSIS
        'cpu, ... GiB'
    """
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        index = torch.cuda.current_device() if device.index is None else device.index
        return f"cuda:{index} {properties.name}, {_gibibytes(properties.total_memory)}"
    n_bytes = _host_memory()
    return str(device) if n_bytes is None else f"{device}, {_gibibytes(n_bytes)}"


def _host_memory() -> int | None:
    """Return the memory of the machine, or of the container if that is less."""
    sizes = []
    with contextlib.suppress(OSError, ValueError):  # names that the system does not know
        sizes.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    with contextlib.suppress(OSError, ValueError):  # no such file, or no limit
        sizes.append(int(_MEMORY_LIMIT.read_text()))
    return min(sizes, default=None)


def _gibibytes(n_bytes: int) -> str:
    return f"{n_bytes / 2**30:.0f} GiB"
