"""Tracing a module for any number of texts and words, without the chatter of those who do it."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
import contextlib
import logging
from typing import Any
from typing import TYPE_CHECKING
import warnings

import torch
from torch import nn
from torch import Tensor
from torch._decomp import decomposition_table

from optuna_xmcnas.exceptions import ExportError


if TYPE_CHECKING:
    from torch.export import ExportedProgram


_EXAMPLE = (3, 7)  # texts and words; PyTorch takes a 0 or a 1 for a constant
_TALKERS = r"(torch|onnx|onnxscript|onnx_ir|copyreg|contextlib)(\.|$)"  # modules

_LOGGERS = ("torch.__trace", "torch.onnx", "onnxscript", "onnx_ir")


def trace(module: nn.Module) -> ExportedProgram:
    """Return the graph of a module of word numbers (B, T) and lengths (B,), for every B and T.

    Raises:
        ExportError: If an op of the module cannot be traced.
    """
    tokens = torch.ones(_EXAMPLE, dtype=torch.int64)
    lengths = torch.arange(_EXAMPLE[1], _EXAMPLE[1] - _EXAMPLE[0], -1)
    texts, words = torch.export.Dim("texts"), torch.export.Dim("words")
    shapes = ({0: texts, 1: words}, {0: texts})
    try:
        with any_number_of_words(), quiet(), torch.no_grad():
            program = torch.export.export(module, (tokens, lengths), dynamic_shapes=shapes)
    except Exception as error:  # the exporter passes on whatever the code of an op raises
        raise ExportError(
            f"the model cannot be traced: {_first_line(error)} Every op must be PyTorch code "
            "whose steps do not depend on the numbers of texts and words or on their values."
        ) from error
    _forget_origins(program)
    return program


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Drop what PyTorch and ONNX say of themselves: nothing that a user can change.

    Warnings that other code gives, such as an op of one's own, still come through.
    """
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:  # they tell of packages that are not there, of steps left out
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=_TALKERS)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextlib.contextmanager
def any_number_of_words() -> Iterator[None]:
    """Let operations be traced for any T that PyTorch would otherwise trace for one T alone.

    It finds the shape of their outputs by running a formula of Python or C++, which takes each
    step of a recurrence by itself. Here it is told the shape. The graph keeps the operation.
    """
    key = torch._C.DispatchKey.CompositeImplicitAutograd
    tables = [(op.py_kernels, key) for op in _SHAPES] + [
        (decomposition_table, op) for op in _SHAPES
    ]
    before = [table.get(entry) for table, entry in tables]
    try:
        _fill(tables, [*_SHAPES.values()] * 2)  # the first is for tracing, the second for ONNX
        yield
    finally:
        _fill(tables, before)


def _fill(tables: list[tuple[dict[Any, Any], Any]], values: Sequence[Any]) -> None:
    for (table, entry), value in zip(tables, values, strict=True):
        if value is None:
            del table[entry]
        else:
            table[entry] = value
    for op in _SHAPES:
        op._dispatch_cache.clear()  # it may hold what was there before


def _lstm(
    inputs: Tensor, states: list[Tensor], weights: list[Tensor], *options: Any
) -> tuple[Tensor, Tensor, Tensor]:
    return _recurrence(inputs, states[0], *options), states[0].clone(), states[1].clone()


def _gru(
    inputs: Tensor, state: Tensor, weights: list[Tensor], *options: Any
) -> tuple[Tensor, Tensor]:
    return _recurrence(inputs, state, *options), state.clone()


def _recurrence(inputs: Tensor, state: Tensor, *options: Any) -> Tensor:
    # options: has biases, layers, dropout, is training, is bidirectional, batch first
    return inputs.new_empty(*inputs.shape[:2], state.shape[2] * (1 + options[4]))


def _max_pool(
    inputs: Tensor,
    kernel: list[int],
    stride: list[int] | None = None,
    padding: list[int] | None = None,
    dilation: list[int] | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    kernel, padding = [1, *kernel], [0, *(padding or [0])]
    stride, dilation = [1, *(stride or kernel[1:])], [1, *(dilation or [1])]
    planes = torch.ops.aten.max_pool2d_with_indices(
        inputs.unsqueeze(-2), kernel, stride, padding, dilation, ceil_mode
    )
    pooled: Tensor = planes[0].squeeze(-2)
    return pooled


_SHAPES: dict[Any, Callable[..., Any]] = {
    torch.ops.aten.lstm.input: _lstm,
    torch.ops.aten.gru.input: _gru,
    torch.ops.aten.max_pool1d.default: _max_pool,
}


def _forget_origins(program: ExportedProgram) -> None:
    """Take the names of source files on this machine out of a graph."""
    for module in program.graph_module.modules():
        if isinstance(module, torch.fx.GraphModule):
            for node in module.graph.nodes:
                node.meta.pop("stack_trace", None)


def _first_line(error: Exception) -> str:
    line = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
    return line if line.endswith(".") else f"{line}."
