"""What is to be drawn of a network, and where: all sizes, before there are shapes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from optuna_xmcnas.drawing.difference import Difference
from optuna_xmcnas.drawing.layout import Place
from optuna_xmcnas.drawing.layout import place_nodes
from optuna_xmcnas.drawing.shapes import shortened
from optuna_xmcnas.drawing.shapes import text_width
from optuna_xmcnas.drawing.weights import winning_path
from optuna_xmcnas.genome import Genome


TEXT, SMALL = 14.0, 12.0  # sizes of letters
PADDING = 11.0  # between the edge of a box and what is written in it
LANE = 14.0  # between dashed edges that go up side by side
NUMBER = 40.0  # for a share as a number
HEAD = 96.0  # width of what all outputs go to
_LONGEST_NAME = 200.0  # of an op, in pixels
_LONGEST_NOTE = 220.0
_TAIL = 44.0  # of an output line, at least


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A network and the room for everything in its picture.

    Sequences of one entry per output begin with the embedding.

    Attributes:
        genome: What is drawn.
        weights: Share of each node's output, node 1 first; None if there are none.
        path: The nodes that lead to the largest share.
        changes: What sets the genome apart from its parent; None without one.
        names: What is written in each box, behind the number.
        notes: What is written beside each box; "" for nothing.
        places: Of the boxes.
        lanes: X of the first dashed edge that goes up.
        numbers: X where the numbers begin.
        head: X of the left edge of what all outputs go to.
    """

    genome: Genome
    weights: Sequence[float] | None
    path: tuple[int, ...]
    changes: Difference | None
    names: tuple[str, ...]
    notes: tuple[str, ...]
    places: tuple[Place, ...]
    lanes: float
    numbers: float
    head: float

    @property
    def right(self) -> float:
        """X of the right edge of it all."""
        return self.head + HEAD

    @property
    def bottom(self) -> float:
        """Y of the lower edge of it all."""
        return max(place.bottom for place in self.places)

    def row_end(self, position: int) -> float:
        """Return where the box of a node, or of the embedding, ends with its note."""
        note = self.notes[position]
        return self.places[position].right + (note_width(note) if note else 0.0)

    def number_width(self, position: int) -> float:
        """Return how wide the number of a node and the room behind it are."""
        return text_width(f"{position} ", TEXT, is_bold=True)


def scene_of(
    genome: Genome,
    weights: Sequence[float] | None,
    changes: Difference | None,
    *,
    left: float,
    top: float,
    least_right: float,
) -> Scene:
    """Return the scene of a genome, at least up to ``least_right`` wide."""
    ops = (shortened(node.op, _LONGEST_NAME, TEXT) for node in genome.nodes)
    names = ("embedding", *ops)
    notes = [""] * len(names)
    for position in range(1, len(names) if changes is not None else 0):
        assert changes is not None  # or there is no position
        notes[position] = shortened(changes.note(position), _LONGEST_NOTE, SMALL)
    widths = [2 * PADDING + text_width(name, TEXT) for name in names]
    for position in range(1, len(names)):
        widths[position] += text_width(f"{position} ", TEXT, is_bold=True)
    places = place_nodes(genome, widths, left=left, top=top)
    ends = [
        place.right + (note_width(note) if note else 0.0)
        for place, note in zip(places, notes, strict=True)
    ]
    lanes = max(ends) + LANE
    n_lanes = 0 if changes is None else len(changes.old_sources)
    numbers = lanes + max(n_lanes * LANE, _TAIL - LANE)
    room = NUMBER if weights is not None else 0.0
    numbers += max(0.0, least_right - (numbers + room + _TAIL / 2 + HEAD))
    return Scene(
        genome=genome,
        weights=weights,
        path=winning_path(genome, weights),
        changes=changes,
        names=names,
        notes=tuple(notes),
        places=places,
        lanes=lanes,
        numbers=numbers,
        head=numbers + room + _TAIL / 2,
    )


def note_width(note: str) -> float:
    """Return how wide a note beside a box is, with the room before it."""
    return text_width(note, SMALL) + 2 * PADDING
