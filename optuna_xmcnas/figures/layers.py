"""Values by number of layers."""

from __future__ import annotations

from typing import Any
from typing import TYPE_CHECKING

from optuna_xmcnas.figures.canvas import axis
from optuna_xmcnas.figures.canvas import figure
from optuna_xmcnas.figures.canvas import room
from optuna_xmcnas.figures.canvas import SERIES
from optuna_xmcnas.figures.canvas import shown
from optuna_xmcnas.figures.canvas import Trace
from optuna_xmcnas.figures.canvas import value_axis


if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from optuna_xmcnas.analysis import LayerScores


def layers_figure(scores: LayerScores) -> Figure:
    """Return the mean value of children by their number of layers."""
    groups, measure = scores.groups, scores.measure
    traces: list[Trace] = []
    if groups:
        places = list(range(len(groups)))
        traces = [
            {
                "type": "scatter",
                "mode": "markers",
                "x": places,
                "y": [shown(measure, group.score.mean) for group in groups],
                "error_y": {
                    "type": "data",
                    "array": [shown(measure, group.score.half_width or 0.0) for group in groups],
                    "color": SERIES[0],
                    "thickness": 2,
                    "width": 8,
                },
                "name": "mean and its 95 % interval",
                "marker": {"size": 10, "color": SERIES[0]},
                "text": [measure.interval(group.score) for group in groups],
                "hovertemplate": "mean %{text}<extra></extra>",
            },
            {
                "type": "scatter",
                "mode": "markers",
                "x": places,
                "y": [shown(measure, group.best) for group in groups],
                "name": "best",
                "marker": {"size": 10, "symbol": "star", "color": SERIES[1]},
                "text": [measure.text(group.best) for group in groups],
                "hovertemplate": "best %{text}<extra></extra>",
            },
        ]
    layout: dict[str, Any] = {
        "xaxis": axis(
            "layers, and number of children",
            range=[-0.5, len(groups) - 0.5],
            tickvals=list(range(len(groups))),
            ticktext=[f"{group.n_layers}<br>n = {group.score.n}" for group in groups],
            showgrid=False,
        ),
        "yaxis": value_axis(measure),
    }
    if groups:
        layout["yaxis"]["range"] = room(
            [group.best for group in groups], [group.score for group in groups], measure
        )
    return figure(f"{measure.name} by number of layers", traces, layout, if_empty=scores.sentence)
