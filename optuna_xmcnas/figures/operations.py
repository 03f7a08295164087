"""Which operations the population is made of."""

from __future__ import annotations

from typing import Any
from typing import TYPE_CHECKING

from optuna_xmcnas.analysis import evenly
from optuna_xmcnas.drawing import op_colour
from optuna_xmcnas.figures.canvas import axis
from optuna_xmcnas.figures.canvas import figure
from optuna_xmcnas.figures.canvas import INK
from optuna_xmcnas.figures.canvas import Trace


if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from optuna_xmcnas.analysis import PopulationOverTime


_MOST = 80  # points of a line
_MOST_OPS = 12


def operations_figure(population: PopulationOverTime) -> Figure:
    """Return the share of each operation in the population, over the trials.

    Operations beyond the twelve most frequent in the end are one area.
    """
    moments = population.moments
    places = evenly(len(moments), _MOST)
    whose = "population" if population.is_population else f"latest {population.size} children"
    x: list[float] = [place + 1 for place in places]
    if len(places) == 1:  # an area needs two points
        places, x = places * 2, [0.5, 1.5]
    named = population.ops[:_MOST_OPS]
    shares = [moments[place].shares for place in places]
    traces: list[Trace] = [
        _area(op, x, [share.get(op, 0.0) for share in shares], op_colour(op).fill) for op in named
    ]
    if len(named) < len(population.ops):
        rest = [sum(share.values()) - sum(share.get(op, 0.0) for op in named) for share in shares]
        traces.append(_area("others", x, rest, INK))
    layout: dict[str, Any] = {
        "xaxis": axis("finished children"),
        "yaxis": axis("share of the nodes (%)", range=[0, 100]),
        "hovermode": "x unified",
    }
    if 0 < population.random_until < len(moments):
        _mark_random_phase(population, layout)
    return figure(f"Operations in the {whose}", traces, layout, if_empty=_empty(population))


def _area(name: str, x: list[float], shares: list[float], colour: str) -> Trace:
    return {
        "type": "scatter",
        "mode": "lines",
        "stackgroup": "one",
        "x": x,
        "y": [round(100 * share, 1) for share in shares],
        "name": name,
        "line": {"width": 0.5, "color": INK},
        "fillcolor": colour,
        "hovertemplate": "%{y:.0f} %",
    }


def _mark_random_phase(population: PopulationOverTime, layout: dict[str, Any]) -> None:
    end = population.random_until + 0.5
    is_late = population.random_until > len(population.moments) / 2
    place = {"x": end, "xref": "x", "yref": "paper"}
    layout["shapes"] = [
        {
            "type": "line",
            "xref": "x",
            "yref": "paper",
            "x0": end,
            "x1": end,
            "y0": 0,
            "y1": 1.03,
            "line": {"color": INK, "width": 2, "dash": "dash"},
        }
    ]
    layout["annotations"] = [
        {
            **place,
            "y": 1.02,
            "yanchor": "bottom",
            "xanchor": "right" if is_late else "left",
            "text": "← random" if is_late else "evolved →",
            "showarrow": False,
        }
    ]


def _empty(population: PopulationOverTime) -> str:
    return (
        "No finished child has a record of its genome."
        if population.moments
        else population.sentence
    )
