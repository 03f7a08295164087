"""A genome as a picture: text, SVG, PNG and Mermaid, and what sets it apart from its parent."""

from __future__ import annotations

from optuna_xmcnas.drawing.captions import trial_caption
from optuna_xmcnas.drawing.captions import trial_title
from optuna_xmcnas.drawing.colours import Colour
from optuna_xmcnas.drawing.colours import op_colour
from optuna_xmcnas.drawing.difference import Difference
from optuna_xmcnas.drawing.difference import difference
from optuna_xmcnas.drawing.mermaid import draw_mermaid
from optuna_xmcnas.drawing.png import draw_png
from optuna_xmcnas.drawing.svg import draw_svg
from optuna_xmcnas.drawing.text import draw_text
from optuna_xmcnas.drawing.weights import fitting_weights


__all__ = [
    "Colour",
    "Difference",
    "difference",
    "draw_mermaid",
    "draw_png",
    "draw_svg",
    "draw_text",
    "fitting_weights",
    "op_colour",
    "trial_caption",
    "trial_title",
]
