"""Invented landscapes over genomes, whose best genome is known; not a script of its own.

A landscape gives each genome a true score made of random effects, all drawn from its seed:

* for each op: that it is there; that it reads the embedding;
* for each pair of ops: that one reads the other's output; for some, that one comes anywhere
  before the other on a way from the embedding;
* for some ways of two or three nodes from the embedding: that they are there;
* for some triples of ops: that all three are there, whatever their order;
* the number of layers, quadratic around a preferred one;
* a small effect of the network as a whole, which has no cause that could be learned.

What concerns order and ways counts only as far as the ops are good (a logistic factor), and the
sum is squashed (tanh), so effects neither just add up nor act alone. The optimum is the best
genome that steepest ascent finds from 20 random ones; the sum is capped there, so that nothing
scores above it. Scores are in standard deviations over random genomes of the space, with mean 0.
Genomes that are the same network have the same score.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from itertools import product
import math

import numpy as np

from optuna_xmcnas import Genome
from optuna_xmcnas import GenomeSpace
from optuna_xmcnas.genome import canonical_hash
from optuna_xmcnas.genome import get_mutation
from optuna_xmcnas.genome import mutation_names


SPACE = GenomeSpace()  # eight ops, 2 to 6 layers, window 5

# Standard deviation of each kind of effect, and which share of the effects is not zero (ours).
_KINDS = {
    "op": (0.6, 1.0),
    "input": (0.4, 1.0),
    "pair": (0.6, 1.0),
    "before": (0.8, 0.2),
    "way": (1.2, 0.15),
    "triple": (0.8, 0.2),
}
_GATED = ("before", "way")
_LAYERS = 0.12  # of the square of the distance to the preferred number of layers
_WHOLE = 0.3  # standard deviation of the effect of the network as a whole
_BEND = 5.0  # where tanh bends, in standard deviations of the sum
_N_RANDOM = 1000  # genomes that the scales are taken from
_N_CLIMBS = 20

Trait = tuple[str, ...]  # a kind and op names


def traits(genome: Genome) -> frozenset[Trait]:
    """Return what a genome has of everything that can have an effect.

    Equal for genomes that are the same network.
    """
    ways: list[tuple[str, ...]] = [()]  # the ops from the embedding to each output
    found: set[Trait] = set()
    for node in genome.nodes:
        above = ways[node.source]
        ways.append((*above, node.op))
        found.add(("op", node.op))
        found.add(("pair", above[-1], node.op) if above else ("input", node.op))
        found.update(("before", earlier, node.op) for earlier in above)
        if len(above) in (1, 2):
            found.add(("way", *above, node.op))
    present = sorted({node.op for node in genome.nodes})
    found.update(("triple", *three) for three in combinations(present, 3))
    return frozenset(found)


def _all_traits(ops: tuple[str, ...]) -> Iterator[Trait]:
    for op in ops:
        yield "op", op
        yield "input", op
    for two in product(ops, repeat=2):
        yield "pair", *two
        yield "before", *two
        yield "way", *two
    for three in product(ops, repeat=3):
        yield "way", *three
    for three in combinations(sorted(ops), 3):
        yield "triple", *three


@dataclass(frozen=True, kw_only=True)
class Landscape:
    """A true score for every genome of ``SPACE``; :meth:`from_seed` draws one.

    Args:
        seed: Of everything that is drawn later.
        n_layers: The preferred number of layers.
        effects: Trait -> its effect; the others have none.
    """

    seed: int
    n_layers: int
    effects: Mapping[Trait, float]

    @classmethod
    def from_seed(cls, seed: int) -> Landscape:
        """Return the landscape of a seed."""
        rng = np.random.default_rng(seed)
        n_layers = int(rng.integers(SPACE.min_layers + 1, SPACE.max_layers + 1))
        effects = {}
        for trait in _all_traits(SPACE.ops):
            deviation, share = _KINDS[trait[0]]
            effect = deviation * float(rng.standard_normal())
            if rng.random() < share:
                effects[trait] = effect
        return cls(seed=seed, n_layers=n_layers, effects=effects)

    @cached_property
    def optimum(self) -> Genome:
        """The genome that none surpasses."""
        starts = self._random_genomes[:_N_CLIMBS]
        return max((self._climb(genome) for genome in starts), key=self._sum)

    def score(self, genome: Genome) -> float:
        """Return the true score, in standard deviations over random genomes."""
        mean, deviation = self._scale
        return (self._squashed(self._sum(genome)) - mean) / deviation

    @cached_property
    def _random_genomes(self) -> list[Genome]:
        rng = np.random.default_rng([self.seed, 1])
        return [SPACE.random(rng) for _ in range(_N_RANDOM)]

    @cached_property
    def _bends(self) -> tuple[float, float, float]:
        """Mean and deviation of the sum, and its cap."""
        sums = np.array([self._sum(genome) for genome in self._random_genomes])
        return float(sums.mean()), float(sums.std()), self._sum(self.optimum)

    @cached_property
    def _scale(self) -> tuple[float, float]:
        """Mean and deviation of the squashed sum."""
        squashed = np.array([self._squashed(self._sum(g)) for g in self._random_genomes])
        return float(squashed.mean()), float(squashed.std())

    def _squashed(self, total: float) -> float:
        mean, deviation, cap = self._bends
        return math.tanh((min(total, cap) - mean) / (_BEND * deviation))

    def _sum(self, genome: Genome) -> float:
        """Return the sum of all effects, exact, so that the order of traits does not matter."""
        by_kind: dict[str, list[float]] = {kind: [] for kind in _KINDS}
        for trait in traits(genome):
            by_kind[trait[0]].append(self.effects.get(trait, 0.0))
        sums = {kind: math.fsum(effects) for kind, effects in by_kind.items()}
        goodness = 1 / (1 + math.exp(-2 * sums["op"]))
        gated = goodness * sum(sums[kind] for kind in _GATED)
        rest = sum(sums[kind] for kind in _KINDS if kind not in _GATED)
        depth = -_LAYERS * (genome.n_layers - self.n_layers) ** 2
        stream = np.random.default_rng([self.seed, int(canonical_hash(genome), 16)])
        return rest + gated + depth + _WHOLE * float(stream.standard_normal())

    def _climb(self, genome: Genome) -> Genome:
        """Return the end of a steepest ascent."""
        mutations = [get_mutation(name) for name in mutation_names()]
        while True:
            neighbours = (n for mutation in mutations for n in mutation.neighbours(genome, SPACE))
            best = max(neighbours, key=self._sum)
            if self._sum(best) <= self._sum(genome):
                return genome
            genome = best
