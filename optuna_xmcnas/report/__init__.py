"""A study, or several side by side, as one page."""

from __future__ import annotations

from optuna_xmcnas.report.blocks import Report
from optuna_xmcnas.report.build import build_report
from optuna_xmcnas.report.comparison import compare_studies
from optuna_xmcnas.report.comparison import Comparison
from optuna_xmcnas.report.comparison_report import comparison_report
from optuna_xmcnas.report.html import report_html
from optuna_xmcnas.report.markdown import report_markdown
from optuna_xmcnas.report.model_curves import model_curves


__all__ = [
    "Comparison",
    "Report",
    "build_report",
    "compare_studies",
    "comparison_report",
    "model_curves",
    "report_html",
    "report_markdown",
]
