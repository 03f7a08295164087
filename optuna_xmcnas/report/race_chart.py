"""The best value so far of several samplers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from optuna_xmcnas.analysis import evenly


if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from optuna_xmcnas.report.comparison import Comparison
    from optuna_xmcnas.report.comparison import Group


_MOST_POINTS = 300
# readable on white and on dark pages, apart for people who are colour-blind
_COLOURS = ("#3f86c8", "#d9731a", "#2f9e6e", "#b0489c", "#8a8a8a", "#c2a500", "#7a5cd6", "#c94f4f")
_DASHES = ("solid", "dash", "dot", "dashdot")


def race_figure(comparison: Comparison) -> Figure:
    """Return the mean best value of each group by finished children, with its interval."""
    import plotly.graph_objects as go

    measure = comparison.measure
    factor = 100.0 if measure.is_share else 1.0
    figure = go.Figure()
    for position, group in enumerate(comparison.groups):
        colour = _COLOURS[position % len(_COLOURS)]
        dash = _DASHES[position // len(_COLOURS) % len(_DASHES)]
        at = evenly(len(group.curve), _MOST_POINTS)
        if len(group.studies) > 1:
            figure.add_traces(_band(group, at, factor, colour))
        n = len(group.studies)
        figure.add_trace(
            go.Scatter(
                x=[place + 1 for place in at],
                y=[round(factor * group.curve[place].mean, 4) for place in at],
                name=f"{group.label}, {n} {'study' if n == 1 else 'studies'}",
                mode="lines+markers" if len(at) == 1 else "lines",
                line={"color": colour, "dash": dash, "shape": "hv"},
                legendgroup=group.label,
                hovertemplate="%{y:.2f} after %{x}<extra>%{fullData.name}</extra>",
            )
        )
    figure.update_layout(
        template=None,
        xaxis={"title": {"text": "finished children"}, "rangemode": "tozero"},
        yaxis={"title": {"text": f"best {measure.name} so far" + (", %" * measure.is_share)}},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        margin={"l": 60, "r": 20, "t": 60, "b": 50},
        hovermode="closest",
    )
    return figure


def _band(group: Group, at: Sequence[int], factor: float, colour: str) -> list[object]:
    """Return the lower end of the intervals, and the upper one filled down to it."""
    import plotly.graph_objects as go

    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    ends = ([group.curve[place].low for place in at], [group.curve[place].high for place in at])
    return [
        go.Scatter(
            x=[place + 1 for place in at],
            y=[None if value is None else round(factor * value, 4) for value in values],
            mode="lines",
            line={"width": 0, "shape": "hv"},
            fill=fill,
            fillcolor=f"rgba({red},{green},{blue},0.18)",
            legendgroup=group.label,
            showlegend=False,
            hoverinfo="skip",
        )
        for values, fill in zip(ends, (None, "tonexty"), strict=True)
    ]
