from __future__ import annotations

import pytest
import torch
from torch import nn
from torch import Tensor

from optuna_xmcnas.child import Op
from optuna_xmcnas.child import ops
from optuna_xmcnas.child import register_op
from optuna_xmcnas.child.dag import NodeGraph
from optuna_xmcnas.child.embedding import padding_mask
from optuna_xmcnas.exceptions import InvalidGenomeError
from optuna_xmcnas.genome import DEFAULT_OPS
from optuna_xmcnas.genome import Genome
from optuna_xmcnas.genome import Node


class _AddOne(Op):
    """Adds 1 to everything, padding too, and widens with zeros."""

    def __init__(self, in_width: int, out_width: int) -> None:
        super().__init__()
        self.extra = out_width - in_width

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        return nn.functional.pad(inputs, (0, self.extra)) + 1


class _TooNarrow(_AddOne):
    def __init__(self, in_width: int, out_width: int) -> None:
        super().__init__(in_width, out_width - 1)


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ops, "_FACTORIES", dict(ops._FACTORIES))
    register_op("addone", _AddOne)
    register_op("toonarrow", _TooNarrow)


def _genome(*nodes: tuple[str, int]) -> Genome:
    return Genome(tuple(Node(op, source) for op, source in nodes))


def test_each_node_reads_its_source() -> None:
    genome = _genome(("addone", 0), ("addone", 1), ("addone", 0), ("addone", 2))
    embedded = torch.zeros(1, 2, 3)
    outputs = NodeGraph(genome, 3, 4)(embedded, torch.tensor([[False, False]]))
    assert [output[0, 0, 0].item() for output in outputs] == [1, 2, 1, 3]


@pytest.mark.parametrize("op", [*DEFAULT_OPS, "addone"])
def test_every_node_is_zero_where_padded(op: str) -> None:
    torch.manual_seed(0)
    padding = padding_mask(torch.tensor([2, 5, 1]), 5)
    embedded = torch.randn(3, 5, 4).masked_fill(padding[:, :, None], 0)
    for output in NodeGraph(_genome((op, 0), (op, 1)), 4, 6)(embedded, padding):
        assert output.shape == (3, 5, 6)
        assert not output[padding].any()
        assert output[~padding].any()


def test_an_op_that_returns_another_shape_is_named() -> None:
    graph = NodeGraph(_genome(("conv1", 0), ("toonarrow", 1)), 3, 4)
    with pytest.raises(ValueError, match=r"node 2 \(toonarrow\).*\(1, 2, 4\); got \(1, 2, 3\)"):
        graph(torch.zeros(1, 2, 3), torch.tensor([[False, False]]))


def test_an_unknown_op_is_refused() -> None:
    with pytest.raises(InvalidGenomeError, match="no op 'nothing'"):
        NodeGraph(_genome(("conv1", 0), ("nothing", 0)), 3, 4)
