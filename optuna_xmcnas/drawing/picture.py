"""What the picture of a genome shows, as shapes: the same for every format."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence

from optuna_xmcnas.drawing.colours import FAINT
from optuna_xmcnas.drawing.colours import INK
from optuna_xmcnas.drawing.colours import OUTLINE
from optuna_xmcnas.drawing.colours import PAPER
from optuna_xmcnas.drawing.description import describe
from optuna_xmcnas.drawing.difference import difference
from optuna_xmcnas.drawing.marks import legend_height
from optuna_xmcnas.drawing.marks import legend_shapes
from optuna_xmcnas.drawing.marks import mark_shapes
from optuna_xmcnas.drawing.network import network_shapes
from optuna_xmcnas.drawing.scene import scene_of
from optuna_xmcnas.drawing.scene import SMALL
from optuna_xmcnas.drawing.shapes import Box
from optuna_xmcnas.drawing.shapes import Label
from optuna_xmcnas.drawing.shapes import Picture
from optuna_xmcnas.drawing.shapes import Shape
from optuna_xmcnas.drawing.shapes import text_width
from optuna_xmcnas.drawing.shapes import wrapped
from optuna_xmcnas.drawing.weights import check_weights
from optuna_xmcnas.genome import Genome


_MARGIN = 22.0
_TITLE = 16.0
_TITLE_LINE, _CAPTION_LINE = 22.0, 17.0
_GAP = 12.0  # below the caption, and above the legend
_NARROWEST, _WIDEST_FOR_TITLE = 340.0, 520.0


def picture_of(
    genome: Genome,
    node_weights: Sequence[float] | None = None,
    *,
    parent: Genome | None = None,
    title: str | None = None,
    caption: str | None = None,
) -> Picture:
    """Return the picture of a genome.

    Raises:
        ValueError: If there is not one weight per node.
    """
    check_weights(genome, node_weights)
    changes = None if parent is None else difference(genome, parent)
    wanted = text_width(title or "", _TITLE, is_bold=True)
    least = max(_NARROWEST, min(wanted + 2 * _MARGIN, _WIDEST_FOR_TITLE))
    # How wide the page is depends on the network, how much room the title takes on the page.
    place = {"left": _MARGIN, "least_right": least - _MARGIN}
    width = scene_of(genome, node_weights, changes, top=0.0, **place).right + _MARGIN
    inner = width - 2 * _MARGIN
    heading = list(_heading(title or "", caption or "", inner))
    top = _MARGIN if not heading else heading[-1].y + _GAP
    scene = scene_of(genome, node_weights, changes, top=top, **place)
    legend_top = scene.bottom + _GAP
    legend = legend_height(changes, inner)
    height = (legend_top + legend if legend else scene.bottom) + _MARGIN
    page = Box(
        x=0.5,
        y=0.5,
        width=width - 1,
        height=height - 1,
        radius=10,
        fill=PAPER,
        outline=FAINT,
    )
    shapes: tuple[Shape, ...] = (
        page,
        *heading,
        *network_shapes(scene),
        *mark_shapes(scene),
        *legend_shapes(changes, x=_MARGIN, y=legend_top, width=inner),
    )
    return Picture(
        width=width,
        height=height,
        shapes=shapes,
        title=title or f"Architecture {genome}",
        description=describe(genome, node_weights, changes),
    )


def _heading(title: str, caption: str, width: float) -> Iterator[Label]:
    y = 14.0
    for line in wrapped(title, width, _TITLE * 1.14):  # bold letters are wider
        y += _TITLE_LINE
        yield Label(x=_MARGIN, y=y - 4, text=line, size=_TITLE, colour=INK, is_bold=True)
    for line in wrapped(caption, width, SMALL):
        y += _CAPTION_LINE
        yield Label(x=_MARGIN, y=y - 4, text=line, size=SMALL, colour=OUTLINE)
