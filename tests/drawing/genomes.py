"""Genomes to draw."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optuna_xmcnas.genome import Genome
from optuna_xmcnas.genome import GenomeSpace
from optuna_xmcnas.genome import get_mutation
from optuna_xmcnas.genome import mutation_names


USUAL = GenomeSpace(min_layers=1)
LARGE = GenomeSpace(min_layers=7, max_layers=20, window=12)
OWN = GenomeSpace(ops=("gate", "A-very-long.name_of_some_op_that_nobody_reads", "conv3", "W"))
CHAIN = Genome.from_text("1:conv1(0) 2:conv3(1) 3:conv5(2) 4:conv7(3) 5:maxpool3(4) 6:bilstm(5)")
STAR = Genome.from_text("1:conv1(0) 2:conv3(0) 3:conv5(0) 4:conv7(0) 5:maxpool3(0) 6:bilstm(0)")


def families(n: int) -> Iterator[tuple[Genome, Genome]]:
    """Yield random genomes with a parent: a few mutations before, or the same."""
    rng = np.random.default_rng(0)
    for i in range(n):
        space = (USUAL, LARGE, OWN)[i % 3]
        parent = child = space.random(rng)
        for _ in range(int(rng.integers(4))):
            mutation = get_mutation(str(rng.choice(mutation_names())))
            child = mutation.draw(child, space, rng) or child
        yield child, parent


def shares(n_nodes: int, seed: int = 0) -> list[float]:
    """Return random weights that sum to 1."""
    weights = np.random.default_rng(seed).dirichlet([0.5] * n_nodes)
    return [float(weight) for weight in weights]
