"""Genomes in numbers: equal exactly for equal networks, and counted by a slow second count."""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import pytest

from optuna_xmcnas import Genome
from optuna_xmcnas import GenomeSpace
from optuna_xmcnas import Node
from optuna_xmcnas.genome import canonical_hash
from optuna_xmcnas.guides import GenomeFeatures


SMALL = GenomeSpace(ops=("conv3", "bilstm"), min_layers=1, max_layers=4)
LARGE = GenomeSpace(min_layers=2, max_layers=7, window=3)


def everything(space: GenomeSpace) -> list[Genome]:
    found = []
    for n_layers in range(space.min_layers, space.max_layers + 1):
        places = [product(space.ops, space.sources(i)) for i in range(1, n_layers + 1)]
        for nodes in product(*(list(place) for place in places)):
            found.append(Genome(tuple(Node(op, source) for op, source in nodes)))
    assert len(found) == space.n_genomes
    return found


def test_slots_agree_exactly_if_two_genomes_are_the_same_network() -> None:
    features = GenomeFeatures(SMALL)
    slots = features.groups["slots"]
    pairs = {(canonical_hash(g), features.row(g)[slots].tobytes()) for g in everything(SMALL)}
    hashes, rows = ({pair[i] for pair in pairs} for i in (0, 1))
    assert len(pairs) == len(hashes) == len(rows) > 100


@pytest.mark.parametrize("space", [SMALL, LARGE], ids=["small", "large"])
def test_equal_networks_have_equal_numbers_and_others_have_not(space: GenomeSpace) -> None:
    features, rng = GenomeFeatures(space), np.random.default_rng(0)
    rows: dict[str, bytes] = {}
    for _ in range(300):
        genome = space.random(rng)
        row = features.row(genome).tobytes()
        assert rows.setdefault(canonical_hash(genome), row) == row
    assert len(set(rows.values())) == len(rows)


def test_ops_and_pairs_are_counted() -> None:
    features, rng = GenomeFeatures(LARGE), np.random.default_rng(1)
    for _ in range(50):
        genome = LARGE.random(rng)
        expected = Counter(node.op for node in genome.nodes)
        for node in genome.nodes:
            read = genome.nodes[node.source - 1].op if node.source else "embedding"
            expected[f"{node.op} of {read}"] += 1
        counted = dict(zip(features.names, features.row(genome).tolist(), strict=True))
        n_slots = features.groups["slots"].stop
        found = {n: v for n, v in counted.items() if v and n in features.names[n_slots:]}
        assert found == dict(expected)


def test_groups_cover_all_numbers_once() -> None:
    features = GenomeFeatures(LARGE)
    assert list(features.groups) == ["slots", "counts", "first", "pairs"]
    columns = [c for group in features.groups.values() for c in range(len(features.names))[group]]
    assert columns == list(range(len(features.names)))
    assert len(set(features.names)) == len(features.names)


def test_each_node_has_one_op_and_one_source() -> None:
    features, genome = GenomeFeatures(SMALL), Genome((Node("conv3", 0), Node("bilstm", 1)))
    row = features.row(genome)
    assert row.dtype == np.float32
    assert row.shape == (len(features.names),)
    assert row[features.groups["slots"]].sum() == 2 * genome.n_layers
    assert row[features.groups["counts"]].sum() == genome.n_layers


def test_siblings_come_with_the_one_that_is_read_first() -> None:
    features = GenomeFeatures(SMALL)
    row = features.row(Genome((Node("bilstm", 0), Node("conv3", 0), Node("bilstm", 2))))
    slots = features.names[features.groups["slots"]]
    present = [name for name, number in zip(slots, row, strict=False) if number]
    assert present == [
        "1 applies conv3",
        "2 applies bilstm",
        "3 applies bilstm",
        "1 reads 0",
        "2 reads 0",
        "3 reads 1",
    ]


def test_ops_of_frozen_nodes_are_known() -> None:
    frozen = (Node("special", 0),)
    space = GenomeSpace(ops=("conv3", "bilstm"), min_layers=2, max_layers=3, frozen=frozen)
    features = GenomeFeatures(space)
    row = features.row(space.random(np.random.default_rng(0)))
    assert row[features.names.index("special of embedding")] == 1
