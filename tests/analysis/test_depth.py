"""Weights by distance from the embedding."""

from __future__ import annotations

from statistics import mean

import pytest

from optuna_xmcnas.analysis import depth_weights
from optuna_xmcnas.analysis import read_history
from optuna_xmcnas.genome import Genome
from tests.analysis.histories import make_history
from tests.analysis.histories import make_row
from tests.analysis.histories import make_study


def _distance(genome: Genome, position: int) -> int:
    source = genome.nodes[position - 1].source
    return 1 if source == 0 else 1 + _distance(genome, source)


def test_weights_are_those_of_a_slow_count() -> None:
    history = read_history(make_study(200))
    found = depth_weights(history)
    slow: dict[int, list[float]] = {}
    for row in history.complete:
        assert row.record is not None
        assert row.record.node_weights is not None
        own: dict[int, list[float]] = {}
        for position, weight in enumerate(row.record.node_weights, start=1):
            own.setdefault(_distance(row.record.genome, position), []).append(weight)
        if len(row.record.node_weights) > 1:
            for distance, weights in own.items():
                slow.setdefault(distance, []).append(mean(weights))
    assert [group.distance for group in found.by_distance] == sorted(slow)
    for group in found.by_distance:
        assert group.weight.mean == pytest.approx(mean(slow[group.distance]))
        assert group.weight.n == len(slow[group.distance])


def test_ops_and_equal_shares_are_told_apart() -> None:
    rows = [make_row(0, 0.5, "bilstm(0) conv3(1) conv1(0)", node_weights=(0.5, 0.2, 0.3))]
    found = depth_weights(make_history(rows))
    assert {g.distance: g.weight.mean for g in found.by_distance} == pytest.approx(
        {1: 0.4, 2: 0.2}
    )
    assert [(g.op, g.distance, g.weight.mean) for g in found.by_op] == [
        ("bilstm", 1, 0.5),
        ("conv1", 1, 0.3),
        ("conv3", 2, 0.2),
    ]
    assert all(group.equal == pytest.approx(1 / 3) for group in found.by_op)


def test_children_of_one_node_say_nothing() -> None:
    found = depth_weights(make_history([make_row(0, 0.5, "bilstm(0)", node_weights=(1.0,))]))
    assert (found.by_distance, found.by_op, found.n_children) == ((), (), 0)


def test_few_children_are_too_few_to_tell() -> None:
    rows = [make_row(0, 0.5, "bilstm(0) conv3(1)", node_weights=(0.6, 0.4))]
    assert depth_weights(make_history(rows)).sentence == (
        "Only 1 finished child has learned weights of two or more nodes; at least 5 are needed."
    )
