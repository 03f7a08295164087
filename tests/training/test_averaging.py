from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from optuna_xmcnas.training.averaging import WeightAverage


def _layer(value: float = 0.0) -> nn.Linear:
    layer = nn.Linear(3, 2)
    nn.init.constant_(layer.weight, value)
    return layer


def test_the_mean_is_that_of_all_moments() -> None:
    layer = _layer()
    average = WeightAverage(layer)
    seen = []
    for _ in range(7):
        nn.init.normal_(layer.weight)
        seen.append(layer.weight.detach().numpy().copy())
        average.add()
    np.testing.assert_allclose(average.mean["weight"], np.mean(seen, axis=0), atol=1e-6)
    assert average.count == 7


def test_one_moment_is_its_own_mean_bit_by_bit() -> None:
    layer = _layer(0.1)
    average = WeightAverage(layer)
    average.add()
    nn.init.constant_(layer.weight, 5.0)
    with average.applied():
        assert torch.equal(layer.weight, torch.full((2, 3), 0.1))


def test_weights_come_back_bit_by_bit_whatever_happens() -> None:
    layer = _layer()
    average = WeightAverage(layer)
    for _ in range(2):
        nn.init.normal_(layer.weight)
        average.add()
    own, place = layer.weight.detach().clone(), layer.weight.data_ptr()

    def fail() -> None:
        with average.applied():
            assert not torch.equal(layer.weight, own)
            assert layer.weight.data_ptr() == place  # cuDNN wants the weights where they were
            raise KeyError("the test")

    with pytest.raises(KeyError, match="the test"):
        fail()
    assert torch.equal(layer.weight, own)


def test_without_a_moment_nothing_is_lent() -> None:
    layer = _layer(2.0)
    average = WeightAverage(layer)
    with average.applied():
        assert layer.weight.flatten().tolist() == [2.0] * 6
    assert (dict(average.mean), average.count) == ({}, 0)


def test_what_is_not_trained_is_not_averaged() -> None:
    layer = _layer()
    layer.weight.requires_grad = False
    average = WeightAverage(layer)
    average.add()
    assert set(average.mean) == {"bias"}


def test_it_goes_on_from_the_mean_of_another() -> None:
    layer, elsewhere = _layer(1.0), _layer(5.0)
    first = WeightAverage(layer)
    first.add()
    second = WeightAverage(elsewhere)
    second.replace(first.mean, first.count)
    second.add()
    assert second.mean["weight"].flatten().tolist() == [3.0] * 6
    assert first.mean["weight"].flatten().tolist() == [1.0] * 6  # it was copied
