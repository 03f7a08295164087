"""Where a child runs, and in which precision."""

from __future__ import annotations

import torch


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
