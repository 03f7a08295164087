"""Two directions of an LSTM at a time, for training on the CPU.

Letters: B texts, T tokens, C width of the input, H units per direction.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


_GATES = 4  # input, forget, output, and what is new; PyTorch's order has the last two swapped


def lstm(
    inputs: Tensor, state: Tensor, input_weights: Tensor, state_weights: Tensor, bias: Tensor
) -> Tensor:
    """Return the outputs of two LSTMs of one direction each, shape (2, T, B, H).

    Both take each step in the same product, and what the gradient needs are the gates and the
    cells. PyTorch's LSTM, run once per direction, keeps more than twice as much, and always
    computes a gradient of its input, which frozen word vectors do not need.

    The gradient can be computed once: it is put where the gates were.

    Args:
        inputs: For each direction, in the order in which it reads, shape (2, T, B, C).
        state: Hidden state and cell to begin with, shape (2, 2, B, H): state, then direction.
        input_weights: Shape (2, 4 H, C), the gates in PyTorch's order.
        state_weights: Shape (2, 4 H, H).
        bias: Shape (2, 4 H).

    Example:
        >>> weights = [torch.zeros(2, 20, 4), torch.zeros(2, 20, 5), torch.zeros(2, 20)]
        >>> lstm(torch.zeros(2, 3, 1, 4), torch.zeros(2, 2, 1, 5), *weights).shape
        torch.Size([2, 3, 1, 5])
    """
    reordered = [_reorder(weights) for weights in (input_weights, state_weights, bias)]
    outputs: Tensor = _LSTM.apply(inputs, *state, *reordered)  # type: ignore[no-untyped-call]
    return outputs


def _reorder(weights: Tensor) -> Tensor:
    """Put the three gates that a sigmoid closes side by side: (2, 4 H, ...), same shape."""
    entering, forgetting, new, leaving = weights.chunk(_GATES, dim=1)
    return torch.cat([entering, forgetting, leaving, new], dim=1)


class _LSTM(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        inputs: Tensor,
        hidden: Tensor,
        cell: Tensor,
        input_weights: Tensor,
        state_weights: Tensor,
        bias: Tensor,
    ) -> Tensor:
        _, n_tokens, n_texts, in_width = inputs.shape
        units = hidden.shape[2]
        flat = inputs.reshape(2, -1, in_width)  # (2, T B, C)
        gates = torch.baddbmm(bias[:, None], flat, input_weights.mT)
        gates = gates.view(2, n_tokens, n_texts, _GATES * units)
        outputs = gates.new_empty(2, n_tokens + 1, n_texts, units)
        cells = torch.empty_like(outputs)
        outputs[:, 0], cells[:, 0] = hidden, cell
        transposed = state_weights.mT.contiguous()
        squashed = torch.empty_like(hidden)
        before, cell_before = outputs[:, 0], cells[:, 0]
        for gate, after, cell_after in zip(
            gates.unbind(1), outputs[:, 1:].unbind(1), cells[:, 1:].unbind(1), strict=True
        ):
            gate.baddbmm_(before, transposed)
            gate[:, :, : 3 * units].sigmoid_()
            gate[:, :, 3 * units :].tanh_()
            entering, forgetting, leaving, new = gate.chunk(_GATES, dim=2)
            torch.mul(forgetting, cell_before, out=cell_after).addcmul_(entering, new)
            torch.mul(leaving, torch.tanh(cell_after, out=squashed), out=after)
            before, cell_before = after, cell_after
        ctx.save_for_backward(flat, input_weights, state_weights, gates, outputs, cells)
        return outputs[:, 1:]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        flat, input_weights, state_weights, gates, outputs, cells = ctx.saved_tensors
        _, n_tokens, n_texts, four_units = gates.shape
        units = four_units // _GATES
        hidden, cell, wanted, squashed = (torch.zeros_like(outputs[:, 0]) for _ in range(4))
        opened = gates.new_empty(2, n_texts, 3 * units)  # gradients of what the sigmoids return
        entering_, forgetting_, leaving_ = opened.chunk(3, dim=2)
        steps = zip(
            gates.unbind(1),
            cells[:, :-1].unbind(1),
            cells[:, 1:].unbind(1),
            gradient.unbind(1),
            strict=True,
        )
        for gate, cell_before, cell_after, from_above in reversed(list(steps)):
            entering, forgetting, leaving, new = gate.chunk(_GATES, dim=2)
            hidden += from_above
            torch.tanh(cell_after, out=squashed)
            torch.mul(hidden, squashed, out=leaving_)
            torch.mul(hidden, leaving, out=wanted)
            cell += torch.ops.aten.tanh_backward(wanted, squashed)
            torch.mul(cell, new, out=entering_)
            torch.mul(cell, cell_before, out=forgetting_)
            torch.mul(cell, entering, out=wanted)
            cell *= forgetting
            sigmoids = gate[:, :, : 3 * units]
            torch.ops.aten.sigmoid_backward(opened, sigmoids, grad_input=sigmoids)
            torch.ops.aten.tanh_backward(wanted, new, grad_input=new)
            torch.bmm(gate, state_weights, out=hidden)  # (2, B, 4 H) @ (2, 4 H, H)
        change = gates.view(2, -1, four_units)  # gradients by now, (2, T B, 4 H)
        from_inputs = None
        if ctx.needs_input_grad[0]:
            from_inputs = (change @ input_weights).view(2, n_tokens, n_texts, -1)
        to_states = [  # direction by direction, as together they would have to be copied
            gradients.T @ states[:-1].view(-1, units)
            for gradients, states in zip(change, outputs, strict=True)
        ]
        return (
            from_inputs,
            hidden,
            cell,
            change.mT @ flat,
            torch.stack(to_states),
            change.sum(dim=1),
        )
