"""Learned node weights by operation and position."""

from __future__ import annotations

import pytest

from optuna_xmcnas.analysis import position_weights
from tests.analysis.histories import make_history
from tests.analysis.histories import make_row


def test_weights_are_kept_apart_by_op_and_position() -> None:
    rows = [
        make_row(0, 0.5, "bilstm(0) conv3(0)", node_weights=(0.7, 0.3)),
        make_row(1, 0.5, "bilstm(0) bilstm(0) conv3(0)", node_weights=(0.5, 0.3, 0.2)),
    ]
    found = position_weights(make_history(rows))
    means = {key: cell.weight.mean for key, cell in found.cells.items()}
    assert means == pytest.approx(
        {("bilstm", 1): 0.6, ("bilstm", 2): 0.3, ("conv3", 2): 0.3, ("conv3", 3): 0.2}
    )
    assert found.cells["bilstm", 1].weight.n == 2
    assert found.cells["bilstm", 1].equal == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert found.n_positions == 3


def test_child_counts_once_for_an_op() -> None:
    rows = [make_row(0, 0.5, "bilstm(0) bilstm(0) conv3(0)", node_weights=(0.5, 0.3, 0.2))]
    bilstm, conv3 = position_weights(make_history(rows)).by_op
    assert (bilstm.op, bilstm.weight.mean, bilstm.weight.n) == ("bilstm", 0.4, 1)
    assert (conv3.op, conv3.position) == ("conv3", None)


def test_few_children_are_too_few_to_tell() -> None:
    rows = [make_row(i, 0.5, "bilstm(0) conv3(0)", node_weights=(0.7, 0.3)) for i in range(4)]
    assert position_weights(make_history(rows)).sentence.startswith("Only 4 finished children")
    rows.append(make_row(4, 0.5, "bilstm(0) conv3(0)", node_weights=(0.7, 0.3)))
    assert position_weights(make_history(rows)).sentence == (
        "By their own intervals, bilstm weighs more than an equal share, 70.0 ± 0.0 % where 50 % "
        "would be equal (5 children); conv3 weighs less, 30.0 ± 0.0 % where 50 % would be equal "
        "(5 children)."
    )


def test_weights_near_an_equal_share_are_not_told_apart() -> None:
    shares = (0.55, 0.45, 0.52, 0.48, 0.51)
    rows = [
        make_row(i, 0.5, "bilstm(0) conv3(0)", node_weights=(share, 1 - share))
        for i, share in enumerate(shares)
    ]
    sentence = position_weights(make_history(rows)).sentence
    assert sentence.startswith("No operation weighs clearly more or less than an equal share")


def test_study_without_weights_says_so() -> None:
    found = position_weights(make_history([make_row(0, 0.5, "bilstm(0) conv3(0)")]))
    assert found.sentence == "No finished child has learned weights of two or more nodes."


def test_one_operation_is_not_compared() -> None:
    rows = [make_row(i, 0.5, "conv3(0) conv3(1)", node_weights=(0.4, 0.6)) for i in range(9)]
    assert position_weights(make_history(rows)).sentence == (
        "All weighted nodes are conv3, so there is nothing to compare it with."
    )


def test_too_few_of_the_second_operation_are_counted() -> None:
    rows = [make_row(i, 0.5, "conv3(0) conv3(1)", node_weights=(0.4, 0.6)) for i in range(9)]
    rows.append(make_row(9, 0.5, "conv3(0) conv5(0)", node_weights=(0.4, 0.6)))
    sentence = position_weights(make_history(rows)).sentence
    assert "needed of each of two operations" in sentence
    assert "conv3 10" in sentence
    assert "conv5 1" in sentence
