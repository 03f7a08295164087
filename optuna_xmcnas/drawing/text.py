"""Drawing a genome as text."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence

from optuna_xmcnas.drawing.weights import check_weights
from optuna_xmcnas.genome import Genome


def draw_text(genome: Genome, node_weights: Sequence[float] | None = None) -> str:
    """Return a genome drawn as a tree that grows from the embedding.

    Args:
        genome: What to draw.
        node_weights: Share of each node's output in what the head sees, node 1 first.

    Raises:
        ValueError: If there is not one weight per node.

    Example:
        >>> from optuna_xmcnas.genome import Node
        >>> genome = Genome((Node("bilstm", 0), Node("conv3", 0), Node("maxpool3", 1)))
        >>> print(draw_text(genome, [0.5, 0.2, 0.3]))
        embedding
        ├── 1 bilstm        0.50 ██████████
        │   └── 3 maxpool3  0.30 ██████
        └── 2 conv3         0.20 ████
    """
    check_weights(genome, node_weights)
    rows = list(_rows(genome, 0, ""))
    width = max(len(text) for text, _ in rows)
    lines = ["embedding"]
    for text, position in rows:
        if node_weights is None:
            lines.append(text)
            continue
        weight = node_weights[position - 1]
        bar = "█" * round(20 * weight)  # a share of 1 is 20 wide
        lines.append(f"{text:<{width}}  {weight:.2f} {bar}".rstrip())
    return "\n".join(lines)


def _rows(genome: Genome, source: int, indent: str) -> Iterator[tuple[str, int]]:
    """Yield a line and the node's position for everything that grows from an output."""
    readers = [i for i, node in enumerate(genome.nodes, start=1) if node.source == source]
    for position in readers:
        is_last = position == readers[-1]
        branch, below = ("└── ", "    ") if is_last else ("├── ", "│   ")
        yield f"{indent}{branch}{position} {genome.nodes[position - 1].op}", position
        yield from _rows(genome, position, indent + below)
