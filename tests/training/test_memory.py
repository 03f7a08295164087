from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from optuna_xmcnas.training import memory
from optuna_xmcnas.training import PeakMemory
from optuna_xmcnas.training.memory import is_out_of_memory


CPU = torch.device("cpu")
BLOCK = 64 * 2**20  # bytes


def _touch_block() -> None:
    np.ones(BLOCK, np.uint8)


def test_the_peak_sees_memory_that_is_free_again() -> None:
    peak = PeakMemory(CPU)
    before = peak.read()
    _touch_block()
    assert peak.read() >= before + BLOCK // 2


def test_the_peak_begins_anew() -> None:
    if not os.access("/proc/self/clear_refs", os.W_OK):
        pytest.skip("this system does not let a process reset its peak")
    peak = PeakMemory(CPU)
    _touch_block()
    before = peak.read()
    assert PeakMemory(CPU).read() <= before - BLOCK // 2


def test_without_proc_the_peak_of_the_process_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(memory, "_CLEAR_REFS", tmp_path / "folder" / "clear_refs")
    monkeypatch.setattr(memory, "_STATUS", tmp_path / "status")
    assert PeakMemory(CPU).read() > 2**20


def test_the_cpu_allocator_giving_up_is_out_of_memory() -> None:
    with pytest.raises(RuntimeError, match="allocate") as caught:
        torch.empty(2**50)
    assert is_out_of_memory(caught.value)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), True),
        (MemoryError(), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("shapes do not match"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_errors_are_told_apart(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) is expected
