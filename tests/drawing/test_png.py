"""A PNG is the picture of the SVG in pixels."""

from __future__ import annotations

import io
import subprocess
import sys
from xml.etree import ElementTree

from PIL import Image
import pytest

from optuna_xmcnas.drawing import draw_png
from optuna_xmcnas.drawing import draw_svg
from optuna_xmcnas.drawing import op_colour
from optuna_xmcnas.genome import Genome
from optuna_xmcnas.genome import Node
from tests.drawing.genomes import CHAIN
from tests.drawing.genomes import shares


@pytest.mark.parametrize("scale", [1, 2])
def test_it_is_as_large_as_the_svg_times_the_scale(scale: int) -> None:
    parent = CHAIN.with_node(4, Node("conv7", 1))
    png = draw_png(CHAIN, shares(6), parent=parent, title="trial – 17 é 中", scale=scale)
    root = ElementTree.fromstring(
        draw_svg(CHAIN, shares(6), parent=parent, title="trial – 17 é 中")
    )
    with Image.open(io.BytesIO(png)) as image:
        image.load()
        assert image.format == "PNG"
        for pixels, side in zip(image.size, ("width", "height"), strict=True):
            assert abs(pixels - scale * float(root.get(side, 0))) <= scale


def test_nodes_have_their_colours_on_a_white_page() -> None:
    with Image.open(io.BytesIO(draw_png(Genome.from_text("1:bigru(0) 2:conv5(1)")))) as image:
        colours = {colour for _, colour in image.convert("RGB").getcolors(1 << 20) or []}
        corner = image.convert("RGBA").getpixel((0, 0))
    fills = (op_colour(op).fill for op in ("bigru", "conv5"))
    for fill in ("#FFFFFF", *fills):
        assert tuple(bytes.fromhex(fill[1:])) in colours
    assert isinstance(corner, tuple)
    assert corner[3] < 128  # round corners


def test_a_scale_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="`scale` must be at least 1; got 0"):
        draw_png(CHAIN, scale=0)


def test_pillow_is_imported_when_it_is_needed() -> None:
    code = "import optuna_xmcnas.drawing, sys; sys.exit('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
