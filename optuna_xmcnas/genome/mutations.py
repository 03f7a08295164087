"""How one genome becomes another: small objects in a registry.

The first three are those of XMC-NAS (ICONIP 2020, section 3.1). A mutation lists every genome it
can make; drawing one is the same for all, so a mutation of your own is one method:

    class Reverse(Mutation):
        name = "reverse"

        def moves(self, genome, space):
            ...

    register_mutation(Reverse())
"""

from __future__ import annotations

import abc
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar
from typing import final
from typing import TYPE_CHECKING

from optuna_xmcnas.genome.genome import Genome
from optuna_xmcnas.genome.genome import Node


if TYPE_CHECKING:
    import numpy as np

    from optuna_xmcnas.genome.space import GenomeSpace


class Mutation(abc.ABC):
    """A kind of step from a genome to its neighbours.

    Class attributes:
        name: How samplers, trials and the command line call it.
    """

    name: ClassVar[str]

    @abc.abstractmethod
    def moves(self, genome: Genome, space: GenomeSpace) -> Mapping[int, Sequence[Genome]]:
        """Return every genome that one step makes, by the position it acts on.

        All of them are in the space, if ``genome`` is. An empty mapping says that the mutation
        does not apply. No sequence may be empty.
        """

    @final
    def draw(self, genome: Genome, space: GenomeSpace, rng: np.random.Generator) -> Genome | None:
        """Return a random neighbour: a position uniformly, then one of its genomes.

        Returns:
            None if the mutation does not apply to this genome.
        """
        moves = self.moves(genome, space)
        if not moves:
            return None
        positions = list(moves)
        results = moves[positions[int(rng.integers(len(positions)))]]
        return results[int(rng.integers(len(results)))]

    @final
    def neighbours(self, genome: Genome, space: GenomeSpace) -> Iterator[Genome]:
        """Yield every genome that one step makes."""
        for results in self.moves(genome, space).values():
            yield from results


@final
class ChangeSource(Mutation):
    """Let one node read another output within the window."""

    name = "change_source"

    def moves(self, genome: Genome, space: GenomeSpace) -> Mapping[int, Sequence[Genome]]:
        """Return the genomes in which one searched node has another source."""
        found: dict[int, Sequence[Genome]] = {}
        for position in _searched(genome, space):
            node = genome.nodes[position - 1]
            others = [source for source in space.sources(position) if source != node.source]
            if others:
                found[position] = [
                    genome.with_node(position, replace(node, source=source)) for source in others
                ]
        return found


@final
class SwapOp(Mutation):
    """Let one node apply another op."""

    name = "swap_op"

    def moves(self, genome: Genome, space: GenomeSpace) -> Mapping[int, Sequence[Genome]]:
        """Return the genomes in which one searched node has another op."""
        found: dict[int, Sequence[Genome]] = {}
        for position in _searched(genome, space):
            node = genome.nodes[position - 1]
            others = [op for op in space.ops if op != node.op]
            if others:
                found[position] = [
                    genome.with_node(position, replace(node, op=op)) for op in others
                ]
        return found


@final
class AddLayer(Mutation):
    """Append a node."""

    name = "add_layer"

    def moves(self, genome: Genome, space: GenomeSpace) -> Mapping[int, Sequence[Genome]]:
        """Return the genomes with one more node, any op on any source within the window."""
        if genome.n_layers >= space.max_layers:
            return {}
        position = genome.n_layers + 1
        return {
            position: [
                Genome((*genome.nodes, Node(op, source)))
                for op in space.ops
                for source in space.sources(position)
            ]
        }


@final
class RemoveLayer(Mutation):
    """Take a node out; what read it reads its source instead. Not in the paper."""

    name = "remove_layer"

    def moves(self, genome: Genome, space: GenomeSpace) -> Mapping[int, Sequence[Genome]]:
        """Return the genomes with one node less that stay within the window."""
        if genome.n_layers <= space.min_layers:
            return {}
        shorter = ((i, _without(genome, i)) for i in _searched(genome, space))
        return {position: [result] for position, result in shorter if result in space}


@final
class Identity(Mutation):
    """Train the same genome again, which averages out noise (Real et al., AAAI 2019)."""

    name = "identity"

    def moves(self, genome: Genome, space: GenomeSpace) -> Mapping[int, Sequence[Genome]]:
        """Return the genome itself."""
        return {0: [genome]}


DEFAULT_MUTATIONS = (ChangeSource.name, SwapOp.name, AddLayer.name)
"""The mutations a search uses unless told otherwise."""

_REGISTRY: dict[str, Mutation] = {}


def register_mutation(mutation: Mutation) -> None:
    """Make a mutation known by its name.

    Raises:
        ValueError: If another mutation has that name.
    """
    if mutation.name in _REGISTRY:
        raise ValueError(
            f"a mutation named {mutation.name!r} is registered already; choose another name."
        )
    _REGISTRY[mutation.name] = mutation


def get_mutation(name: str) -> Mutation:
    """Return the mutation of that name.

    Raises:
        ValueError: If there is none.
    """
    if name not in _REGISTRY:
        raise ValueError(
            f"no mutation is named {name!r}; known: {', '.join(mutation_names())}. "
            f"Call `register_mutation` for one of your own."
        )
    return _REGISTRY[name]


def mutation_names() -> tuple[str, ...]:
    """Return the names of all registered mutations, sorted."""
    return tuple(sorted(_REGISTRY))


def _searched(genome: Genome, space: GenomeSpace) -> range:
    return range(len(space.frozen) + 1, genome.n_layers + 1)


def _without(genome: Genome, position: int) -> Genome:
    removed = genome.nodes[position - 1]

    def renumbered(source: int) -> int:
        source = removed.source if source == position else source
        return source - 1 if source > position else source

    kept = (node for i, node in enumerate(genome.nodes, start=1) if i != position)
    return Genome(tuple(Node(node.op, renumbered(node.source)) for node in kept))


for _mutation in (ChangeSource(), SwapOp(), AddLayer(), RemoveLayer(), Identity()):
    register_mutation(_mutation)
