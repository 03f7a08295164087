"""A genome is frozen, checked at birth, and survives JSON and its own text."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from optuna_xmcnas.exceptions import InvalidGenomeError
from optuna_xmcnas.exceptions import XmcNasError
from optuna_xmcnas.genome import Genome
from optuna_xmcnas.genome import GenomeSpace
from optuna_xmcnas.genome import Node


CHAIN = Genome((Node("bilstm", 0), Node("conv3", 1), Node("maxpool3", 2)))


def test_a_genome_is_a_value() -> None:
    same = Genome((Node("bilstm", 0), Node("conv3", 1), Node("maxpool3", 2)))
    assert same == CHAIN
    assert hash(same) == hash(CHAIN)
    assert CHAIN.with_node(3, Node("maxpool3", 1)) != CHAIN
    with pytest.raises(dataclasses.FrozenInstanceError, match="nodes"):
        CHAIN.nodes = ()  # type: ignore[misc]  # what is tested


def test_nodes_may_be_given_as_a_list() -> None:
    nodes: Any = [Node("bilstm", 0)]
    assert Genome(nodes).nodes == (Node("bilstm", 0),)


def test_with_node_changes_one_node_only() -> None:
    changed = CHAIN.with_node(2, Node("bigru", 0))
    assert changed.nodes == (CHAIN.nodes[0], Node("bigru", 0), CHAIN.nodes[2])


@pytest.mark.parametrize("position", [-1, 0, 4])
def test_with_node_refuses_positions_that_are_not_there(position: int) -> None:
    with pytest.raises(InvalidGenomeError, match=rf"within 1\.\.3; got {position}"):
        CHAIN.with_node(position, Node("bigru", 0))


@pytest.mark.parametrize("op", ["", "3conv", "conv 3", "conv,3", "conv(3)", "_conv", "é", None, 3])
def test_an_op_must_be_a_name(op: Any) -> None:
    with pytest.raises(InvalidGenomeError, match="`op` must be a letter"):
        Node(op, 0)


@pytest.mark.parametrize("source", [-1, 1.0, "0", None, True])
def test_a_source_must_be_a_number_from_0(source: Any) -> None:
    with pytest.raises(InvalidGenomeError, match="`source` must be a whole number"):
        Node("conv3", source)


def test_a_genome_without_nodes_is_refused() -> None:
    with pytest.raises(InvalidGenomeError, match="at least one node"):
        Genome(())


def test_a_node_reads_only_what_is_there_already() -> None:
    with pytest.raises(InvalidGenomeError, match=r"node 2 \(conv3\) reads output 2; .* 0\.\.1"):
        Genome((Node("bilstm", 0), Node("conv3", 2)))


def test_something_else_than_a_node_is_refused() -> None:
    nodes: Any = (Node("bilstm", 0), ("conv3", 0))
    with pytest.raises(InvalidGenomeError, match=r"node 2 must be a Node; got \('conv3', 0\)"):
        Genome(nodes)


def test_the_error_can_be_caught_broadly() -> None:
    assert issubclass(InvalidGenomeError, XmcNasError)
    assert issubclass(InvalidGenomeError, ValueError)


def test_json_gives_back_every_genome() -> None:
    rng = np.random.default_rng(0)
    for _ in range(100):
        genome = GenomeSpace(min_layers=1).random(rng)
        assert Genome.from_json(genome.to_json()) == genome


def test_json_is_stable() -> None:
    text = '{"format": 1, "nodes": [["bilstm", 0], ["conv3", 1], ["maxpool3", 2]]}'
    assert CHAIN.to_json() == text


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "must be JSON text"),
        ("{'format': 1}", "must be JSON text"),
        ("[1, 2]", r"format version 1; got \[1, 2\]"),
        ("null", "format version 1; got None"),
        ('{"nodes": [["bilstm", 0]]}', "format version 1; got None"),
        ('{"format": 2, "nodes": [["bilstm", 0]]}', "format version 1; got 2"),
        ('{"format": 1}', "list of .* pairs; got None"),
        ('{"format": 1, "nodes": 3}', "list of .* pairs; got 3"),
        ('{"format": 1, "nodes": ["bilstm"]}', "list of .* pairs"),
        ('{"format": 1, "nodes": [["bilstm", 0, 0]]}', "list of .* pairs"),
        ('{"format": 1, "nodes": []}', "at least one node"),
        ('{"format": 1, "nodes": [["bilstm", 1]]}', "reads output 1"),
        ('{"format": 1, "nodes": [[["bilstm"], 0]]}', "`op` must be"),
        ('{"format": 1, "nodes": [["bilstm", "0"]]}', "`source` must be"),
    ],
)
def test_a_foreign_record_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(InvalidGenomeError, match=complaint):
        Genome.from_json(text)


def test_a_record_of_a_later_format_names_both_versions() -> None:
    later = json.dumps({**json.loads(CHAIN.to_json()), "format": 7})
    with pytest.raises(InvalidGenomeError, match="version 1; got 7"):
        Genome.from_json(later)


def test_text_gives_back_every_genome() -> None:
    rng = np.random.default_rng(0)
    for _ in range(100):
        genome = GenomeSpace(min_layers=1, max_layers=12).random(rng)
        assert Genome.from_text(str(genome)) == genome


def test_a_text_may_be_spaced_as_one_likes() -> None:
    assert Genome.from_text("  1:bilstm(0)\n2:conv3(1)\t3:maxpool3(2) ") == CHAIN


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "at least one node"),
        ("bilstm", r"node 1 .* written 1:op\(source\).*; got 'bilstm'"),
        ("1:bilstm(0) 2:conv3", "node 2 .* got '2:conv3'"),
        ("1:bilstm(0)2:conv3(0)", "node 1 .* got"),
        ("1:bilstm(-1)", "node 1 .* got"),
        ("1: bilstm(0)", "node 1 .* got '1:'"),
        ("1:bilstm(0), 2:conv3(0)", r"node 1 .* got '1:bilstm\(0\),'"),
        ("1:bilstm(0) 3:conv3(0)", r"numbered 1, 2, 3, \.\.\.; got '3:conv3\(0\)' in place 2"),
        ("1:bilstm(1)", "node 1 .bilstm. reads output 1"),
        ("1:3conv(0)", "`op` must be a letter"),
        ("1:bilstm(\u0663)", "node 1"),
        ("1:bilstm(" + "9" * 5000 + ")", "node 1"),
    ],
)
def test_a_foreign_text_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(InvalidGenomeError, match=complaint):
        Genome.from_text(text)
