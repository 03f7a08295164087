"""The shapes that mark what the parent of a genome does not have, and their legend."""

from __future__ import annotations

from collections.abc import Iterator

from optuna_xmcnas.drawing.colours import CHANGED
from optuna_xmcnas.drawing.colours import INK
from optuna_xmcnas.drawing.colours import PAPER
from optuna_xmcnas.drawing.difference import Difference
from optuna_xmcnas.drawing.layout import BOX_HEIGHT
from optuna_xmcnas.drawing.network import arrow_head
from optuna_xmcnas.drawing.network import BASELINE
from optuna_xmcnas.drawing.network import RADIUS
from optuna_xmcnas.drawing.network import RING
from optuna_xmcnas.drawing.scene import LANE
from optuna_xmcnas.drawing.scene import note_width
from optuna_xmcnas.drawing.scene import PADDING
from optuna_xmcnas.drawing.scene import Scene
from optuna_xmcnas.drawing.scene import SMALL
from optuna_xmcnas.drawing.shapes import Box
from optuna_xmcnas.drawing.shapes import Label
from optuna_xmcnas.drawing.shapes import Line
from optuna_xmcnas.drawing.shapes import Shape
from optuna_xmcnas.drawing.shapes import wrapped


_NOTE_HEIGHT = 22.0
_LINE = 20.0  # from one line of the legend to the next
_SAMPLE = 28.0  # width of what the legend explains


def mark_shapes(scene: Scene) -> Iterator[Shape]:
    """Yield a ring and a note for each changed node, and a dashed edge from each old source."""
    for position, note in enumerate(scene.notes):
        if note:
            yield from _ring(scene, position)
            yield from _note(scene, position, note)
    old_sources = {} if scene.changes is None else scene.changes.old_sources
    for lane, (position, source) in enumerate(old_sources.items()):
        yield from _old_edge(scene, position, source, scene.lanes + lane * LANE)


def legend_height(changes: Difference | None, width: float) -> float:
    """Return how high the legend is; 0 if nothing needs one."""
    return _LINE * sum(len(lines) for _, lines in _entries(changes, width))


def legend_shapes(
    changes: Difference | None, *, x: float, y: float, width: float
) -> Iterator[Shape]:
    """Yield what the marks mean, below ``y``."""
    for kind, lines in _entries(changes, width):
        middle = y + _LINE / 2
        indent = 0.0 if kind == "removed" else _SAMPLE + 8
        if kind == "ring":
            yield Box(
                x=x,
                y=middle - 6,
                width=_SAMPLE,
                height=12,
                radius=4,
                fill=PAPER,
                outline=CHANGED,
                outline_width=2,
            )
        elif kind == "dashes":
            points = ((x, middle), (x + _SAMPLE - 8, middle))
            yield Line(points=points, colour=CHANGED, width=2, is_dashed=True)
            yield arrow_head((x + _SAMPLE, middle), (1, 0), CHANGED)
        for text in lines:
            baseline = y + _LINE / 2 + BASELINE * SMALL
            yield Label(x=x + indent, y=baseline, text=text, size=SMALL, colour=INK)
            y += _LINE


def _entries(changes: Difference | None, width: float) -> Iterator[tuple[str, list[str]]]:
    """Yield the entries of the legend: what is shown, and lines that say what it means."""
    if changes is None or not changes.n_changes:
        return
    room = width - _SAMPLE - 8
    if changes.new or changes.old_ops or changes.old_sources:
        yield "ring", wrapped("new or changed since the parent", room, SMALL)
    if changes.old_sources:
        yield "dashes", wrapped("what it read in the parent", room, SMALL)
    if changes.removed:
        gone = ", ".join(f"{i} {op}" for i, op in changes.removed.items())
        yield "removed", wrapped(f"removed from the parent: {gone}", room, SMALL)


def _ring(scene: Scene, position: int) -> Iterator[Shape]:
    place = scene.places[position]
    yield Box(
        x=place.x - RING,
        y=place.y - RING,
        width=place.width + 2 * RING,
        height=BOX_HEIGHT + 2 * RING,
        radius=RADIUS + RING,
        fill=None,
        outline=CHANGED,
        outline_width=2.0,
    )


def _note(scene: Scene, position: int, note: str) -> Iterator[Shape]:
    place = scene.places[position]
    yield Box(
        x=place.right + PADDING,
        y=place.middle - _NOTE_HEIGHT / 2,
        width=note_width(note) - PADDING,
        height=_NOTE_HEIGHT,
        radius=_NOTE_HEIGHT / 2,
        fill=PAPER,
        outline=CHANGED,
    )
    x, y = place.right + (PADDING + note_width(note)) / 2, place.middle + BASELINE * SMALL
    yield Label(x=x, y=y, text=note, size=SMALL, colour=CHANGED, is_centred=True)


def _old_edge(scene: Scene, position: int, source: int, lane: float) -> Iterator[Shape]:
    """Yield an edge that leaves the old source to the right and comes to the note from above."""
    # It passes above both output lines, and between the row of the node and the one above it.
    inset = 3.0 if source == 0 else 7.0 if scene.notes[source] else 0.0  # of a round end
    begin = scene.row_end(source) - inset, scene.places[source].middle - 10
    x, top = scene.row_end(position) - _NOTE_HEIGHT, scene.places[position].middle - 21
    corners = ((lane, begin[1]), (lane, top), (x, top))
    tip = (x, scene.places[position].middle - _NOTE_HEIGHT / 2)
    yield Line(points=(begin, *corners), colour=CHANGED, width=2.0, is_dashed=True)
    yield Line(points=(corners[-1], (x, tip[1] - 4)), colour=CHANGED, width=2.0)
    yield arrow_head(tip, (0, 1), CHANGED)
