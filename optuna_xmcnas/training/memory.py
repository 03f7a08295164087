"""How much memory a training took at its peak, and errors that mean that there was too little."""

from __future__ import annotations

import contextlib
from pathlib import Path
import resource
import sys
from typing import final

import torch


_CLEAR_REFS = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")
_SHORTAGE = (
    "out of memory",
    "DefaultCPUAllocator",
    "std::bad_alloc",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)
_RESET_PEAK = "5"  # sets VmHWM to the present VmRSS (proc(5), since Linux 4.0)


@final
class PeakMemory:
    """The peak from the making of this object until it is read.

    On CUDA it is what PyTorch's allocator handed out on that device. On the CPU it is the resident
    size of the whole process, libraries and data included; where the system does not let a
    process reset its peak, the peak since the process started.

    Args:
        device: The device that is watched.

    Example:
        >>> PeakMemory(torch.device("cpu")).read() > 2**20
        True
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        else:
            with contextlib.suppress(OSError):  # no such file, or not permitted
                _CLEAR_REFS.write_text(_RESET_PEAK)

    def read(self) -> int:
        """Return the peak so far, in bytes."""
        if self._device.type == "cuda":
            return int(torch.cuda.max_memory_allocated(self._device))
        return _resident_peak()


def _resident_peak() -> int:
    with contextlib.suppress(OSError):
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024  # given in KiB
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # KiB but for macOS


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error means that memory was used up, on whichever device.

    Example:
        >>> is_out_of_memory(MemoryError()), is_out_of_memory(RuntimeError("other"))
        (True, False)
    """
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    # PyTorch's CPU allocator and some CUDA libraries raise a plain RuntimeError
    text = str(error)
    return isinstance(error, RuntimeError) and any(mark in text for mark in _SHORTAGE)
