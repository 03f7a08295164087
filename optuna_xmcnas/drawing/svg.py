"""Drawing a genome as SVG, which browsers and optuna-dashboard show as a picture."""

from __future__ import annotations

from collections.abc import Sequence
import re
from typing import assert_never
from typing import TYPE_CHECKING

from optuna_xmcnas.drawing.picture import picture_of
from optuna_xmcnas.drawing.shapes import Box
from optuna_xmcnas.drawing.shapes import Label
from optuna_xmcnas.drawing.shapes import Line
from optuna_xmcnas.drawing.shapes import Point
from optuna_xmcnas.drawing.shapes import Polygon
from optuna_xmcnas.drawing.shapes import Shape


if TYPE_CHECKING:
    from optuna_xmcnas.genome import Genome


_FONTS = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def draw_svg(
    genome: Genome,
    node_weights: Sequence[float] | None = None,
    *,
    parent: Genome | None = None,
    title: str | None = None,
    caption: str | None = None,
) -> str:
    """Return a genome drawn as an SVG document.

    The embedding is at the top, each node right of and below what it reads, and what the head sees
    at the right. It brings its own white page, has no ids and no scripts, and can stand in a file
    as well as within HTML.

    Args:
        genome: What to draw.
        node_weights: Share of each node's output in what the head sees, node 1 first. The path to
            the largest is drawn strongly.
        parent: What the genome was made from; differences are marked.
        title: The first line.
        caption: What stands below it.

    Raises:
        ValueError: If there is not one weight per node.

    Example:
        >>> from optuna_xmcnas.genome import Genome
        >>> svg = draw_svg(Genome.from_text("1:bilstm(0)"), title="AttentionXML")
        >>> svg[:4], "<title>AttentionXML</title>" in svg
        ('<svg', True)
    """
    picture = picture_of(genome, node_weights, parent=parent, title=title, caption=caption)
    width, height = _n(picture.width), _n(picture.height)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" font-family="{_FONTS}">',
        f"<title>{_escaped(picture.title)}</title>",
        f"<desc>{_escaped(picture.description)}</desc>",
        *map(_element, picture.shapes),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _element(shape: Shape) -> str:
    match shape:
        case Box():
            fill = shape.fill or "none"
            hint = f"<title>{_escaped(shape.hint)}</title>" if shape.hint else ""
            return (
                f'<rect x="{_n(shape.x)}" y="{_n(shape.y)}" width="{_n(shape.width)}" '
                f'height="{_n(shape.height)}" rx="{_n(shape.radius)}" fill="{fill}" '
                f'stroke="{shape.outline}" stroke-width="{_n(shape.outline_width)}"'
                + (f">{hint}</rect>" if hint else "/>")
            )
        case Line():
            dashes = ' stroke-dasharray="6 4"' if shape.is_dashed else ""
            return (
                f'<polyline points="{_points(shape.points)}" fill="none" stroke="{shape.colour}" '
                f'stroke-width="{_n(shape.width)}" stroke-linejoin="round"{dashes}/>'
            )
        case Polygon():
            return f'<polygon points="{_points(shape.points)}" fill="{shape.fill}"/>'
        case Label():
            bold = ' font-weight="bold"' if shape.is_bold else ""
            centred = ' text-anchor="middle"' if shape.is_centred else ""
            return (
                f'<text x="{_n(shape.x)}" y="{_n(shape.y)}" font-size="{_n(shape.size)}" '
                f'fill="{shape.colour}"{bold}{centred}>{_escaped(shape.text)}</text>'
            )
        case _:
            assert_never(shape)


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{_n(x)},{_n(y)}" for x, y in points)


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _escaped(text: str) -> str:
    text = _NOT_IN_XML.sub("?", text)  # a study may be called anything
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
