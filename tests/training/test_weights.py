from __future__ import annotations

import torch
from torch import nn

from optuna_xmcnas.training.weights import BestWeights


def test_the_last_kept_weights_come_back() -> None:
    layer = nn.BatchNorm1d(2)  # has parameters and buffers
    best = BestWeights(layer)
    best.keep()
    layer(torch.randn(8, 2))
    with torch.no_grad():
        layer.weight.fill_(3.0)
    best.keep()
    mean = layer.running_mean.clone()  # type: ignore[union-attr]
    layer(torch.randn(8, 2) + 5)
    with torch.no_grad():
        layer.weight.fill_(9.0)

    best.restore()

    assert layer.weight.tolist() == [3.0, 3.0]
    torch.testing.assert_close(layer.running_mean, mean)


def test_without_kept_weights_nothing_changes() -> None:
    layer = nn.Linear(2, 2)
    before = layer.weight.clone()
    BestWeights(layer).restore()
    torch.testing.assert_close(layer.weight, before)


def test_weights_kept_elsewhere_can_take_the_place() -> None:
    elsewhere = nn.BatchNorm1d(2)
    elsewhere(torch.randn(8, 2))
    kept = BestWeights(elsewhere)
    kept.keep()
    layer = nn.BatchNorm1d(2)
    best = BestWeights(layer)
    best.replace(kept.kept)
    elsewhere(torch.randn(8, 2))  # what was kept is a copy

    best.restore()

    for name, tensor in layer.state_dict().items():
        assert torch.equal(tensor, kept.kept[name])
