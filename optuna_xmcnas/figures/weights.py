"""Learned weights of nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from typing import TYPE_CHECKING

from optuna_xmcnas.analysis import FEWEST
from optuna_xmcnas.analysis import percent
from optuna_xmcnas.drawing import op_colour
from optuna_xmcnas.figures.canvas import axis
from optuna_xmcnas.figures.canvas import BOTH_WAYS
from optuna_xmcnas.figures.canvas import DARK
from optuna_xmcnas.figures.canvas import figure
from optuna_xmcnas.figures.canvas import INK
from optuna_xmcnas.figures.canvas import percentage
from optuna_xmcnas.figures.canvas import room
from optuna_xmcnas.figures.canvas import Trace
from optuna_xmcnas.figures.canvas import UPWARDS


if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from optuna_xmcnas.analysis import DepthWeight
    from optuna_xmcnas.analysis import DepthWeights
    from optuna_xmcnas.analysis import Estimate
    from optuna_xmcnas.analysis import PairedWeights
    from optuna_xmcnas.analysis import PositionWeight
    from optuna_xmcnas.analysis import PositionWeights


_MOST_OPS = 12  # in one figure


def weights_figure(weights: PositionWeights) -> Figure:
    """Return the mean weight of each operation in each position.

    Means of few children are in brackets.
    """
    shown = weights.by_op[:_MOST_OPS]
    ops = [cell.op for cell in reversed(shown)]
    positions = list(range(1, weights.n_positions + 1))
    cells: dict[tuple[str, int | None], PositionWeight] = {(c.op, None): c for c in shown}
    cells.update({(op, place): cell for (op, place), cell in weights.cells.items()})
    places = [*positions, None]
    table = [[cells.get((op, place)) for place in places] for op in ops]
    heat = _heat(
        [str(place) for place in positions] + ["all"],
        ops,
        [[None if cell is None else cell.weight for cell in row] for row in table],
        [
            [
                ""
                if cell is None
                else f"{cell.op}, {_place(cell.position)}<br>weight {percent(cell.weight)} "
                f"({cell.weight.n} children)<br>an equal share: {100 * cell.equal:.0f} %"
                for cell in row
            ]
            for row in table
        ],
        colorscale=[list(stop) for stop in UPWARDS],
        zmin=0,
        zmax=max((percentage(cell.weight.mean) for cell in weights.cells.values()), default=1),
    )
    layout: dict[str, Any] = {
        "xaxis": axis("position of the node", type="category", showgrid=False),
        "yaxis": axis(type="category", showgrid=False),
    }
    return figure(
        "Learned weights of the nodes",
        [heat] if weights.cells else [],
        layout,
        if_empty=weights.sentence,
    )


def paired_weights_figure(weights: PairedWeights) -> Figure:
    """Return the share of each op when paired with each other on the embedding.

    Means of few children are in brackets.
    """
    ops = list(weights.ops)[:_MOST_OPS]
    table = [[weights.cells.get((op, other)) for other in ops] for op in reversed(ops)]
    heat = _heat(
        ops,
        ops[::-1],
        [[None if cell is None else cell.share for cell in row] for row in table],
        [
            [
                ""
                if cell is None
                else (
                    f"the heavier of two nodes with {cell.op}"
                    if cell.op == cell.other
                    else f"{cell.op} beside {cell.other}"
                )
                + f"<br>{percent(cell.share)} of what both weigh<br>{percent(cell.weight)} of "
                f"all nodes<br>{cell.n} children"
                for cell in row
            ]
            for row in table
        ],
        colorscale=[list(stop) for stop in BOTH_WAYS],
        zmin=0,
        zmid=50,
        zmax=100,
    )
    layout: dict[str, Any] = {
        "xaxis": axis("beside (same operation: the heavier one)", type="category", showgrid=False),
        "yaxis": axis("operation", type="category", showgrid=False),
    }
    return figure(
        "Weights of two nodes on the embedding (%)",
        [heat] if weights.cells else [],
        layout,
        if_empty=weights.sentence,
    )


def depth_weights_figure(weights: DepthWeights) -> Figure:
    """Return the mean weight of nodes by their distance from the embedding.

    Means of few children are pale.
    """
    traces: list[Trace] = []
    if weights.by_distance:
        traces.append(_bars("all operations", weights.by_distance, INK))
        for op in list(dict.fromkeys(cell.op for cell in weights.by_op if cell.op))[:_MOST_OPS]:
            own = [cell for cell in weights.by_op if cell.op == op]
            traces.append(_bars(op, own, op_colour(op).fill))
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": _spans([cell.distance for cell in weights.by_distance]),
                "y": _thrice([percentage(cell.equal) for cell in weights.by_distance]),
                "name": "an equal share",
                "line": {"color": INK, "width": 2, "dash": "dash"},
                "hoverinfo": "skip",
            }
        )
    layout: dict[str, Any] = {
        "xaxis": axis(
            "distance from the embedding, and number of children",
            tickvals=[cell.distance for cell in weights.by_distance],
            ticktext=[f"{cell.distance}<br>n = {cell.weight.n}" for cell in weights.by_distance],
            showgrid=False,
        ),
        "yaxis": axis("mean weight (%)"),
        "barmode": "group",
    }
    if traces:
        cells = (*weights.by_distance, *weights.by_op)
        high = room([cell.equal for cell in cells], [cell.weight for cell in cells])[1]
        layout["yaxis"]["range"] = [0.0, high]
    return figure(
        "Learned weight by distance from the embedding",
        traces,
        layout,
        if_empty=weights.sentence,
    )


def _bars(name: str, cells: Sequence[DepthWeight], colour: str) -> Trace:
    return {
        "type": "bar",
        "x": [cell.distance for cell in cells],
        "y": [percentage(cell.weight.mean) for cell in cells],
        "error_y": {
            "type": "data",
            "array": [percentage(cell.weight.half_width or 0.0) for cell in cells],
            "color": INK,
            "thickness": 1,
            "width": 3,
        },
        "name": name,
        "marker": {
            "color": colour,
            "line": {"color": INK, "width": 0.5},
            "opacity": [1.0 if cell.weight.n >= FEWEST else 0.4 for cell in cells],
        },
        "text": [f"{percent(cell.weight)} ({cell.weight.n} children)" for cell in cells],
        "textposition": "none",
        "hovertemplate": "%{text}",
    }


def _spans(distances: Sequence[int]) -> list[float | None]:
    """Return where a line above each group of bars begins and ends, and a gap."""
    found: list[float | None] = []
    for distance in distances:
        found += [distance - 0.4, distance + 0.4, None]
    return found


def _thrice(values: Sequence[float]) -> list[float | None]:
    found: list[float | None] = []
    for value in values:
        found += [value, value, None]
    return found


def _heat(
    x: Sequence[str],
    y: Sequence[str],
    cells: Sequence[Sequence[Estimate | None]],
    words: Sequence[Sequence[str]],
    **more: Any,
) -> Trace:
    return {
        "type": "heatmap",
        "x": list(x),
        "y": list(y),
        "z": [[None if one is None else percentage(one.mean) for one in row] for row in cells],
        "text": [["" if one is None else _label(one) for one in row] for row in cells],
        "texttemplate": "%{text}",
        "textfont": {"size": 11, "color": DARK},
        "customdata": [list(row) for row in words],
        "hovertemplate": "%{customdata}<extra></extra>",
        "hoverongaps": False,
        "xgap": 1,
        "ygap": 1,
        "colorbar": {"thickness": 12, "outlinewidth": 0, "ticksuffix": " %"},
        **more,
    }


def _label(one: Estimate) -> str:
    label = f"{100 * one.mean:.0f}<br>n {one.n}"
    return label if one.n >= FEWEST else f"({label})"


def _place(position: int | None) -> str:
    return "all positions" if position is None else f"position {position}"
