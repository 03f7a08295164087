"""The judge is PyTorch's own LSTM, a direction at a time."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from optuna_xmcnas.child.lstm import lstm


@pytest.mark.parametrize("n_tokens", [1, 7])
def test_outputs_and_gradients_equal_those_of_pytorch(n_tokens: int) -> None:
    torch.manual_seed(0)
    layers = [nn.LSTM(4, 5, dtype=torch.float64) for _ in range(2)]
    inputs = torch.randn(2, n_tokens, 3, 4, dtype=torch.float64, requires_grad=True)
    state = torch.randn(2, 2, 3, 5, dtype=torch.float64, requires_grad=True)
    weights = [
        torch.stack([layer.get_parameter(f"{name}_l0") for layer in layers]).detach()
        for name in ("weight_ih", "weight_hh", "bias_ih")
    ]
    for layer in layers:
        layer.get_parameter("bias_hh_l0").data.zero_()
    leaves = [inputs, state, *(weight.requires_grad_() for weight in weights)]
    found = lstm(inputs, state, weights[0], weights[1], weights[2])
    expected = torch.stack(
        [
            layer(inputs[i], (state[0, i : i + 1], state[1, i : i + 1]))[0]
            for i, layer in enumerate(layers)
        ]
    )
    torch.testing.assert_close(found, expected)

    share = torch.randn_like(found)
    of_inputs = torch.autograd.grad((expected * share).sum(), leaves[:2], retain_graph=True)
    of_weights = [
        torch.stack(
            torch.autograd.grad(
                (expected * share).sum(),
                [layer.get_parameter(f"{name}_l0") for layer in layers],
                retain_graph=True,
            )
        )
        for name in ("weight_ih", "weight_hh", "bias_ih")
    ]
    gradients = torch.autograd.grad((found * share).sum(), leaves)
    torch.testing.assert_close(gradients, (*of_inputs, *of_weights))
