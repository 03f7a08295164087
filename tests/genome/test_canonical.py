"""Two genomes share a canonical hash exactly if they are the same tree."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from itertools import product

import numpy as np

from optuna_xmcnas.genome import canonical_genome
from optuna_xmcnas.genome import canonical_hash
from optuna_xmcnas.genome import Genome
from optuna_xmcnas.genome import GenomeSpace
from optuna_xmcnas.genome import Node


SMALL = GenomeSpace(ops=("conv3", "bilstm"), min_layers=1, max_layers=3)


def all_genomes(space: GenomeSpace) -> Iterator[Genome]:
    """Yield every genome, the obvious way."""
    for n_layers in range(1, space.max_layers + 1):
        choices = [
            [Node(op, s) for op in space.ops for s in range(i)] for i in range(1, 1 + n_layers)
        ]
        for nodes in product(*choices):
            if Genome(nodes) in space:
                yield Genome(nodes)


def renumbered(genome: Genome, order: tuple[int, ...]) -> set[tuple[int, str, int]]:
    """Return the edges of a genome whose node i is called ``order[i - 1]``."""
    names = (0, *order)
    return {
        (names[position], node.op, names[node.source])
        for position, node in enumerate(genome.nodes, start=1)
    }


def same_tree(one: Genome, other: Genome) -> bool:
    """Return whether some renumbering turns one into the other: slow, but there is no doubt."""
    if one.n_layers != other.n_layers:
        return False
    numbers = tuple(range(1, one.n_layers + 1))
    goal = renumbered(other, numbers)
    return any(renumbered(one, order) == goal for order in permutations(numbers))


def test_hashes_are_equal_exactly_for_equal_trees() -> None:
    genomes = list(all_genomes(SMALL))
    assert len(genomes) == SMALL.n_genomes == 58
    for one in genomes:
        for other in genomes:
            assert (canonical_hash(one) == canonical_hash(other)) == same_tree(one, other)


def test_hashes_tell_deeper_trees_apart() -> None:
    rng = np.random.default_rng(0)
    space = GenomeSpace(ops=("conv3", "bilstm"), min_layers=5, max_layers=5)
    genomes = [space.random(rng) for _ in range(30)]
    for one in genomes:
        for other in genomes:
            assert (canonical_hash(one) == canonical_hash(other)) == same_tree(one, other)


def test_the_canonical_genome_is_one_of_its_class_and_the_same_for_all_of_it() -> None:
    by_hash: dict[str, set[Genome]] = {}
    for genome in all_genomes(SMALL):
        canonical = canonical_genome(genome)
        assert same_tree(genome, canonical)
        assert canonical_genome(canonical) == canonical
        by_hash.setdefault(canonical_hash(genome), set()).add(canonical)
    assert all(len(canonical) == 1 for canonical in by_hash.values())


def test_ops_matter_and_their_order_does_not() -> None:
    one = Genome((Node("conv3", 0), Node("conv5", 0)))
    assert canonical_hash(one) == canonical_hash(Genome((Node("conv5", 0), Node("conv3", 0))))
    assert canonical_hash(one) != canonical_hash(Genome((Node("conv5", 0), Node("conv5", 0))))
    assert canonical_hash(one) != canonical_hash(Genome((Node("conv5", 0), Node("conv3", 1))))


def test_the_hash_never_changes_between_versions() -> None:
    # Studies of earlier versions are searched for duplicates by this text.
    assert canonical_hash(Genome((Node("bilstm", 0),))) == "91bcf885939edd15f206d1d161548878"
