"""Recurrent layers that read each text from both of its ends.

Letters: B texts, T tokens, C width of the input, D width of the output, H = D / 2 units per
direction.
"""

from __future__ import annotations

from typing import Any
from typing import final
from typing import Literal

import torch
from torch import nn
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence
from torch.nn.utils.rnn import pad_packed_sequence

from optuna_xmcnas.child.layers import Op
from optuna_xmcnas.child.lstm import lstm


_SUFFIXES = ("", "_reverse")  # PyTorch's names of the two directions
_WEIGHTS = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
_LARGE = 2**20  # texts x tokens x units from which less memory is worth our own LSTM (measured)


@final
class Recurrence(Op):
    """A bidirectional LSTM or GRU whose initial state is learned, per direction (AttentionXML).

    Args:
        kind: ``"lstm"`` or ``"gru"``.
        in_width: C.
        out_width: D; even: half of it comes from each direction.

    Raises:
        ValueError: If ``out_width`` is odd.
    """

    def __init__(self, kind: Literal["lstm", "gru"], in_width: int, out_width: int) -> None:
        super().__init__()
        if out_width % 2:
            raise ValueError(f"`out_width` must be even: two directions; got {out_width}.")
        self.kind = kind
        layer = nn.LSTM if kind == "lstm" else nn.GRU
        self.layer: nn.LSTM | nn.GRU = layer(
            in_width, out_width // 2, batch_first=True, bidirectional=True
        )
        n_states = 2 if kind == "lstm" else 1  # hidden state, and the cell of an LSTM
        self.initial = nn.Parameter(torch.zeros(n_states, 2, 1, out_width // 2))

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """See `Op.forward`."""
        # CUDA: one packed call lets cuDNN run both directions at the same time; it costs a copy
        # of the lengths to the host. CPU: packing costs 1.4 times (GRU) to 2 times (LSTM) what
        # two plain layers do, which also reach oneDNN's fused LSTM.
        if inputs.is_cuda:
            return self.packed(inputs, mask)
        if self._is_large(inputs):
            return self.together(inputs, mask)
        return self.unpacked(inputs, mask)

    def packed(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """Return the outputs, (B, T, D), of one call over packed sequences."""
        packed_inputs = pack_padded_sequence(
            inputs, mask.sum(dim=1).cpu(), batch_first=True, enforce_sorted=False
        )
        packed_outputs, _ = self.layer(packed_inputs, self._state(inputs.shape[0], slice(0, 2)))
        outputs, _ = pad_packed_sequence(
            packed_outputs, batch_first=True, total_length=inputs.shape[1]
        )
        return outputs

    def unpacked(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """Return the same from two calls, the second over texts turned around in place."""
        places = _turned_places(mask)  # (B, T)
        forward = self._direction(inputs, 0)  # (B, T, H)
        backward = _turn(self._direction(_turn(inputs, places), 1), places)
        return torch.cat([forward, backward], dim=2)

    def together(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """Return the same from one call of our own, which trains an LSTM in half the memory."""
        places = _turned_places(mask)
        ways = (inputs, _turn(inputs, places))  # (B, T, C) each
        both = torch.stack([way.transpose(0, 1) for way in ways])  # (2, T, B, C)
        input_weights, state_weights, *biases = (
            torch.stack([getattr(self.layer, name + suffix) for suffix in _SUFFIXES])
            for name in _WEIGHTS
        )
        state = self.initial.expand(-1, -1, inputs.shape[0], -1)  # (2, 2, B, H)
        outputs = lstm(both, state, input_weights, state_weights, biases[0] + biases[1])
        forward, backward = outputs.transpose(1, 2)  # (B, T, H) each
        return torch.cat([forward, _turn(backward, places)], dim=2)

    def _is_large(self, inputs: Tensor) -> bool:
        """Tell whether `together` is the better way: small products suffer from its Python."""
        return (
            self.kind == "lstm"
            and torch.is_grad_enabled()
            and not torch.is_autocast_enabled("cpu")
            and inputs.shape[0] * inputs.shape[1] * self.initial.shape[3] >= _LARGE
        )

    def _direction(self, inputs: Tensor, direction: int) -> Tensor:
        """Run one direction from the first place on; what follows a text cannot reach it."""
        weights = [getattr(self.layer, name + _SUFFIXES[direction]) for name in _WEIGHTS]
        state = self._state(inputs.shape[0], slice(direction, direction + 1))
        options = (weights, True, 1, 0.0, torch.is_grad_enabled(), False, True)
        # weights, with biases, layers, dropout, keep what the gradient needs, both directions,
        # batch first
        if isinstance(state, tuple):
            return torch.lstm(inputs, state, *options)[0]
        return torch.gru(inputs, state, *options)[0]

    def _state(self, n_texts: int, directions: slice) -> Tensor | tuple[Tensor, ...]:
        states = tuple(
            state[directions].expand(-1, n_texts, -1).contiguous() for state in self.initial
        )
        return states if self.kind == "lstm" else states[0]


def _turned_places(mask: Tensor) -> Tensor:
    """Return, for each place, the one it changes with: real tokens turn around, padding stays.

    Example:
        >>> _turned_places(torch.tensor([[True, True, True, False]]))
        tensor([[2, 1, 0, 3]])
    """
    places = torch.arange(mask.shape[1], device=mask.device)
    last = mask.sum(dim=1, keepdim=True) - 1  # (B, 1)
    return torch.where(mask, last - places, places)


def _turn(inputs: Tensor, places: Tensor) -> Tensor:
    turned: Tensor = _Turn.apply(inputs, places)  # type: ignore[no-untyped-call]
    return turned


class _Turn(torch.autograd.Function):
    """A gather that is its own inverse, so its gradient is the same gather (no scatter)."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, places: Tensor) -> Tensor:
        ctx.save_for_backward(places)
        return inputs.gather(1, places[:, :, None].expand_as(inputs))  # (B, T, C)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (places,) = ctx.saved_tensors
        return gradient.gather(1, places[:, :, None].expand_as(gradient)), None
