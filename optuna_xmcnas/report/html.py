"""A report as one HTML file that loads nothing."""

from __future__ import annotations

from functools import cache
import json
from typing import TYPE_CHECKING

from jinja2 import Environment
from jinja2 import PackageLoader
from jinja2 import select_autoescape
from jinja2 import StrictUndefined

from optuna_xmcnas.drawing import draw_svg
from optuna_xmcnas.report.blocks import pieces


if TYPE_CHECKING:
    from optuna_xmcnas.report.blocks import Chart
    from optuna_xmcnas.report.blocks import Drawing
    from optuna_xmcnas.report.blocks import Report


MARK = '<meta name="generator" content="optuna_xmcnas report">'
"""What every report that is HTML has among its first lines."""

# what would end a script, or begin another, within JSON
_UNSAFE = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}


def report_html(report: Report) -> str:
    """Return a report as an HTML document.

    It holds all it needs, plotly.js as well, and its own rules forbid it to load anything.

    Example:
        >>> from optuna_xmcnas.report.blocks import Paragraph, Report, Section
        >>> section = Section("Costs", (Paragraph("Some <b>."),))
        >>> html = report_html(Report("Study", (), (section,), "us"))
        >>> html[:15], "Some &lt;b&gt;." in html
        ('<!doctype html>', True)
    """
    has_charts = any(block.kind == "chart" for part in report.sections for block in part.blocks)
    template = _environment().get_template("report.html")
    return template.render(report=report, mark=MARK, plotly=_plotly() if has_charts else "")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("optuna_xmcnas.report"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["pieces"] = pieces
    environment.filters["svg"] = _svg
    environment.filters["figure"] = _figure
    environment.globals["raw"] = _raw
    return environment


def _svg(drawing: Drawing) -> str:
    return draw_svg(
        drawing.genome,
        drawing.node_weights,
        parent=drawing.parent,
        title=drawing.title,
        caption=drawing.caption,
    )


def _figure(chart: Chart) -> str:
    """Return the figure as JSON that can stand in a script."""
    text = json.dumps(json.loads(chart.figure), separators=(",", ":"))
    for character, written in _UNSAFE.items():
        text = text.replace(character, written)
    return text


def _raw(name: str) -> str:
    """Return a file of ours among the templates, as it is."""
    environment = _environment()
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())
