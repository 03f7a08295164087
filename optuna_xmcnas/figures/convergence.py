"""Learning curves."""

from __future__ import annotations

from typing import Any
from typing import TYPE_CHECKING

from optuna_xmcnas.analysis import evenly
from optuna_xmcnas.figures.canvas import axis
from optuna_xmcnas.figures.canvas import figure
from optuna_xmcnas.figures.canvas import percentage
from optuna_xmcnas.figures.canvas import SERIES
from optuna_xmcnas.figures.canvas import Trace


if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from optuna_xmcnas.analysis import Convergence


_MOST = 300  # points of all curves together


def convergence_figure(convergence: Convergence) -> Figure:
    """Return P@5 and nDCG@5 on the validation split by epoch."""
    curves = convergence.curves
    traces: list[Trace] = []
    most = max(2, _MOST // (2 * max(1, len(curves))))
    for i, curve in enumerate(curves):
        points = [curve.points[place] for place in evenly(len(curve.points), most)]
        for metric, dash, values in (
            ("P@5", "solid", [point.p_at_5 for point in points]),
            ("nDCG@5", "dot", [point.ndcg_at_5 for point in points]),
        ):
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines+markers" if len(points) <= 30 else "lines",
                    "x": [round(point.epoch, 2) for point in points],
                    "y": [percentage(value) for value in values],
                    "name": f"{metric}, {curve.name}",
                    "line": {"color": SERIES[i % len(SERIES)], "dash": dash, "width": 2},
                    "marker": {"size": 5, "symbol": "circle" if dash == "solid" else "square"},
                    "hovertemplate": "epoch %{x}: %{y:.2f} %",
                }
            )
    layout: dict[str, Any] = {
        "xaxis": axis("epoch", rangemode="tozero"),
        "yaxis": axis("validation score (%)"),
    }
    return figure("Convergence", traces, layout, if_empty=convergence.sentence)
