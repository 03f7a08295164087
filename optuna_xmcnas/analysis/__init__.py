"""Reading studies and showing what they found."""

from __future__ import annotations

from optuna_xmcnas.analysis.drawing import draw_text
from optuna_xmcnas.analysis.history import History
from optuna_xmcnas.analysis.history import Phase
from optuna_xmcnas.analysis.history import read_history
from optuna_xmcnas.analysis.history import Row
from optuna_xmcnas.analysis.tables import best_records
from optuna_xmcnas.analysis.tables import expected_values


__all__ = [
    "History",
    "Phase",
    "Row",
    "best_records",
    "draw_text",
    "expected_values",
    "read_history",
]
