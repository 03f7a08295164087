"""A genome in sentences, for people who do not see its picture."""

from __future__ import annotations

from collections.abc import Sequence

from optuna_xmcnas.drawing.difference import Difference
from optuna_xmcnas.genome import Genome


def describe(
    genome: Genome, node_weights: Sequence[float] | None, changes: Difference | None
) -> str:
    """Return what a picture of a genome shows.

    Example:
        >>> describe(Genome.from_text("1:bilstm(0) 2:conv3(1)"), [0.75, 0.25], None)
        'Node 1, bilstm, reads the embedding; share 0.75. Node 2, conv3, reads node 1; share 0.25.'
    """
    sentences = []
    for position, node in enumerate(genome.nodes, start=1):
        source = f"node {node.source}" if node.source else "the embedding"
        share = "" if node_weights is None else f"; share {node_weights[position - 1]:.2f}"
        sentences.append(f"Node {position}, {node.op}, reads {source}{share}.")
    if changes is not None:
        said = "; ".join(changes.sentences(genome)) or "none"
        sentences.append(f"Changes from the parent: {said}.")
    return " ".join(sentences)
