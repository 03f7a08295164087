from __future__ import annotations

from pathlib import Path

import pytest
import torch

from optuna_xmcnas.training import device as module
from optuna_xmcnas.training.device import autocast
from optuna_xmcnas.training.device import describe_device
from optuna_xmcnas.training.device import resolve_device


CPU = torch.device("cpu")


def test_auto_is_cuda_where_there_is_one() -> None:
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    assert resolve_device("auto").type == expected


def test_a_cuda_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'cuda:99'.*PyTorch sees \d+ CUDA devices; use 'auto'"):
        resolve_device("cuda:99")


@pytest.mark.parametrize(
    ("precision", "expected"),
    [("auto", torch.float32), ("float32", torch.float32), ("bfloat16", torch.bfloat16)],
)
def test_precision_on_the_cpu(precision: str, expected: torch.dtype) -> None:
    with autocast(CPU, precision):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == expected


@pytest.mark.parametrize(("limit", "expected"), [("3221225472\n", "cpu, 3 GiB"), ("max\n", None)])
def test_the_memory_of_a_container_counts(
    limit: str, expected: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MEMORY_LIMIT", tmp_path / "missing")
    of_the_machine = describe_device(CPU)
    (tmp_path / "memory.max").write_text(limit)
    monkeypatch.setattr(module, "_MEMORY_LIMIT", tmp_path / "memory.max")
    assert describe_device(CPU) == (expected or of_the_machine)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_a_cuda_device_is_described_by_its_number_and_name() -> None:
    assert describe_device(torch.device("cuda")).startswith("cuda:0 ")
