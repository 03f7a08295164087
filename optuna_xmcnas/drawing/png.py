"""Drawing a genome as PNG, for places that show no SVG."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence
import io
import math
from typing import assert_never
from typing import TYPE_CHECKING
import unicodedata

from optuna_xmcnas.drawing.picture import picture_of
from optuna_xmcnas.drawing.shapes import Box
from optuna_xmcnas.drawing.shapes import Label
from optuna_xmcnas.drawing.shapes import Line
from optuna_xmcnas.drawing.shapes import Point
from optuna_xmcnas.drawing.shapes import Polygon
from optuna_xmcnas.drawing.shapes import Shape


if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

    from optuna_xmcnas.genome import Genome


_OVERSAMPLING = 3  # points per pixel of the result and direction, for clean edges
_DASH, _GAP = 6.0, 4.0
_IN_FONT = frozenset("·…")  # of Pillow's own font, beside ASCII
_ALIKE = str.maketrans("–—‘’“”×", "--''\"\"x")


def draw_png(
    genome: Genome,
    node_weights: Sequence[float] | None = None,
    *,
    parent: Genome | None = None,
    title: str | None = None,
    caption: str | None = None,
    scale: int = 2,
) -> bytes:
    """Return a genome drawn as a PNG file; the picture is that of :func:`draw_svg`.

    Args:
        genome: What to draw.
        node_weights: Share of each node's output in what the head sees, node 1 first.
        parent: What the genome was made from; differences are marked.
        title: The first line.
        caption: What stands below it.
        scale: Pixels of the file per pixel of the picture.

    Raises:
        ValueError: If there is not one weight per node, or ``scale`` is below 1.

    Example:
        >>> from optuna_xmcnas.genome import Genome
        >>> draw_png(Genome.from_text("1:bilstm(0)"))[1:4]
        b'PNG'
    """
    from PIL import Image
    from PIL import ImageDraw

    if scale < 1:
        raise ValueError(f"`scale` must be at least 1; got {scale}.")
    picture = picture_of(genome, node_weights, parent=parent, title=title, caption=caption)
    size = (math.ceil(picture.width) * scale, math.ceil(picture.height) * scale)
    fine = (size[0] * _OVERSAMPLING, size[1] * _OVERSAMPLING)
    image = Image.new("RGBA", fine, (255, 255, 255, 0))
    canvas = ImageDraw.Draw(image)
    for shape in picture.shapes:
        _draw(canvas, shape, scale * _OVERSAMPLING)
    file = io.BytesIO()
    image.resize(size, Image.Resampling.BOX).save(file, "PNG", optimize=True)
    return file.getvalue()


def _draw(canvas: ImageDraw, shape: Shape, factor: int) -> None:
    match shape:
        case Box():
            half = shape.outline_width / 2  # Pillow draws the outline inside
            left, top = shape.x - half, shape.y - half
            right, bottom = shape.x + shape.width + half, shape.y + shape.height + half
            canvas.rounded_rectangle(
                [left * factor, top * factor, right * factor - 1, bottom * factor - 1],
                radius=(shape.radius + half) * factor,
                fill=shape.fill,
                outline=shape.outline,
                width=round(shape.outline_width * factor),
            )
        case Line():
            parts = _dashes(shape.points) if shape.is_dashed else [shape.points]
            for points in parts:
                canvas.line(
                    [(x * factor, y * factor) for x, y in points],
                    fill=shape.colour,
                    width=round(shape.width * factor),
                    joint="curve",
                )
        case Polygon():
            canvas.polygon([(x * factor, y * factor) for x, y in shape.points], fill=shape.fill)
        case Label():
            from PIL import ImageFont

            canvas.text(
                (shape.x * factor, shape.y * factor),
                _plain(shape.text),
                fill=shape.colour,
                font=ImageFont.load_default(shape.size * factor),
                anchor="ms" if shape.is_centred else "ls",
                stroke_width=round(0.03 * shape.size * factor) if shape.is_bold else 0,
            )
        case _:
            assert_never(shape)


def _dashes(points: Sequence[Point]) -> Iterator[tuple[Point, ...]]:
    """Yield the dashes of a line, each of which may go around a corner."""
    left, is_dash = _DASH, True
    dash: list[Point] = [points[0]]
    for (x, y), (end_x, end_y) in zip(points, points[1:], strict=False):
        length = math.hypot(end_x - x, end_y - y)
        done = 0.0
        while length - done > left:
            done += left
            at = (x + (end_x - x) * done / length, y + (end_y - y) * done / length)
            if is_dash:
                yield (*dash, at)
            dash, is_dash = [at], not is_dash
            left = _DASH if is_dash else _GAP
        left -= length - done
        dash.append((end_x, end_y))
    if is_dash:
        yield tuple(dash)


def _plain(text: str) -> str:
    """Return a text in the letters of Pillow's own font; what it cannot show becomes "?"."""
    return "".join(
        c if c in _IN_FONT or " " <= c <= "~" else _base_letter(c)
        for c in unicodedata.normalize("NFC", text.translate(_ALIKE))
    )


def _base_letter(character: str) -> str:
    base = unicodedata.normalize("NFKD", character)[0]
    return base if " " <= base <= "~" else "?"
