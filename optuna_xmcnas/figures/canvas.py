"""What all figures share: colours that can be read on white and on black, room, few points.

The figures are read by plotly.js 2 and 3, so they keep to what both know.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
import textwrap
from typing import Any
from typing import TYPE_CHECKING

from optuna_xmcnas.analysis import FEWEST


if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from optuna_xmcnas.analysis import Estimate
    from optuna_xmcnas.analysis import Measure


INK = "#7C7C7C"  # 4.2 : 1 against white, and against the black of optuna-dashboard (WCAG 2)
GRID = "rgba(124,124,124,0.25)"
SHADE = "rgba(124,124,124,0.15)"
CLEAR = "rgba(0,0,0,0)"
# apart from each other for colour-blind people (after Okabe and Ito), and from black and white
SERIES = ("#0080C0", "#D55E00", "#009E73", "#CC79A7", "#B8A000", "#56B4E9", "#8A8A8A")
SCALE = (  # cividis (Nuñez et al., PLoS ONE 2018): the same order of lightness for everybody
    (0.0, "#00224E"),
    (0.2, "#35456C"),
    (0.4, "#666970"),
    (0.6, "#948E77"),
    (0.8, "#C8B866"),
    (1.0, "#FEE838"),
)
# light enough for dark words on them
UPWARDS = (  # from white to blue
    (0.0, "#F0F5FC"),
    (0.5, "#B3D1EE"),
    (1.0, "#62A3DC"),
)
BOTH_WAYS = (  # from orange over white to violet (ColorBrewer, PuOr)
    (0.0, "#F1A340"),
    (0.5, "#F7F7F7"),
    (1.0, "#A79CCF"),
)
DARK = "#14181D"  # words on the two above
_BUTTONS = ("pan", "select", "lasso", "zoomin", "zoomout", "autoscale")  # that nobody needs

Trace = dict[str, Any]


def figure(
    title: str, traces: Sequence[Trace], layout: Mapping[str, Any], *, if_empty: str
) -> Figure:
    """Return a figure; one without traces says why it is empty.

    Args:
        title: What is shown.
        traces: As plotly.js wants them.
        layout: Of the axes, and whatever else differs from figure to figure.
        if_empty: What to say if there are no traces.
    """
    from plotly.graph_objects import Figure

    whole: dict[str, Any] = {
        "template": {},
        "title": {
            "text": title,
            "font": {"size": 13},
            "x": 0.02,
            "xref": "container",
            "xanchor": "left",
            "y": 0.98,
            "yanchor": "top",
        },
        "font": {"color": INK, "size": 12},
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "margin": {"l": 60, "r": 20, "t": 60, "b": 50},
        # few buttons, since they lie above the title where a figure is narrow
        "modebar": {"bgcolor": CLEAR, "color": GRID, "activecolor": INK, "remove": list(_BUTTONS)},
        "hovermode": "closest",
        "hoverlabel": {"align": "left", "namelength": -1},
        # at the very bottom: the plot gives way to it, whatever the height
        "legend": {
            "orientation": "h",
            "x": 0.0,
            "y": 0.0,
            "yref": "container",
            "yanchor": "bottom",
        },
        **layout,
    }
    if not traces:
        for name in ("shapes", "annotations", "coloraxis", "xaxis2"):
            whole.pop(name, None)
        whole["xaxis"] = whole["yaxis"] = {"visible": False}
        whole["annotations"] = [
            {
                "text": "<br>".join(textwrap.wrap(if_empty, 55)),
                "x": 0.5,
                "y": 0.5,
                "xref": "paper",
                "yref": "paper",
                "showarrow": False,
                "font": {"size": 14},
            }
        ]
    made = Figure({"data": list(traces), "layout": whole})
    made.layout.template = None  # the default one is 7 KB
    return made


def axis(title: str | None = None, **more: Any) -> dict[str, Any]:
    """Return an axis that makes room for its labels."""
    found: dict[str, Any] = {
        "automargin": True,
        "gridcolor": GRID,
        "linecolor": INK,
        "tickcolor": INK,
        "zeroline": False,
        **more,
    }
    if title is not None:
        found["title"] = {"text": title, "standoff": 8}
    return found


def value_axis(measure: Measure, **more: Any) -> dict[str, Any]:
    """Return an axis for the values of a study."""
    return axis(f"validation {measure.name} (%)" if measure.is_share else measure.name, **more)


def shown(measure: Measure, value: float) -> float:
    """Return a value as the axis has it, with the digits that can be seen."""
    return round(100 * value, 3) if measure.is_share else float(f"{value:.6g}")


def room(
    points: Iterable[float], estimates: Iterable[Estimate], measure: Measure | None = None
) -> list[float]:
    """Return the range of an axis that has room for points and for intervals worth the name.

    The interval of two or three values can be wider than anything else; it may be cut.

    Args:
        points: What must be within.
        estimates: What must be within as well, with its interval if it is of enough values.
        measure: What the values are; without one, shares.
    """
    ends = list(points)
    for one in estimates:
        half = (one.half_width or 0.0) if one.n >= FEWEST else 0.0
        ends += [one.mean - half, one.mean + half]
    low, high = (
        percentage(end) if measure is None else shown(measure, end)
        for end in (min(ends), max(ends))
    )
    pad = 0.08 * (high - low) or abs(high) * 0.05 or 1.0
    return [round(low - pad, 6), round(high + pad, 6)]


def percentage(share: float) -> float:
    """Return a share as a percentage, with the digits that can be seen."""
    return round(100 * share, 2)


def short(genome: str) -> str:
    """Return a genome's text without the numbers of its nodes, on lines of three nodes.

    Example:
        >>> short("1:bilstm(0) 2:conv3(0)")
        'bilstm(0) conv3(0)'
    """
    nodes = [node.partition(":")[2] for node in genome.split()]
    return "<br>".join(" ".join(nodes[i : i + 3]) for i in range(0, len(nodes), 3))
