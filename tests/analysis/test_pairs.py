"""Weights of two nodes that read the embedding."""

from __future__ import annotations

from itertools import permutations
from statistics import mean

import pytest

from optuna_xmcnas.analysis import paired_weights
from optuna_xmcnas.analysis import read_history
from tests.analysis.histories import make_history
from tests.analysis.histories import make_row
from tests.analysis.histories import make_study


def test_shares_are_those_of_a_slow_count() -> None:
    history = read_history(make_study(200))
    found = paired_weights(history)
    slow: dict[tuple[str, str], list[float]] = {}
    for row in history.complete:
        if row.record is None or row.record.node_weights is None:
            continue
        shares: dict[tuple[str, str], list[float]] = {}
        weighted = zip(row.record.genome.nodes, row.record.node_weights, strict=True)
        readers = [(node.op, weight) for node, weight in weighted if node.source == 0]
        for (op, weight), (other, its) in permutations(readers, 2):
            own = max(weight, its) if op == other else weight
            shares.setdefault((op, other), []).append(own / (weight + its))
        for key, values in shares.items():
            slow.setdefault(key, []).append(mean(values))
    assert set(found.cells) == set(slow)
    for key, values in slow.items():
        assert found.cells[key].share.mean == pytest.approx(mean(values))
        assert found.cells[key].n == len(values)


def test_both_ops_of_a_pair_share_what_they_weigh() -> None:
    rows = [make_row(0, 0.5, "conv3(0) bilstm(0) conv1(1)", node_weights=(0.2, 0.6, 0.2))]
    found = paired_weights(make_history(rows))
    assert set(found.cells) == {("bilstm", "conv3"), ("conv3", "bilstm")}
    assert found.cells["bilstm", "conv3"].share.mean == pytest.approx(0.75)
    assert found.cells["bilstm", "conv3"].weight.mean == pytest.approx(0.6)
    assert found.cells["conv3", "bilstm"].share.mean == pytest.approx(0.25)
    assert found.cells["conv3", "bilstm"].weight.mean == pytest.approx(0.2)


def test_order_of_the_nodes_does_not_matter() -> None:
    one = [make_row(0, 0.5, "conv3(0) bilstm(0)", node_weights=(0.2, 0.8))]
    other = [make_row(0, 0.5, "bilstm(0) conv3(0)", node_weights=(0.8, 0.2))]
    assert paired_weights(make_history(one)) == paired_weights(make_history(other))


def test_of_two_equal_ops_the_heavier_one_counts() -> None:
    rows = [
        make_row(0, 0.5, "bilstm(0) bilstm(0)", node_weights=(0.4, 0.6)),
        make_row(1, 0.5, "bilstm(0) bilstm(0)", node_weights=(0.8, 0.2)),
    ]
    cell = paired_weights(make_history(rows)).cells["bilstm", "bilstm"]
    assert cell.share.mean == pytest.approx(0.7)
    assert cell.n == 2


def test_child_with_several_such_pairs_counts_once() -> None:
    rows = [make_row(0, 0.5, "bilstm(0) conv3(0) conv3(0)", node_weights=(0.5, 0.5, 0.0))]
    cell = paired_weights(make_history(rows)).cells["bilstm", "conv3"]
    assert cell.share.mean == pytest.approx(0.75)
    assert cell.n == 1


@pytest.mark.parametrize("weights", [None, (0.5,), (0.5, 0.5, 0.0), (0.0, 0.0), (1.5, -0.5)])
def test_weights_that_cannot_be_are_left_out(weights: tuple[float, ...] | None) -> None:
    rows = [make_row(0, 0.5, "bilstm(0) conv3(0)", node_weights=weights)]
    found = paired_weights(make_history(rows))
    assert (found.cells, found.ops, found.n_children) == ({}, (), 0)
    assert found.sentence.startswith("No finished child")


def test_few_children_are_too_few_to_tell() -> None:
    rows = [make_row(i, 0.5, "bilstm(0) conv3(0)", node_weights=(0.8, 0.2)) for i in range(4)]
    assert "too few to say" in paired_weights(make_history(rows)).sentence
    rows.append(make_row(4, 0.5, "bilstm(0) conv3(0)", node_weights=(0.7, 0.3)))
    assert paired_weights(make_history(rows)).sentence == (
        "1 of 1 pair of different operations with at least 5 children weighs clearly unequally; "
        "the most unequal is bilstm beside conv3 with 78.0 ± 5.6 % of what both weigh "
        "(5 children)."
    )
