"""The registry of ops: from the name in a genome to a layer. It is the only one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import nn

from optuna_xmcnas.child.layers import AveragePooling
from optuna_xmcnas.child.layers import Convolution
from optuna_xmcnas.child.layers import MaxPooling
from optuna_xmcnas.child.recurrence import Recurrence
from optuna_xmcnas.exceptions import InvalidGenomeError


OpFactory = Callable[[int, int], nn.Module]
"""Makes the layer of a node from the widths of its input and output; see `Op` for its promise."""

_FACTORIES: dict[str, OpFactory] = {
    "conv1": partial(Convolution, 1),
    "conv3": partial(Convolution, 3),
    "conv5": partial(Convolution, 5),
    "conv7": partial(Convolution, 7),
    "maxpool3": partial(MaxPooling, 3),
    "avgpool3": partial(AveragePooling, 3),
    "bilstm": partial(Recurrence, "lstm"),
    "bigru": partial(Recurrence, "gru"),
    # not searched: of XML-CNN
    "conv2": partial(Convolution, 2),
    "conv4": partial(Convolution, 4),
    "conv8": partial(Convolution, 8),
}


def register_op(name: str, factory: OpFactory, *, replace: bool = False) -> None:
    """Let genomes use an op of your own.

    Args:
        name: How genomes call it; add it to the ``ops`` of the `GenomeSpace` as well.
        factory: Called with the widths of input and output, (in_width, out_width); returns a
            module that keeps the promise of `Op`.
        replace: Whether it may take the place of an op of this name.

    Raises:
        ValueError: If the name is taken and ``replace`` was not given.

    Example:
        >>> register_op("conv9", lambda in_width, out_width: Convolution(9, in_width, out_width))
        >>> make_op("conv9", 300, 512).convolution.kernel_size
        (9,)
        >>> _ = _FACTORIES.pop("conv9")  # it is gone again after this example
    """
    if name in _FACTORIES and not replace:
        raise ValueError(
            f"there is an op {name!r} already; choose another name, or pass `replace=True`."
        )
    _FACTORIES[name] = factory


def op_names() -> tuple[str, ...]:
    """Return the names of all ops, the built-in ones first."""
    return tuple(_FACTORIES)


def make_op(name: str, in_width: int, out_width: int) -> nn.Module:
    """Return a new layer with its own random weights.

    Raises:
        InvalidGenomeError: If there is no op of this name.
    """
    if name not in _FACTORIES:
        raise InvalidGenomeError(
            f"there is no op {name!r}; known: {', '.join(op_names())}. "
            "Add your own with `register_op`."
        )
    return _FACTORIES[name](in_width, out_width)
