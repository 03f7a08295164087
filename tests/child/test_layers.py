"""Each op against a loop over single texts, places and widths."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
import torch.nn.functional as F

from optuna_xmcnas.child.embedding import padding_mask
from optuna_xmcnas.child.layers import AveragePooling
from optuna_xmcnas.child.layers import Convolution
from optuna_xmcnas.child.layers import MaxPooling


_LENGTHS = torch.tensor([5, 1, 2, 7])


def _batch(width: int) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    mask = ~padding_mask(_LENGTHS, int(_LENGTHS.max()))
    inputs = torch.randn(*mask.shape, width) * mask[:, :, None]
    return inputs, mask


def _windows(text: Tensor, kernel: int) -> list[list[Tensor | None]]:
    """Return, for each token, its neighbours from left to right; None beyond the text."""
    reach = kernel // 2
    return [
        [text[j] if 0 <= j < len(text) else None for j in range(i - reach, i + reach + 1)]
        for i in range(len(text))
    ]


@pytest.mark.parametrize("kernel", [1, 3, 5, 7])
def test_convolution_weighs_neighbours_and_sees_zeros_beyond_the_text(kernel: int) -> None:
    inputs, mask = _batch(4)
    op = Convolution(kernel, 4, 6)
    outputs = op(inputs, mask)
    for row, length in enumerate(_LENGTHS.tolist()):
        for place, window in enumerate(_windows(inputs[row, :length], kernel)):
            expected = op.convolution.bias
            assert expected is not None
            for step, neighbour in enumerate(window):
                if neighbour is not None:
                    expected = expected + op.convolution.weight[:, :, step] @ neighbour
            torch.testing.assert_close(outputs[row, place], expected.clamp(min=0))


def test_max_pooling_takes_the_largest_neighbour_of_the_text() -> None:
    inputs, mask = _batch(4)
    inputs -= 10 * mask[:, :, None]  # all below zero: a padding seen as zero would win
    outputs = MaxPooling(3, 4, 4)(inputs, mask)
    for row, length in enumerate(_LENGTHS.tolist()):
        for place, window in enumerate(_windows(inputs[row, :length], 3)):
            seen = torch.stack([neighbour for neighbour in window if neighbour is not None])
            assert outputs[row, place].equal(seen.max(dim=0).values)


def test_average_pooling_divides_by_the_neighbours_of_the_text() -> None:
    inputs, mask = _batch(4)
    outputs = AveragePooling(3, 4, 4)(inputs, mask)
    for row, length in enumerate(_LENGTHS.tolist()):
        for place, window in enumerate(_windows(inputs[row, :length], 3)):
            seen = torch.stack([neighbour for neighbour in window if neighbour is not None])
            torch.testing.assert_close(outputs[row, place], seen.mean(dim=0))


@pytest.mark.parametrize("pooling", [MaxPooling, AveragePooling])
def test_pooling_has_weights_only_where_the_width_changes(
    pooling: type[MaxPooling | AveragePooling],
) -> None:
    assert not list(pooling(3, 4, 4).parameters())
    inputs, mask = _batch(4)
    op, plain = pooling(3, 4, 6), pooling(3, 4, 4)
    weight, bias = op.projection.parameters()
    expected = F.linear(plain(inputs, mask), weight, bias)
    torch.testing.assert_close(op(inputs, mask)[mask], expected[mask])


@pytest.mark.parametrize("pooling", [MaxPooling, AveragePooling])
def test_pooling_sends_finite_gradients(
    pooling: type[MaxPooling | AveragePooling],
) -> None:
    inputs, mask = _batch(4)
    inputs.requires_grad_()
    op = pooling(3, 4, 6)
    op(inputs, mask)[mask].sum().backward()
    assert inputs.grad is not None
    assert inputs.grad.isfinite().all()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in op.parameters())
