"""A space knows its genomes: how many, which, and how to draw one."""

from __future__ import annotations

from collections import Counter
from itertools import product
import json
from typing import Any

import numpy as np
import pytest

from optuna_xmcnas.exceptions import InvalidGenomeError
from optuna_xmcnas.genome import DEFAULT_OPS
from optuna_xmcnas.genome import Genome
from optuna_xmcnas.genome import GenomeSpace
from optuna_xmcnas.genome import Node


FROZEN = (Node("bigru", 0), Node("conv7", 0))
SPACES = {
    "small": GenomeSpace(ops=("conv3", "bilstm"), min_layers=1, max_layers=3),
    "narrow window": GenomeSpace(ops=("conv3", "bilstm"), min_layers=2, max_layers=4, window=2),
    "chain": GenomeSpace(ops=("conv3", "bilstm", "bigru"), max_layers=4, window=1),
    "fixed depth": GenomeSpace(ops=("conv3", "bilstm"), min_layers=3, max_layers=3),
    "one op": GenomeSpace(ops=("conv3",), min_layers=1, max_layers=5),
    "frozen": GenomeSpace(ops=("conv3", "bilstm"), max_layers=4, frozen=FROZEN),
}


@pytest.fixture(params=SPACES)
def space(request: pytest.FixtureRequest) -> GenomeSpace:
    return SPACES[request.param]


def all_genomes(space: GenomeSpace) -> set[Genome]:
    """Return every genome: all combinations of ops and sources, less those not in the space."""
    ops = {*space.ops, *(node.op for node in space.frozen)}
    found = set()
    for n_layers in range(space.min_layers, space.max_layers + 1):
        choices = [[Node(op, s) for op in ops for s in range(i)] for i in range(1, n_layers + 1)]
        found |= {Genome(nodes) for nodes in product(*choices) if Genome(nodes) in space}
    return found


def test_the_default_space_is_the_papers() -> None:
    space = GenomeSpace()
    assert space.ops == DEFAULT_OPS
    assert len(DEFAULT_OPS) == 8
    assert (space.min_layers, space.max_layers, space.window) == (2, 6, 5)
    # node i: 8 ops and min(i, 5) sources
    by_depth = [8**n * [1, 2, 6, 24, 120, 600][n - 1] for n in range(2, 7)]
    assert space.n_genomes == sum(by_depth)


def test_n_genomes_is_what_enumeration_counts(space: GenomeSpace) -> None:
    assert len(all_genomes(space)) == space.n_genomes


def test_random_genomes_are_in_the_space(space: GenomeSpace) -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        genome = space.random(rng)
        assert genome in space
        assert genome.nodes[: len(space.frozen)] == space.frozen


def test_every_genome_can_be_drawn(space: GenomeSpace) -> None:
    rng = np.random.default_rng(0)
    genomes = all_genomes(space)
    drawn = {space.random(rng) for _ in range(30 * len(genomes))}
    assert drawn == genomes


def test_depth_ops_and_sources_are_drawn_uniformly() -> None:
    space = GenomeSpace(ops=("conv3", "bilstm"), min_layers=2, max_layers=4)
    rng = np.random.default_rng(0)
    genomes = [space.random(rng) for _ in range(3000)]
    depths = Counter(genome.n_layers for genome in genomes)
    second = Counter((genome.nodes[1].op, genome.nodes[1].source) for genome in genomes)
    assert all(abs(count - 1000) < 4 * 26 for count in depths.values())  # four deviations
    assert all(abs(count - 750) < 4 * 24 for count in second.values())


def test_draws_depend_on_the_generator_only(space: GenomeSpace) -> None:
    one, other = np.random.default_rng(3), np.random.default_rng(3)
    assert [space.random(one) for _ in range(10)] == [space.random(other) for _ in range(10)]


@pytest.mark.parametrize("thing", [None, "conv3", (Node("conv3", 0),), 1])
def test_other_things_are_not_in_a_space(thing: object) -> None:
    assert thing not in SPACES["small"]


@pytest.mark.parametrize(
    ("name", "nodes", "complaint"),
    [
        ("narrow window", (Node("conv3", 0),), r"has 2\.\.4 layers; got 1"),
        ("small", (Node("conv3", 0),) * 4, r"has 1\.\.3 layers; got 4"),
        ("small", (Node("bigru", 0),), "applies 'bigru'; allowed: conv3, bilstm"),
        (
            "narrow window",
            (Node("conv3", 0), Node("conv3", 0), Node("conv3", 0)),
            r"reads output 0; allowed: 1\.\.2",
        ),
        ("frozen", (Node("conv3", 0), Node("conv3", 0)), r"begins with 1:bigru\(0\) 2:conv7\(0\)"),
        ("frozen", (*FROZEN, Node("bigru", 0)), "node 3 applies 'bigru'"),
    ],
)
def test_check_says_why_a_genome_is_not_in_the_space(
    name: str, nodes: tuple[Node, ...], complaint: str
) -> None:
    with pytest.raises(InvalidGenomeError, match=complaint):
        SPACES[name].check(Genome(nodes))
    assert Genome(nodes) not in SPACES[name]


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"ops": ()}, "at least one operation"),
        ({"ops": "conv3"}, "sequence of names; got the text 'conv3'"),
        ({"ops": ("conv3", "conv3")}, "must not repeat"),
        ({"ops": ("3conv",)}, "must be a letter"),
        ({"min_layers": 0}, "1 <= min <= max; got 0 and 6"),
        ({"min_layers": 7}, "1 <= min <= max; got 7 and 6"),
        ({"min_layers": 2.0}, "`min_layers` must be a whole number; got 2.0"),
        ({"max_layers": "6"}, "`max_layers` must be a whole number; got '6'"),
        ({"window": True}, "`window` must be a whole number; got True"),
        ({"window": 0}, "`window` must be at least 1; got 0"),
        ({"frozen": FROZEN, "min_layers": 1}, "at least 2; got 1"),
        ({"frozen": FROZEN, "max_layers": 2}, "nothing is left to search"),
        ({"frozen": (Node("bigru", 1),)}, r"node 1 \(bigru\) reads output 1"),
    ],
)
def test_impossible_spaces_are_refused(settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        GenomeSpace(**settings)


def test_ops_and_frozen_nodes_may_be_lists() -> None:
    settings: dict[str, Any] = {"ops": ["conv3"], "frozen": [Node("bigru", 0)]}
    assert GenomeSpace(**settings) == GenomeSpace(ops=("conv3",), frozen=(Node("bigru", 0),))


def test_a_space_need_not_know_the_layers_of_an_op() -> None:
    space = GenomeSpace(ops=("my_op", "their.op-2"), max_layers=3)
    assert Genome((Node("my_op", 0), Node("their.op-2", 1))) in space


def test_json_gives_back_the_space(space: GenomeSpace) -> None:
    assert GenomeSpace.from_json(space.to_json()) == space


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"format": 2}, "format version 1; got 2"),
        ({"format": None}, "format version 1; got None"),
        ({"ops": None}, "not the record of a genome space"),
        ({"ops": "conv3"}, "got the text 'conv3'"),
        ({"min_layers": "2"}, "`min_layers` must be a whole number"),
        ({"max_layers": 1}, "1 <= min <= max"),
        ({"frozen": [["conv3"]]}, "not the record of a genome space"),
        ({"frozen": [["conv3", 4]]}, "reads output 4"),
    ],
)
def test_a_foreign_record_is_refused(change: dict[str, Any], complaint: str) -> None:
    record = {**json.loads(GenomeSpace().to_json()), **change}
    with pytest.raises(InvalidGenomeError, match=complaint):
        GenomeSpace.from_json(json.dumps(record))


@pytest.mark.parametrize("text", ["", "[]", "3", '{"ops": ["conv3"]}'])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidGenomeError, match=r"JSON text|format version"):
        GenomeSpace.from_json(text)


def test_a_record_without_a_field_is_refused() -> None:
    record = json.loads(GenomeSpace().to_json())
    del record["window"]
    with pytest.raises(InvalidGenomeError, match="window"):
        GenomeSpace.from_json(json.dumps(record))
