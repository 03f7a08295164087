from __future__ import annotations

import math

import pytest
import torch

from optuna_xmcnas.child.layer_mix import Concatenation
from optuna_xmcnas.child.layer_mix import make_layer_mix
from optuna_xmcnas.child.layer_mix import WeightedSum


def test_weights_begin_equal_and_sum_to_one() -> None:
    mix = WeightedSum(3, 4)
    assert mix.node_weights() == pytest.approx((1 / 3,) * 3)
    torch.testing.assert_close(
        mix([torch.full((2, 5, 4), value) for value in (1.0, 2.0, 6.0)]),
        torch.full((2, 5, 4), 3.0),
    )


def test_the_sum_is_weighted_by_the_softmax_of_the_scores() -> None:
    mix = WeightedSum(2, 1)
    assert mix.scores is not None
    with torch.no_grad():
        mix.scores.copy_(torch.tensor([math.log(3.0), 0.0]))
    weights = mix.node_weights()
    assert weights == pytest.approx((0.75, 0.25))
    assert all(isinstance(weight, float) for weight in weights)
    outputs = [torch.tensor([[[4.0]]]), torch.tensor([[[8.0]]])]
    assert mix(outputs).item() == pytest.approx(5.0)


def test_weights_are_trained() -> None:
    mix = WeightedSum(2, 1)
    optimizer = torch.optim.SGD(mix.parameters(), lr=1.0)
    (-mix([torch.ones(1, 1, 1), torch.zeros(1, 1, 1)]).sum()).backward()
    optimizer.step()
    first, second = mix.node_weights()
    assert first > 0.5 > second
    assert first + second == pytest.approx(1.0, abs=1e-12)


def test_a_single_node_has_weight_one_and_nothing_to_learn() -> None:
    mix = WeightedSum(1, 4)
    output = torch.randn(2, 3, 4)
    assert mix([output]).equal(output)
    assert mix.node_weights() == (1.0,)
    assert not list(mix.parameters())


def test_concatenation_puts_nodes_side_by_side() -> None:
    mix = Concatenation(2, 3)
    first, second = torch.randn(2, 5, 3), torch.randn(2, 5, 3)
    result = mix([first, second])
    assert result.shape == (2, 5, mix.width)
    assert result[:, :, :3].equal(first)
    assert result[:, :, 3:].equal(second)
    assert not list(mix.parameters())


def test_combinations_are_made_by_name() -> None:
    summed, beside = make_layer_mix("sum", 2, 4), make_layer_mix("concat", 2, 4)
    assert (summed.width, beside.width) == (4, 8)
    assert summed.node_weights() == (0.5, 0.5)
    assert beside.node_weights() is None
