"""What a genome is in numbers."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import final

import numpy as np

from optuna_xmcnas.genome import Genome
from optuna_xmcnas.genome import GenomeSpace
from optuna_xmcnas.genome import Node


@final
class GenomeFeatures:
    """Numbers by which a model can compare the genomes of a space; all of them are counts.

    * ``slots``: the op and the source of each node, numbered so that a slot means the same in
      most genomes: breadth first, siblings by the shape of what grows from them, then by op.
      Two genomes agree on all slots exactly if they are the same network.
    * ``counts``: how often each op occurs.
    * ``first``: how often each op reads the embedding.
    * ``pairs``: how often each op reads each op.

    ``docs/results.md`` has what each group is worth to a search.

    Args:
        space: The genomes that exist.

    Example:
        >>> from optuna_xmcnas.genome import Node
        >>> features = GenomeFeatures(GenomeSpace(ops=("conv3", "bilstm"), max_layers=2))
        >>> row = features.row(Genome((Node("bilstm", 0), Node("conv3", 1))))
        >>> for name, number in zip(features.names, row):
        ...     if number:
        ...         print(name)
        1 applies bilstm
        2 applies conv3
        1 reads 0
        2 reads 1
        conv3
        bilstm
        bilstm of embedding
        conv3 of bilstm
    """

    def __init__(self, space: GenomeSpace) -> None:
        frozen_ops = (node.op for node in space.frozen)
        ops = tuple(dict.fromkeys((*space.ops, *frozen_ops)))
        layers = range(1, space.max_layers + 1)
        groups = {
            "slots": [
                *(f"{i} applies {op}" for i in layers for op in ops),
                *(f"{i} reads {source}" for i in layers for source in range(i)),
            ],
            "counts": list(ops),
            "first": [f"{op} of embedding" for op in ops],
            "pairs": [f"{op} of {read}" for op in ops for read in ops],
        }
        self.names: tuple[str, ...] = tuple(name for names in groups.values() for name in names)
        ends = np.cumsum([len(names) for names in groups.values()])
        self.groups: Mapping[str, slice] = {
            group: slice(int(end) - len(groups[group]), int(end))
            for group, end in zip(groups, ends, strict=True)
        }
        self._columns = {name: column for column, name in enumerate(self.names)}
        self._rank = {op: rank for rank, op in enumerate(ops)}

    def row(self, genome: Genome) -> np.ndarray:
        """Return the numbers of a genome of the space, float32 (F,)."""
        row = np.zeros(len(self.names), dtype=np.float32)
        for name in _present(_in_order(genome, self._rank)):
            row[self._columns[name]] += 1
        return row


def _present(nodes: Sequence[Node]) -> Iterator[str]:
    """Yield the name of everything that is in a genome, once for each time."""
    for position, node in enumerate(nodes, start=1):
        read = nodes[node.source - 1].op if node.source else "embedding"
        yield f"{position} applies {node.op}"
        yield f"{position} reads {node.source}"
        yield node.op
        yield f"{node.op} of {read}"


def _in_order(genome: Genome, rank: Mapping[str, int]) -> Sequence[Node]:
    """Return the nodes numbered as :class:`GenomeFeatures` says."""
    readers: list[list[int]] = [[] for _ in range(genome.n_layers + 1)]
    for position, node in enumerate(genome.nodes, start=1):
        readers[node.source].append(position)
    keys: list[Any] = [()] * (
        genome.n_layers + 1
    )  # what siblings are ordered by: shape comes first
    for position in range(genome.n_layers, -1, -1):  # readers have higher numbers
        readers[position].sort(key=keys.__getitem__, reverse=True)
        below = [keys[reader] for reader in readers[position]]
        shape = tuple(key[0] for key in below)
        op = rank[genome.nodes[position - 1].op] if position else 0
        keys[position] = (shape, op, tuple(below))
    nodes: list[Node] = []
    waiting = deque([(0, 0)])  # (number here, number in the result)
    while waiting:
        old, new = waiting.popleft()
        for reader in readers[old]:
            nodes.append(Node(genome.nodes[reader - 1].op, new))
            waiting.append((reader, len(nodes)))
    return nodes
