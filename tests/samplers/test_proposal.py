"""A proposal survives the storage; anything else in its place is not trusted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from optuna_xmcnas.samplers import Proposal


FULL = Proposal(
    params={"op_1": "bilstm", "rate": 0.5, "n": 2, "flag": True, "none": None},
    identity="abc",
    parent=3,
    mutation="swap_op",
    attempt=2,
)
RANDOM = Proposal(params={"x": 1}, identity="1")
GUIDED = Proposal(params={"x": 1}, identity="1", parent=3, expected=-0.25, guided=True)


@pytest.mark.parametrize("proposal", [FULL, RANDOM, GUIDED])
def test_a_record_gives_back_the_proposal(proposal: Proposal) -> None:
    assert Proposal.from_record(json.loads(json.dumps(proposal.to_record()))) == proposal


def test_a_random_proposal_has_no_parent() -> None:
    assert (RANDOM.parent, RANDOM.mutation, RANDOM.attempt) == (None, None, 1)


def test_without_a_guide_nothing_is_expected() -> None:
    assert (RANDOM.expected, RANDOM.guided) == (None, False)


def test_a_record_from_before_there_were_guides_is_read() -> None:
    record = RANDOM.to_record()
    del record["expected"], record["guided"]
    assert Proposal.from_record(record) == RANDOM


@pytest.mark.parametrize("expected", [float("inf"), -float("inf"), 0, 3])
def test_what_is_expected_may_be_any_number(expected: float) -> None:
    record = {**GUIDED.to_record(), "expected": expected}
    read = Proposal.from_record(json.loads(json.dumps(record)))
    assert read is not None
    assert read.expected == expected
    assert isinstance(read.expected, float)


@pytest.mark.parametrize(
    "record",
    [
        None,
        "",
        '{"format": 1, "params"',
        3,
        [],
        {},
        {"format": 0, "params": {"x": 1}, "identity": "1"},
        {"format": 2, "params": {"x": 1}, "identity": "1"},
        {"format": 1, "identity": "1"},
        {"format": 1, "params": [], "identity": "1"},
        {"format": 1, "params": {"x": 1}},
        {"format": 1, "params": {"x": 1}, "identity": 1},
    ],
)
def test_what_is_no_proposal_is_none(record: object) -> None:
    assert Proposal.from_record(record) is None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"parent": "3"}, {"parent": None}),
        ({"mutation": 3}, {"mutation": None}),
        ({"attempt": None}, {"attempt": 1}),
        ({"expected": "0.5"}, {"expected": None}),
        ({"expected": []}, {"expected": None}),
        ({"guided": 1}, {"guided": False}),
        ({"guided": "yes"}, {"guided": False}),
        ({"later": "field"}, {}),
    ],
)
def test_where_a_proposal_comes_from_may_be_unreadable(
    change: dict[str, Any], expected: dict[str, Any]
) -> None:
    read = Proposal.from_record({**FULL.to_record(), **change})
    assert read is not None
    assert read.to_record() == {**FULL.to_record(), **expected}
