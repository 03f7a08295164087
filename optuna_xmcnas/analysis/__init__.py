"""Reading studies and showing what they found."""

from __future__ import annotations

from optuna_xmcnas.analysis.drawing import draw_text
from optuna_xmcnas.analysis.tables import best_records


__all__ = ["best_records", "draw_text"]
