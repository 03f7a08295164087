"""How parameters are drawn at random, mutated and told apart, for either kind of search space."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from collections.abc import Sequence
import hashlib
import json
import math
from typing import Any
from typing import final

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.distributions import CategoricalDistribution
from optuna.distributions import FloatDistribution
from optuna.distributions import IntDistribution
from optuna.samplers import RandomSampler

from optuna_xmcnas.exceptions import InvalidGenomeError
from optuna_xmcnas.genome import canonical_hash
from optuna_xmcnas.genome import Genome
from optuna_xmcnas.genome import GenomeSpace
from optuna_xmcnas.genome import Mutation


class Variation(abc.ABC):
    """Everything the evolution has to know about what it evolves."""

    @abc.abstractmethod
    def random(self, rng: np.random.Generator) -> dict[str, Any]:
        """Return random parameters."""

    @abc.abstractmethod
    def mutate(
        self, params: Mapping[str, Any], rng: np.random.Generator
    ) -> tuple[dict[str, Any], str]:
        """Return the parameters of a neighbour and the name of the mutation that made it."""

    @abc.abstractmethod
    def keep(self, fixed: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any] | None:
        """Return random parameters that keep the fixed ones and fit together.

        Returns:
            None if none of the fixed parameters is one of the space.
        """

    @abc.abstractmethod
    def identity(self, params: Mapping[str, Any]) -> str | None:
        """Return a text equal for equal children; None if the parameters are not of the space."""

    @abc.abstractmethod
    def fill(self, params: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        """Return the parameters with values for all names an objective might also ask for."""


@final
class GenomeVariation(Variation):
    """Genomes of a space, changed by its mutations."""

    def __init__(self, space: GenomeSpace, mutations: Sequence[Mutation]) -> None:
        self._space = space
        self._mutations = tuple(mutations)

    def random(self, rng: np.random.Generator) -> dict[str, Any]:
        """Return the parameters of a random genome."""
        return dict(self._space.to_params(self._space.random(rng)))

    def mutate(
        self, params: Mapping[str, Any], rng: np.random.Generator
    ) -> tuple[dict[str, Any], str]:
        """Return the parameters after one mutation, its kind uniform among those applicable."""
        genome = self._space.from_params(params)
        for position in rng.permutation(len(self._mutations)):
            mutation = self._mutations[int(position)]
            mutant = mutation.draw(genome, self._space, rng)
            if mutant is not None:
                return dict(self._space.to_params(mutant)), mutation.name
        return dict(params), "none"  # a space in which nothing can change

    def keep(self, fixed: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any] | None:
        """Return the parameters of a whole genome around the fixed parameters.

        Fixed values outside the space cannot be part of a genome of it: they are left to Optuna,
        which warns, and to the objective.
        """
        allowed = self._space.distributions()
        kept = {
            name: value
            for name, value in fixed.items()
            if name in allowed and _contains(allowed[name], value)
        }
        if not kept:
            return None
        genome = self._space.from_params({**self._deepest(rng), **self.random(rng), **kept})
        return dict(self._space.to_params(genome))

    def identity(self, params: Mapping[str, Any]) -> str | None:
        """Return the canonical hash of the genome."""
        try:
            return canonical_hash(self._space.from_params(params))
        except InvalidGenomeError:
            return None

    def fill(self, params: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        """Return the parameters: a genome is whole as it is."""
        return dict(params)

    def _deepest(self, rng: np.random.Generator) -> dict[str, Any]:
        """Return random values for every slot, the ones of the deepest genomes included."""
        space = self._space
        searched = range(len(space.frozen) + 1, space.max_layers + 1)
        nodes = (*space.frozen, *(space.random_node(position, rng) for position in searched))
        return dict(space.to_params(Genome(nodes)))


@final
class ParameterVariation(Variation):
    """Parameters of any Optuna search space, changed one at a time."""

    def __init__(self, distributions: Mapping[str, BaseDistribution]) -> None:
        self._distributions = dict(sorted(distributions.items()))

    def random(self, rng: np.random.Generator) -> dict[str, Any]:
        """Return a value drawn for each parameter as Optuna's random sampler would."""
        return {name: random_value(d, rng) for name, d in self._distributions.items()}

    def mutate(
        self, params: Mapping[str, Any], rng: np.random.Generator
    ) -> tuple[dict[str, Any], str]:
        """Return what the parent used, with one parameter changed to a different value."""
        child = {
            name: params[name]
            for name, distribution in self._distributions.items()
            if name in params and _contains(distribution, params[name])
        }
        if not child:
            return self.random(rng), "none"
        name = list(child)[int(rng.integers(len(child)))]
        child[name] = different_value(self._distributions[name], child[name], rng)
        return child, f"change {name}"

    def keep(self, fixed: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any] | None:
        """Return random parameters with the fixed ones in their places."""
        return {**self.random(rng), **fixed} if fixed else None

    def identity(self, params: Mapping[str, Any]) -> str | None:
        """Return a hash of names and values."""
        if not params:
            return None
        text = json.dumps(dict(params), sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def fill(self, params: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        """Return the parameters, with random values for those the parent had no use for.

        In a conditional space the mutant may take a branch that its parent did not take.
        """
        missing = {
            name: random_value(distribution, rng)
            for name, distribution in self._distributions.items()
            if name not in params
        }
        return {**missing, **params}


def random_value(distribution: BaseDistribution, rng: np.random.Generator) -> Any:
    """Return a value drawn as Optuna's random sampler draws it."""
    sampler = RandomSampler(seed=int(rng.integers(2**32)))
    return sampler.sample_independent(None, None, "", distribution)  # type: ignore[arg-type]  # neither study nor trial is read


def different_value(distribution: BaseDistribution, value: Any, rng: np.random.Generator) -> Any:
    """Return another value of a distribution, near the old one where values have an order.

    Numbers take a step with a standard deviation of a tenth of the range (on the logarithmic scale
    if the distribution is on it), reflected at the ends; our choice.
    """
    if isinstance(distribution, CategoricalDistribution):
        others = [choice for choice in distribution.choices if choice != value]
        return others[int(rng.integers(len(others)))] if others else value
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    if distribution.single():
        return value
    while True:  # the step grows, so another value is reached sooner or later
        for scale in (0.1, 0.2, 0.4, 0.8):
            moved = _moved(distribution, value, float(rng.normal(scale=scale)))
            if moved != value:
                return moved


def _moved(distribution: IntDistribution | FloatDistribution, value: float, by: float) -> Any:
    """Return the value a share ``by`` of the range away."""
    low, high = float(distribution.low), float(distribution.high)
    if isinstance(distribution, IntDistribution):
        low, high = low - 0.5, high + 0.5  # the ends are as wide as the values between
    scale, back = (math.log, math.exp) if distribution.log else (float, float)
    share = (scale(value) - scale(low)) / (scale(high) - scale(low)) + by
    share = abs(share) % 2  # reflected at the ends
    share = min(share, 2 - share)
    moved = back(scale(low) + share * (scale(high) - scale(low)))
    if distribution.step is not None:
        steps = round((moved - distribution.low) / distribution.step)
        moved = distribution.low + steps * distribution.step
    moved = min(max(moved, distribution.low), distribution.high)
    return int(moved) if isinstance(distribution, IntDistribution) else float(moved)


def _contains(distribution: BaseDistribution, value: object) -> bool:
    try:
        return distribution._contains(distribution.to_internal_repr(value))
    except (TypeError, ValueError):
        return False
