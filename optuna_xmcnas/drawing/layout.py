"""Where the nodes of a genome go.

Each node reads one output, so a genome is a tree. Every node has a row of its own, below its
source and right of it, and all that grows from a node comes before the next reader of its source.
So the way to the right edge is free for the outputs of all nodes, and an edge that leaves its
source downwards and enters the node from the left passes no other box:

    embedding
    ├── 1 bilstm ────────
    │   └── 3 maxpool3 ──
    └── 2 conv3 ─────────
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from optuna_xmcnas.drawing.shapes import Point
from optuna_xmcnas.genome import Genome


BOX_HEIGHT = 32.0
ROW_HEIGHT = 46.0
_TRUNK = 16.0  # from the left edge of a source to where its edges leave it
_INDENTS = (26.0, 40.0)  # of a node from its source: at least (deep genomes), at most
_USUAL_DEPTH = 320.0  # pixels that all indents together may take before they shrink


@dataclass(frozen=True, slots=True)
class Place:
    """Where the box of a node is."""

    x: float  # of the left edge
    y: float  # of the upper edge
    width: float

    @property
    def right(self) -> float:
        """X of the right edge."""
        return self.x + self.width

    @property
    def middle(self) -> float:
        """Y of the middle."""
        return self.y + BOX_HEIGHT / 2

    @property
    def bottom(self) -> float:
        """Y of the lower edge."""
        return self.y + BOX_HEIGHT


def place_nodes(
    genome: Genome, widths: Sequence[float], *, left: float, top: float
) -> tuple[Place, ...]:
    """Return the place of the embedding, then of each node.

    Args:
        genome: What is drawn.
        widths: Of the boxes, the embedding's first.
        left: X of the embedding's left edge.
        top: Y of the embedding's upper edge.

    Example:
        >>> genome = Genome.from_text("1:bilstm(0) 2:conv3(0) 3:maxpool3(1)")
        >>> places = place_nodes(genome, [90, 80, 80, 80], left=0, top=0)
        >>> [(place.x, place.y) for place in places]
        [(0, 0), (40.0, 46.0), (40.0, 138.0), (80.0, 92.0)]
    """
    readers: list[list[int]] = [[] for _ in widths]
    depths = [0] * len(widths)
    for position, node in enumerate(genome.nodes, start=1):
        readers[node.source].append(position)
        depths[position] = depths[node.source] + 1
    lowest, highest = _INDENTS
    indent = max(lowest, min(highest, _USUAL_DEPTH / max(depths)))
    places = {0: Place(left, top, widths[0])}
    waiting = readers[0][::-1]
    while waiting:
        position = waiting.pop()
        x, y = left + depths[position] * indent, top + len(places) * ROW_HEIGHT
        places[position] = Place(x, y, widths[position])
        waiting += readers[position][::-1]
    return tuple(places[i] for i in range(len(widths)))


def edge(source: Place, node: Place) -> tuple[Point, Point, Point]:
    """Return the points of the edge from a source to a node that reads it."""
    x = source.x + _TRUNK
    return (x, source.bottom), (x, node.middle), (node.x, node.middle)
