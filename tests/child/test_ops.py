from __future__ import annotations

import pytest
import torch
from torch import nn
from torch import Tensor

from optuna_xmcnas.child import Op
from optuna_xmcnas.child import op_names
from optuna_xmcnas.child import ops
from optuna_xmcnas.child import register_op
from optuna_xmcnas.child.ops import make_op
from optuna_xmcnas.exceptions import InvalidGenomeError
from optuna_xmcnas.genome import DEFAULT_OPS
from optuna_xmcnas.genome import XML_CNN_OPS


class _Doubling(Op):
    def __init__(self, in_width: int, out_width: int) -> None:
        super().__init__()
        self.projection = nn.Linear(in_width, out_width)

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        outputs: Tensor = 2 * self.projection(inputs)
        return outputs


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ops, "_FACTORIES", dict(ops._FACTORIES))


def test_the_registry_holds_exactly_the_named_ops() -> None:
    assert op_names() == (*DEFAULT_OPS, *XML_CNN_OPS)


@pytest.mark.parametrize("name", [*DEFAULT_OPS, *XML_CNN_OPS])
@pytest.mark.parametrize("in_width", [6, 3])
def test_every_op_keeps_the_length_and_gives_the_width(name: str, in_width: int) -> None:
    mask = torch.tensor([[True, True, True], [True, False, False]])
    inputs = torch.randn(2, 3, in_width) * mask[:, :, None]
    assert make_op(name, in_width, 6)(inputs, mask).shape == (2, 3, 6)


def test_an_op_of_the_user_is_made_like_any_other() -> None:
    register_op("doubling", _Doubling)
    assert op_names() == (*DEFAULT_OPS, *XML_CNN_OPS, "doubling")
    assert isinstance(make_op("doubling", 3, 6), _Doubling)


def test_an_op_is_not_replaced_silently() -> None:
    with pytest.raises(ValueError, match=r"an op 'conv3' already.*`replace=True`"):
        register_op("conv3", _Doubling)
    assert not isinstance(make_op("conv3", 3, 6), _Doubling)
    register_op("conv3", _Doubling, replace=True)
    assert isinstance(make_op("conv3", 3, 6), _Doubling)


def test_an_unknown_op_is_refused_with_the_names_of_those_known() -> None:
    with pytest.raises(InvalidGenomeError, match=r"no op 'conv9'; known: conv1, .*`register_op`"):
        make_op("conv9", 3, 6)
