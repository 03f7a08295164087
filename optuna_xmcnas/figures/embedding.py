"""Values with and without an operation on the embedding."""

from __future__ import annotations

from typing import Any
from typing import TYPE_CHECKING

from optuna_xmcnas.analysis import evenly
from optuna_xmcnas.figures.canvas import axis
from optuna_xmcnas.figures.canvas import figure
from optuna_xmcnas.figures.canvas import INK
from optuna_xmcnas.figures.canvas import SERIES
from optuna_xmcnas.figures.canvas import shown
from optuna_xmcnas.figures.canvas import Trace
from optuna_xmcnas.figures.canvas import value_axis


if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from optuna_xmcnas.analysis import EmbeddingReaders


_MOST = 140  # children of a group
_GOLDEN = 0.6180339887  # its multiples spread over the unit interval without clumps


def bilstm_figure(readers: EmbeddingReaders) -> Figure:
    """Return the values of children with and without an operation that reads the embedding.

    Points are children, a sample of the values in order where there are many.
    """
    measure = readers.measure
    traces: list[Trace] = []
    labels = []
    for place, (name, group) in enumerate(
        (("with", readers.having), ("without", readers.lacking))
    ):
        labels.append(f"{name} {readers.op}<br>n = {group.n if group else 0}")
        if group is None:
            continue
        ordered = sorted(readers.values[place], key=lambda pair: (pair[1], pair[0]))
        kept = [ordered[i] for i in evenly(len(ordered), _MOST)]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": [round(place - 0.2 + 0.3 * (i * _GOLDEN % 1), 3) for i in range(len(kept))],
                "y": [shown(measure, value) for _, value in kept],
                "marker": {"size": 5, "color": INK, "opacity": 0.7},
                "name": "children",
                "showlegend": len(traces) == 0,
                "text": [f"trial {number}" for number, _ in kept],
                "hovertemplate": "%{text}: %{y}<extra></extra>",
            }
        )
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": [place + 0.25],
                "y": [shown(measure, group.mean)],
                "error_y": {
                    "type": "data",
                    "array": [shown(measure, group.half_width or 0.0)],
                    "color": SERIES[place],
                    "thickness": 2,
                    "width": 8,
                },
                "marker": {"size": 10, "color": SERIES[place]},
                "name": f"mean {name}, 95 % interval",
                "text": [measure.interval(group)],
                "hovertemplate": "mean %{text}<extra></extra>",
            }
        )
    layout: dict[str, Any] = {
        "xaxis": axis(range=[-0.5, 1.5], tickvals=[0, 1], ticktext=labels, showgrid=False),
        "yaxis": value_axis(measure),
    }
    return figure(
        f"{measure.name} with {readers.op} on the embedding",
        traces,
        layout,
        if_empty=readers.sentence,
    )
