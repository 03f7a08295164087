"""The invented landscapes are what they say they are."""

from __future__ import annotations

import numpy as np
import pytest

from examples.benchmarks.landscapes import Landscape
from examples.benchmarks.landscapes import SPACE
from examples.benchmarks.landscapes import traits
from optuna_xmcnas import Genome
from optuna_xmcnas import Node
from optuna_xmcnas.genome import canonical_genome


@pytest.fixture(scope="module")
def landscape() -> Landscape:
    return Landscape.from_seed(3)


@pytest.fixture(scope="module")
def genomes() -> list[Genome]:
    rng = np.random.default_rng(7)
    return [SPACE.random(rng) for _ in range(400)]


def test_a_seed_is_a_landscape(landscape: Landscape, genomes: list[Genome]) -> None:
    again, other = Landscape.from_seed(3), Landscape.from_seed(4)
    assert [again.score(g) for g in genomes[:20]] == [landscape.score(g) for g in genomes[:20]]
    assert other.score(genomes[0]) != landscape.score(genomes[0])


def test_the_same_network_has_the_same_score(landscape: Landscape, genomes: list[Genome]) -> None:
    renumbered = [canonical_genome(genome) for genome in genomes]
    assert renumbered != genomes
    assert [landscape.score(g) for g in renumbered] == [landscape.score(g) for g in genomes]


def test_no_genome_is_better_than_the_optimum(landscape: Landscape, genomes: list[Genome]) -> None:
    best = landscape.score(landscape.optimum)
    assert landscape.optimum in SPACE
    assert max(landscape.score(genome) for genome in genomes) < best


def test_scores_are_in_standard_deviations_over_random_genomes(
    landscape: Landscape, genomes: list[Genome]
) -> None:
    scores = [landscape.score(genome) for genome in genomes]
    assert np.mean(scores) == pytest.approx(0, abs=0.2)
    assert np.std(scores) == pytest.approx(1, abs=0.15)


def test_traits_are_ops_pairs_order_ways_and_company() -> None:
    genome = Genome((Node("conv1", 0), Node("bigru", 1), Node("conv3", 2), Node("bigru", 0)))
    assert traits(genome) == {
        ("op", "conv1"),
        ("op", "bigru"),
        ("op", "conv3"),
        ("input", "conv1"),
        ("input", "bigru"),
        ("pair", "conv1", "bigru"),
        ("pair", "bigru", "conv3"),
        ("before", "conv1", "bigru"),
        ("before", "bigru", "conv3"),
        ("before", "conv1", "conv3"),
        ("way", "conv1", "bigru"),
        ("way", "conv1", "bigru", "conv3"),
        ("triple", "bigru", "conv1", "conv3"),
    }
