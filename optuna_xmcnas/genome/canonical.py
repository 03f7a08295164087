"""When two genomes are the same network.

Each node reads one output, so a genome is a tree rooted in the embedding whose nodes carry an
op. Numbering nodes differently, or listing branches in another order, changes the genome but not
the network: its outputs are combined symmetrically.
"""

from __future__ import annotations

from collections import deque
import hashlib

from optuna_xmcnas.genome.genome import Genome
from optuna_xmcnas.genome.genome import Node


_VERSION = "tree1"  # part of the hash, so that another definition can never be mistaken for it


def canonical_hash(genome: Genome) -> str:
    """Return a short text that two genomes share exactly if they are the same network.

    Example:
        >>> one = Genome((Node("bilstm", 0), Node("conv3", 0), Node("conv5", 1)))
        >>> two = Genome((Node("conv3", 0), Node("bilstm", 0), Node("conv5", 2)))
        >>> canonical_hash(one) == canonical_hash(two)
        True
    """
    root = _subtrees(genome)[0]
    return hashlib.sha256(f"{_VERSION}:{root}".encode()).hexdigest()[:32]


def canonical_genome(genome: Genome) -> Genome:
    """Return the genome that stands for all genomes of the same network.

    Nodes are numbered breadth first, equal parents' children in the order of their subtrees. Where
    a space's window is shorter than its number of layers the result may lie outside the space.

    Example:
        >>> print(canonical_genome(Genome((Node("conv3", 0), Node("bilstm", 0)))))
        1:bilstm(0) 2:conv3(0)
    """
    subtrees = _subtrees(genome)
    children = _children(genome)
    nodes: list[Node] = []
    waiting = deque([(0, 0)])  # (number here, number in the result)
    while waiting:
        old, new = waiting.popleft()
        for child in sorted(children[old], key=lambda position: subtrees[position]):
            nodes.append(Node(genome.nodes[child - 1].op, new))
            waiting.append((child, len(nodes)))
    return Genome(tuple(nodes))


def _children(genome: Genome) -> list[list[int]]:
    children: list[list[int]] = [[] for _ in range(genome.n_layers + 1)]
    for position, node in enumerate(genome.nodes, start=1):
        children[node.source].append(position)
    return children


def _subtrees(genome: Genome) -> list[str]:
    """Return each node's subtree as text, equal for equal trees; entry 0 is the whole."""
    children = _children(genome)
    texts = [""] * (genome.n_layers + 1)
    for position in range(genome.n_layers, -1, -1):  # children have higher numbers
        op = genome.nodes[position - 1].op if position else ""
        texts[position] = f"{op}({','.join(sorted(texts[child] for child in children[position]))})"
    return texts
