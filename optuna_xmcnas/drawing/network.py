"""The shapes of a network: boxes, the edges between them, and their outputs."""

from __future__ import annotations

from collections.abc import Iterator

from optuna_xmcnas.drawing.colours import FAINT
from optuna_xmcnas.drawing.colours import INK
from optuna_xmcnas.drawing.colours import op_colour
from optuna_xmcnas.drawing.colours import OUTLINE
from optuna_xmcnas.drawing.colours import PAPER
from optuna_xmcnas.drawing.layout import BOX_HEIGHT
from optuna_xmcnas.drawing.layout import edge
from optuna_xmcnas.drawing.scene import HEAD
from optuna_xmcnas.drawing.scene import NUMBER
from optuna_xmcnas.drawing.scene import PADDING
from optuna_xmcnas.drawing.scene import Scene
from optuna_xmcnas.drawing.scene import TEXT
from optuna_xmcnas.drawing.shapes import Box
from optuna_xmcnas.drawing.shapes import Label
from optuna_xmcnas.drawing.shapes import Line
from optuna_xmcnas.drawing.shapes import Point
from optuna_xmcnas.drawing.shapes import Polygon
from optuna_xmcnas.drawing.shapes import Shape


BASELINE = 0.35  # below the middle of a line of text, as a share of its size
RADIUS = 7.0
RING = 4.0  # from the outline of a changed node to the ring around it
_ARROW = 8.0
_STRONG, _USUAL = 3.5, 1.6  # edges on the winning path, and others
_WIDEST = 14.0  # the output line of a share of 1


def network_shapes(scene: Scene) -> Iterator[Shape]:
    """Yield the shapes of a network, those at the back first."""
    positions = range(1, scene.genome.n_layers + 1)
    for position in sorted(positions, key=lambda i: i in scene.path):
        yield from _edge(scene, position)
    for position in positions:
        yield from _output(scene, position)
    for position in (0, *positions):
        yield from _box(scene, position)
    yield from _head(scene)


def arrow_head(tip: Point, direction: tuple[int, int], colour: str) -> Polygon:
    """Return the head of an arrow that points along an axis."""
    (x, y), (dx, dy) = tip, direction
    back_x, back_y, half = x - dx * _ARROW, y - dy * _ARROW, _ARROW / 2
    sides = ((back_x + dy * half, back_y + dx * half), (back_x - dy * half, back_y - dx * half))
    return Polygon(points=(tip, *sides), fill=colour)


def _edge(scene: Scene, position: int) -> Iterator[Shape]:
    source = scene.genome.nodes[position - 1].source
    is_strong = position in scene.path
    colour, width = (INK, _STRONG) if is_strong else (FAINT, _USUAL)
    start, corner, (x, y) = edge(scene.places[source], scene.places[position])
    x -= RING + 1 if scene.notes[position] else 0.0
    points = (start, corner, (x - _ARROW, y))
    yield Line(points=points, colour=colour, width=width)
    yield arrow_head((x, y), (1, 0), colour)


def _output(scene: Scene, position: int) -> Iterator[Shape]:
    """Yield the way of a node's output to the head: as wide as its share."""
    begin, y = scene.row_end(position), scene.places[position].middle
    if scene.weights is None:
        yield Line(points=((begin, y), (scene.head - _ARROW, y)), colour=FAINT, width=_USUAL)
        yield arrow_head((scene.head, y), (1, 0), FAINT)
        return
    weight = scene.weights[position - 1]
    is_largest = scene.path[-1:] == (position,)
    colour = INK if is_largest else FAINT
    width = max(1.0, _WIDEST * min(weight, 1.0))
    yield Line(points=((begin, y), (scene.numbers, y)), colour=colour, width=width)
    end = scene.numbers + NUMBER
    yield Line(points=((end, y), (scene.head, y)), colour=colour, width=width)
    yield Label(
        x=(scene.numbers + end) / 2,
        y=y + BASELINE * TEXT,
        text=f"{weight:.2f}",
        size=TEXT,
        colour=INK,
        is_bold=is_largest,
        is_centred=True,
    )


def _box(scene: Scene, position: int) -> Iterator[Shape]:
    place = scene.places[position]
    is_strong = position in scene.path
    fill, text, hint = PAPER, INK, ""
    if position:
        op = scene.genome.nodes[position - 1].op
        fill, text = op_colour(op).fill, op_colour(op).text
        hint = op if op != scene.names[position] else ""
    yield Box(
        x=place.x,
        y=place.y,
        width=place.width,
        height=BOX_HEIGHT,
        radius=RADIUS if position else BOX_HEIGHT / 2,
        fill=fill,
        outline=INK if is_strong else OUTLINE,
        outline_width=2.5 if is_strong else 1.0,
        hint=hint,
    )
    x, y = place.x + PADDING, place.middle + BASELINE * TEXT
    if not position:
        middle, name = place.x + place.width / 2, scene.names[0]
        yield Label(x=middle, y=y, text=name, size=TEXT, colour=text, is_centred=True)
    else:
        yield Label(x=x, y=y, text=str(position), size=TEXT, colour=text, is_bold=True)
        x += scene.number_width(position)
        yield Label(x=x, y=y, text=scene.names[position], size=TEXT, colour=text)


def _head(scene: Scene) -> Iterator[Shape]:
    slack = 5.0 if scene.genome.n_layers == 1 else 0.0  # two lines of text want more than a row
    top, bottom = scene.places[1].y - slack, scene.bottom + slack
    yield Box(
        x=scene.head,
        y=top,
        width=HEAD,
        height=bottom - top,
        radius=RADIUS,
        fill=PAPER,
        outline=OUTLINE,
    )
    middle = (top + bottom) / 2
    for text, shift in (("attention", -8.0), ("+ head", 8.0)):
        yield Label(
            x=scene.head + HEAD / 2,
            y=middle + shift + BASELINE * TEXT,
            text=text,
            size=TEXT,
            colour=INK,
            is_centred=True,
        )
