"""Values of the children, the best and the population, one finished child after another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from typing import TYPE_CHECKING

from optuna_xmcnas.analysis import evenly
from optuna_xmcnas.analysis import mutation_text
from optuna_xmcnas.analysis import Phase
from optuna_xmcnas.figures.canvas import axis
from optuna_xmcnas.figures.canvas import figure
from optuna_xmcnas.figures.canvas import INK
from optuna_xmcnas.figures.canvas import SERIES
from optuna_xmcnas.figures.canvas import SHADE
from optuna_xmcnas.figures.canvas import short
from optuna_xmcnas.figures.canvas import shown
from optuna_xmcnas.figures.canvas import Trace
from optuna_xmcnas.figures.canvas import value_axis


if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from optuna_xmcnas.analysis import Moment
    from optuna_xmcnas.analysis import PopulationOverTime


_MOST = 90  # points of a line, and children
_BEST, _MEAN = SERIES[1], SERIES[0]
_PHASES = {
    Phase.RANDOM: ("random children", "circle-open", INK),
    Phase.GIVEN: ("given children", "diamond", SERIES[3]),
    Phase.EVOLVED: ("mutants", "circle", INK),
    Phase.SAMPLED: ("children", "circle", INK),
}


def progress_figure(population: PopulationOverTime) -> Figure:
    """Return the best value, that of the population and those of the children, over the trials.

    The axis at the top says how much time had passed. Of a long study some children are left out;
    half of those that are shown are the best ones so far, if there were as many.
    """
    measure, moments = population.measure, population.moments
    places = evenly(len(moments), _MOST)
    whose = "population" if population.is_population else f"latest {population.size} children"

    def line(values: Sequence[float], name: str, **more: Any) -> Trace:
        return {
            "type": "scatter",
            "mode": "lines",
            "x": [place + 1 for place in places],
            "y": [shown(measure, value) for value in values],
            "name": name,
            **more,
        }

    picked = [moments[place] for place in places]
    traces: list[Trace] = []
    if picked:
        edge = {"line": {"width": 0}, "hoverinfo": "skip"}
        traces = [
            line([one.low for one in picked], "", showlegend=False, **edge),
            line(
                [one.high for one in picked],
                f"middle half of the {whose}",
                fill="tonexty",
                fillcolor="rgba(0,128,192,0.25)",
                **edge,
            ),
            *_children(population),
            line(
                [one.mean for one in picked],
                f"mean of the {whose}",
                line={"color": _MEAN, "width": 2},
            ),
            line(
                [one.best for one in picked],
                "best so far",
                line={"color": _BEST, "width": 2, "shape": "hv"},
            ),
        ]
    layout: dict[str, Any] = {
        "xaxis": axis("finished children", rangemode="tozero"),
        "yaxis": value_axis(measure),
    }
    if picked:
        layout["xaxis"]["range"] = [0.0, len(moments) + 1.0]
        _mark_random_phase(population, traces, layout)
        _mark_time(moments, traces, layout)
    title = f"Best {measure.name} and the {whose}"
    return figure(title, traces, layout, if_empty=population.sentence)


def _children(population: PopulationOverTime) -> list[Trace]:
    moments = population.moments
    best = [
        place
        for place, moment in enumerate(moments)
        if place == 0 or moment.best_number == moment.number
    ]
    kept = {best[i] for i in evenly(len(best), _MOST // 2)}
    room = _MOST - len(kept)
    kept.update(evenly(len(moments), room))
    traces = []
    for phase, (name, symbol, colour) in _PHASES.items():
        places = [place for place in sorted(kept) if moments[place].phase == phase]
        if not places:
            continue
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": [place + 1 for place in places],
                "y": [shown(population.measure, moments[place].value) for place in places],
                "name": name,
                "marker": {"symbol": symbol, "color": colour, "size": 6},
                "text": [_words(moments[place], population) for place in places],
                "hovertemplate": "trial %{text}<extra></extra>",
            }
        )
    return traces


def _words(moment: Moment, population: PopulationOverTime) -> str:
    measure = population.measure
    lines = [f"{moment.number}: {measure.name} {measure.text(moment.value)}"]
    if moment.genome is not None:
        lines.append(short(moment.genome))
    if moment.parent is not None:
        how = mutation_text(moment.mutation) if moment.mutation else "a mutation"
        lines.append(f"{how}, of trial {moment.parent}")
    return "<br>".join(lines)


def _mark_random_phase(
    population: PopulationOverTime, traces: list[Trace], layout: dict[str, Any]
) -> None:
    if not population.random_until:
        return
    layout["shapes"] = [
        {
            "type": "rect",
            "layer": "below",
            "xref": "x",
            "yref": "paper",
            "x0": 0,
            "x1": population.random_until + 0.5,
            "y0": 0,
            "y1": 1,
            "fillcolor": SHADE,
            "line": {"width": 0},
        }
    ]
    traces.append(
        {
            "type": "scatter",
            "mode": "markers",
            "x": [None],
            "y": [None],
            "name": "random phase",
            "marker": {"symbol": "square", "size": 12, "color": "rgba(124,124,124,0.4)"},
        }
    )


def _mark_time(moments: Sequence[Moment], traces: list[Trace], layout: dict[str, Any]) -> None:
    """Write above the figure how much time had passed, at a few places."""
    places = [place for place in evenly(len(moments), 6) if moments[place].hours is not None]
    if not places:
        return
    longest = max(moments[place].hours or 0.0 for place in places)
    layout["margin"] = {"l": 60, "r": 20, "t": 95, "b": 50}  # two rows more above
    layout["xaxis2"] = axis(
        "time since the first trial began",
        overlaying="x",
        side="top",
        range=layout["xaxis"]["range"],
        showgrid=False,
        tickvals=[place + 1 for place in places],
        ticktext=[_time(moments[place].hours or 0.0, longest) for place in places],
    )
    # an axis is drawn only if a trace has it
    traces.append(
        {
            "type": "scatter",
            "x": [None],
            "y": [None],
            "xaxis": "x2",
            "showlegend": False,
            "hoverinfo": "skip",
        }
    )


def _time(hours: float, longest: float) -> str:
    if longest < 0.1:
        return f"{3600 * hours:.0f} s"
    if longest < 3:
        return f"{60 * hours:.0f} min"
    return f"{hours:.1f} h" if longest < 100 else f"{hours / 24:.1f} d"
