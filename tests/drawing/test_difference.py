"""One mutation is one change, whatever it did to the numbers of the nodes."""

from __future__ import annotations

import numpy as np
import pytest

from optuna_xmcnas.drawing import difference
from optuna_xmcnas.genome import canonical_genome
from optuna_xmcnas.genome import canonical_hash
from optuna_xmcnas.genome import Genome
from optuna_xmcnas.genome import GenomeSpace
from optuna_xmcnas.genome import get_mutation
from optuna_xmcnas.genome import Node
from tests.drawing.genomes import CHAIN
from tests.drawing.genomes import families
from tests.drawing.genomes import STAR


@pytest.mark.parametrize("name", ["change_source", "swap_op", "add_layer", "remove_layer"])
def test_one_mutation_is_one_change(name: str) -> None:
    rng = np.random.default_rng(0)
    space = GenomeSpace()
    for _ in range(20):
        parent = space.random(rng)
        for child in get_mutation(name).neighbours(parent, space):
            found = difference(child, parent)
            assert found.n_changes == 1, (str(parent), str(child))
            counts = {
                "change_source": found.old_sources,
                "swap_op": found.old_ops,
                "add_layer": found.new,
                "remove_layer": found.removed,
            }
            assert len(counts[name]) == 1


def test_what_was_there_before_is_told() -> None:
    parent = Genome.from_text("1:bilstm(0) 2:conv3(1) 3:bigru(2)")
    assert difference(parent.with_node(2, Node("conv5", 1)), parent).old_ops == {2: "conv3"}
    assert difference(parent.with_node(3, Node("bigru", 0)), parent).old_sources == {3: 2}
    assert difference(Genome((*parent.nodes, Node("conv1", 1))), parent).new == (4,)
    assert difference(Genome(parent.nodes[:2]), parent).removed == {3: "bigru"}


def test_what_read_a_removed_node_is_not_changed() -> None:
    shorter = Genome.from_text("1:conv1(0) 2:conv5(1) 3:conv7(2) 4:maxpool3(3) 5:bilstm(4)")
    found = difference(shorter, CHAIN)
    assert found.removed == {2: "conv3"}
    assert found.sentences(shorter) == ("conv3 is removed",)


def test_what_reads_an_inserted_node_is_not_changed() -> None:
    shorter = Genome.from_text("1:conv1(0) 2:conv5(1) 3:conv7(2) 4:maxpool3(3) 5:bilstm(4)")
    assert difference(CHAIN, shorter).new == (2,)
    assert difference(CHAIN, shorter).n_changes == 1


def test_other_numbers_are_no_change() -> None:
    for child, _ in families(60):
        assert difference(canonical_genome(child), child).n_changes == 0


def test_the_same_network_and_no_other_has_no_changes() -> None:
    for child, parent in families(150):
        n_changes = difference(child, parent).n_changes
        assert (n_changes == 0) == (canonical_hash(child) == canonical_hash(parent))


def test_one_mutation_and_other_numbers_are_few_changes() -> None:
    rng = np.random.default_rng(1)
    space = GenomeSpace()
    counts = []
    for name in ("change_source", "swap_op", "add_layer"):
        for _ in range(50):
            parent = space.random(rng)
            child = get_mutation(name).draw(parent, space, rng)
            if child is not None:
                counts.append(difference(canonical_genome(child), parent).n_changes)
    assert np.mean(counts) < 1.6


def test_unlike_genomes_are_compared_too() -> None:
    found = difference(Genome.from_text("1:bigru(0)"), STAR)
    assert found.n_changes == 6
    assert len(found.removed) == 5
    assert found.note(1).startswith("was ")
