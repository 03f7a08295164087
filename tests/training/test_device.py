from __future__ import annotations

import pytest
import torch

from optuna_xmcnas.training.device import autocast
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
