"""How parameters are drawn at random, mutated and told apart, for either kind of search space."""

from __future__ import annotations

import abc
from collections import OrderedDict
from collections.abc import Collection
from collections.abc import Mapping
from collections.abc import Sequence
from functools import cached_property
import hashlib
import json
from typing import Any
from typing import final
from typing import NamedTuple

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.distributions import CategoricalDistribution
from optuna.samplers import RandomSampler

from optuna_xmcnas.exceptions import InvalidGenomeError
from optuna_xmcnas.genome import canonical_hash
from optuna_xmcnas.genome import Genome
from optuna_xmcnas.genome import GenomeSpace
from optuna_xmcnas.genome import Mutation
from optuna_xmcnas.genome.params import N_LAYERS
from optuna_xmcnas.guides import Child
from optuna_xmcnas.guides import GenomeFeatures
from optuna_xmcnas.guides import ParameterFeatures
from optuna_xmcnas.samplers.values import contains
from optuna_xmcnas.samplers.values import different_value
from optuna_xmcnas.samplers.values import plain
from optuna_xmcnas.samplers.values import random_value


_N_PARENTS = 64  # whose neighbours are remembered
_N_CHILDREN = 1024  # that are remembered
_N_STEPS = 8  # of a number's values, tried as neighbours (ours)


class Neighbour(NamedTuple):
    """A child one mutation away."""

    child: Child
    mutation: str


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
    def identities(self, params: Mapping[str, Any]) -> frozenset[str]:
        """Return the identities of all complete trials that would be the same child."""

    @property
    @abc.abstractmethod
    def groups(self) -> Mapping[str, slice]:
        """Which features of children belong together, by the name of the group."""

    @abc.abstractmethod
    def child(self, params: Mapping[str, Any]) -> Child | None:
        """Return a child as guides see it; None if the parameters are not of the space."""

    @abc.abstractmethod
    def equals(self, child: Child) -> frozenset[str]:
        """Return the identities of all complete trials that would be this child."""

    @abc.abstractmethod
    def neighbours(
        self, params: Mapping[str, Any], rng: np.random.Generator
    ) -> Sequence[Neighbour]:
        """Return what one mutation makes: everything, or of numbers a sample."""


@final
class GenomeVariation(Variation):
    """Genomes of a space, changed by its mutations."""

    def __init__(self, space: GenomeSpace, mutations: Sequence[Mutation]) -> None:
        self._space = space
        self._mutations = tuple(mutations)
        self._features = GenomeFeatures(space)
        # Making a genome's neighbours takes milliseconds, and the best genomes stay the same. Two
        # genomes of one network do not have the same neighbours.
        self._neighbours: OrderedDict[Genome, Sequence[Neighbour]] = OrderedDict()
        self._children: OrderedDict[Genome, Child] = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_neighbours": OrderedDict(), "_children": OrderedDict()}

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

        It is deep enough to use all of them, where that is possible. Fixed values outside the
        space cannot be part of a genome of it: they are left to Optuna, which warns, and to the
        objective.
        """
        space = self._space
        allowed = space.distributions()
        kept = {n: plain(allowed[n], v) for n, v in fixed.items() if n in allowed}
        kept = {n: v for n, v in kept.items() if v is not None}
        if not kept:
            return None
        spare = self._deepest(rng)
        params: dict[str, Any] = {}
        for n_layers in rng.permutation(np.arange(space.min_layers, space.max_layers + 1)):
            genome = space.from_params({**spare, N_LAYERS: int(n_layers), **kept})
            params = dict(space.to_params(genome))
            if kept.keys() <= params.keys():
                break
        return params

    def identity(self, params: Mapping[str, Any]) -> str | None:
        """Return the canonical hash of the genome."""
        try:
            return canonical_hash(self._space.from_params(params))
        except InvalidGenomeError:
            return None

    def identities(self, params: Mapping[str, Any]) -> frozenset[str]:
        """Return the one identity: a genome is whole as it is."""
        return _present(self.identity(params))

    @property
    def groups(self) -> Mapping[str, slice]:
        """The groups of the genome features."""
        return self._features.groups

    def child(self, params: Mapping[str, Any]) -> Child | None:
        """Return the child of a genome."""
        try:
            genome = self._space.from_params(params)
        except InvalidGenomeError:
            return None
        child = self._children.get(genome)
        if child is None:
            child = self._children[genome] = self._child(genome, params)
            if len(self._children) > _N_CHILDREN:
                self._children.popitem(last=False)
        return child

    def equals(self, child: Child) -> frozenset[str]:
        """Return the one identity: a genome is whole as it is."""
        return frozenset((child.identity,))

    def neighbours(
        self, params: Mapping[str, Any], rng: np.random.Generator
    ) -> Sequence[Neighbour]:
        """Return every other genome that one of the mutations makes."""
        genome = self._space.from_params(params)
        own = canonical_hash(genome)
        found = self._neighbours.pop(genome, None)
        if found is None:
            found = [
                Neighbour(child, mutation.name)
                for mutation in self._mutations
                for mutant in mutation.neighbours(genome, self._space)
                if (child := self._child(mutant, self._space.to_params(mutant))).identity != own
            ]
        self._neighbours[genome] = found  # as the latest one
        if len(self._neighbours) > _N_PARENTS:
            self._neighbours.popitem(last=False)
        return found

    def _child(self, genome: Genome, params: Mapping[str, Any]) -> Child:
        return Child(
            identity=canonical_hash(genome),
            params=params,
            genome=genome,
            features=self._features.row(genome),
        )

    def _deepest(self, rng: np.random.Generator) -> dict[str, Any]:
        """Return random values for every slot, the ones of the deepest genomes included."""
        space = self._space
        searched = range(len(space.frozen) + 1, space.max_layers + 1)
        nodes = (*space.frozen, *(space.random_node(position, rng) for position in searched))
        return dict(space.to_params(Genome(nodes)))


@final
class ParameterVariation(Variation):
    """Parameters of any Optuna search space, changed one at a time.

    Args:
        distributions: The search space.
        paths: The sets of names that trials ended up with; in a conditional space there are
            several, and a trial that agrees with another one on all names of its path takes it.
        branches: Which paths were seen with which value: name, ``repr`` of the value, paths.
    """

    def __init__(
        self,
        distributions: Mapping[str, BaseDistribution],
        *,
        paths: Collection[frozenset[str]] = (),
        branches: Mapping[str, Mapping[str, Collection[frozenset[str]]]] | None = None,
    ) -> None:
        self._distributions = dict(sorted(distributions.items()))
        self._paths = frozenset(paths)
        self._branches = branches or {}

    def random(self, rng: np.random.Generator) -> dict[str, Any]:
        """Return a value drawn for each parameter as Optuna's random sampler would."""
        draw = RandomSampler(seed=int(rng.integers(2**32))).sample_independent
        return {
            name: draw(None, None, name, distribution)  # type: ignore[arg-type]  # neither is read
            for name, distribution in self._distributions.items()
        }

    def mutate(
        self, params: Mapping[str, Any], rng: np.random.Generator
    ) -> tuple[dict[str, Any], str]:
        """Return what the parent used with one parameter changed, and random values for the rest.

        The rest are names that the parent had no use for: in a conditional space the mutant may
        take a branch that its parent did not take.
        """
        used = self._used(params)
        if not used:
            return self.random(rng), "none"
        changed = list(used)[int(rng.integers(len(used)))]
        used[changed] = different_value(self._distributions[changed], used[changed], rng)
        return self._completed(used, rng), f"change {changed}"

    def keep(self, fixed: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any] | None:
        """Return random parameters with the fixed ones in their places."""
        kept = {name: fixed[name] for name in self._distributions if name in fixed}
        return {**self.random(rng), **kept} if kept else None

    def identity(self, params: Mapping[str, Any]) -> str | None:
        """Return a hash of names and values."""
        if not params:
            return None
        text = json.dumps(dict(params), sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def identities(self, params: Mapping[str, Any]) -> frozenset[str]:
        """Return the identity on each path: the values of its names, whatever the others are."""
        paths = (path for path in self._paths if path <= params.keys())
        projections = ({name: params[name] for name in path} for path in paths)
        return _present(self.identity(params), *map(self.identity, projections))

    @property
    def groups(self) -> Mapping[str, slice]:
        """The groups of the parameter features."""
        return self._features.groups

    def child(self, params: Mapping[str, Any]) -> Child | None:
        """Return the child of some of the parameters; foreign ones are left out."""
        own = self._used(params)
        identity = self.identity(own)
        if identity is None:
            return None
        features = self._features.row(self._on_path(own))
        return Child(identity=identity, params=own, genome=None, features=features)

    def equals(self, child: Child) -> frozenset[str]:
        """Return the identity on each path, see :meth:`identities`."""
        if all(len(path) == len(self._distributions) for path in self._paths):
            return frozenset((child.identity,))
        return self.identities(child.params)

    def neighbours(
        self, params: Mapping[str, Any], rng: np.random.Generator
    ) -> Sequence[Neighbour]:
        """Return children with one parameter changed: all choices, and some steps of numbers."""
        found = []
        for name, value in self._used(params).items():
            distribution = self._distributions[name]
            if isinstance(distribution, CategoricalDistribution):
                own = int(distribution.to_internal_repr(value))
                others = [v for i, v in enumerate(distribution.choices) if i != own]
            else:
                steps = (different_value(distribution, value, rng) for _ in range(_N_STEPS))
                others = list(dict.fromkeys(steps))
            for other in others:
                child = self.child(self._completed({**params, name: other}, rng))
                assert child is not None
                found.append(Neighbour(child, f"change {name}"))
        return found

    @cached_property
    def _features(self) -> ParameterFeatures:
        return ParameterFeatures(self._distributions)

    def _on_path(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the parameters that a trial will probably ask for, as far as paths are known.

        A path is believable if it was seen with every categorical value on it; of several, the
        longest one is taken.
        """
        if len(self._paths) < 2 or frozenset(params) in self._paths:
            return params
        believable = [path for path in self._paths if path <= params.keys()]
        believable = [path for path in believable if self._was_seen(path, params)]
        if not believable:
            return params
        path = max(believable, key=lambda path: (len(path), sorted(path)))
        return {name: params[name] for name in path}

    def _was_seen(self, path: frozenset[str], params: Mapping[str, Any]) -> bool:
        gates = (self._branches[name] for name in path & self._branches.keys())
        values = (repr(params[name]) for name in path & self._branches.keys())
        return all(path in gate.get(value, ()) for gate, value in zip(gates, values, strict=True))

    def _used(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters that are of the search space."""
        return {
            name: params[name]
            for name, distribution in self._distributions.items()
            if name in params and contains(distribution, params[name])
        }

    def _completed(self, params: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        """Return the parameters with random values for names that are missing or foreign."""
        used = self._used(params)
        return {
            name: used[name] if name in used else random_value(distribution, rng)
            for name, distribution in self._distributions.items()
        }


def _present(*identities: str | None) -> frozenset[str]:
    return frozenset(identity for identity in identities if identity is not None)
