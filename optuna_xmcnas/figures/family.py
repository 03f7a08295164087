"""The family tree of a study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from typing import TYPE_CHECKING

from optuna_xmcnas.analysis import evenly
from optuna_xmcnas.analysis import mutation_text
from optuna_xmcnas.analysis import Phase
from optuna_xmcnas.figures.canvas import axis
from optuna_xmcnas.figures.canvas import figure
from optuna_xmcnas.figures.canvas import INK
from optuna_xmcnas.figures.canvas import SCALE
from optuna_xmcnas.figures.canvas import SERIES
from optuna_xmcnas.figures.canvas import short
from optuna_xmcnas.figures.canvas import shown
from optuna_xmcnas.figures.canvas import Trace


if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from optuna_xmcnas.analysis import FamilyTree
    from optuna_xmcnas.analysis import Relative


_SYMBOLS = {
    Phase.RANDOM: ("random", "square"),
    Phase.GIVEN: ("given", "diamond"),
    Phase.EVOLVED: ("mutant", "circle"),
    Phase.SAMPLED: ("sampled", "circle"),
}
_LINES = {  # the same mutation always looks the same
    "swap_op": (SERIES[0], "solid"),
    "change_source": (SERIES[2], "dash"),
    "add_layer": (SERIES[3], "dashdot"),
    "remove_layer": (SERIES[4], "dot"),
    "identity": (SERIES[5], "longdash"),
}
_OTHER = (SERIES[6], "longdashdot")
_WINNER = SERIES[1]


def family_figure(tree: FamilyTree) -> Figure:
    """Return who came from whom, by which mutation, coloured by value.

    Children stand from left to right by the numbers of their trials. The best one and its
    ancestors are joined by a thick line.
    """
    relatives = {one.number: one for one in tree.relatives}
    if not tree.mutations:
        return figure("Family tree", [], {}, if_empty=tree.sentence)
    columns = {number: column for column, number in enumerate(relatives)}
    traces = [
        *_line(tree, relatives, columns),
        *_edges(tree, relatives, columns),
        *_members(tree, columns),
        *_best(tree, relatives, columns),
    ]
    numbers = list(relatives)
    ticks = evenly(len(numbers), 9)
    layout: dict[str, Any] = {
        "xaxis": axis(
            "trial",
            showgrid=False,
            tickvals=ticks,
            ticktext=[str(numbers[place]) for place in ticks],
            range=[-1.0, len(numbers) + 0.0],
        ),
        "yaxis": {"visible": False, "range": [-0.8, max(2.0, tree.n_lanes - 0.2)]},
        "coloraxis": _scale(tree),
    }
    title = "Family tree"
    if tree.n_left_out:
        n_all = len(relatives) + tree.n_left_out
        title += f" ({len(relatives)} of {n_all} children)"
    return figure(title, traces, layout, if_empty=tree.sentence)


def _members(tree: FamilyTree, columns: Mapping[int, int]) -> list[Trace]:
    traces = []
    size = 10 if len(tree.relatives) <= 60 else 8
    for phase, (name, symbol) in _SYMBOLS.items():
        members = [one for one in tree.relatives if one.phase == phase]
        if not members:
            continue
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": [columns[one.number] for one in members],
                "y": [one.lane for one in members],
                "name": name,
                "marker": {
                    "symbol": symbol,
                    "size": size,
                    "color": [shown(tree.measure, one.value) for one in members],
                    "coloraxis": "coloraxis",
                    "line": {"width": 1, "color": INK},
                },
                "text": [_words(one, tree) for one in members],
                "hovertemplate": "trial %{text}<extra></extra>",
            }
        )
    return traces


def _edges(
    tree: FamilyTree, relatives: Mapping[int, Relative], columns: Mapping[int, int]
) -> list[Trace]:
    by_mutation: dict[str | None, list[Relative]] = {}
    for one in tree.relatives:
        if one.ancestor is not None:
            known = None if one.n_skipped else one.mutation or "a mutation"
            by_mutation.setdefault(known, []).append(one)
    ordered = [name for name in tree.mutations if name in by_mutation]
    ordered += [name for name in by_mutation if name is not None and name not in ordered]
    traces = []
    for name in (*ordered, *([None] if None in by_mutation else [])):
        colour, dash = _LINES.get(name or "", _OTHER) if name else (INK, "dot")
        traces.append(
            _strokes(
                by_mutation[name],
                relatives,
                columns,
                name=mutation_text(name) if name else "some generations",
                line={"color": colour, "dash": dash, "width": 1.5 if name else 1},
            )
        )
    return traces


def _line(
    tree: FamilyTree, relatives: Mapping[int, Relative], columns: Mapping[int, int]
) -> list[Trace]:
    line = [one for one in tree.relatives if one.is_ancestor]
    if len(line) < 2:
        return []
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [columns[one.number] for one in line],
            "y": [one.lane for one in line],
            "name": f"line of the {tree.role}",
            "line": {"color": _WINNER, "width": 7},
            "opacity": 0.55,
            "hoverinfo": "skip",
        }
    ]


def _strokes(
    members: list[Relative],
    relatives: Mapping[int, Relative],
    columns: Mapping[int, int],
    **more: Any,
) -> Trace:
    """Return lines between members and their ancestors, with gaps between the lines."""
    x: list[int | None] = []
    y: list[int | None] = []
    for one in members:
        above = relatives[one.ancestor if one.ancestor is not None else one.number]
        x += [columns[above.number], columns[one.number], None]
        y += [above.lane, one.lane, None]
    return {"type": "scatter", "mode": "lines", "x": x, "y": y, "hoverinfo": "skip", **more}


def _best(
    tree: FamilyTree, relatives: Mapping[int, Relative], columns: Mapping[int, int]
) -> list[Trace]:
    if tree.best is None or tree.best not in relatives:
        return []
    best = relatives[tree.best]
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "x": [columns[best.number]],
            "y": [best.lane],
            "name": f"{tree.role}, trial {best.number}",
            "marker": {"symbol": "star", "size": 17, "color": _WINNER},
            "text": [_words(best, tree)],
            "hovertemplate": "trial %{text}<extra></extra>",
        }
    ]


def _words(one: Relative, tree: FamilyTree) -> str:
    lines = [f"{one.number}: {tree.measure.name} {tree.measure.text(one.value)}"]
    if one.genome is not None:
        lines.append(short(one.genome))
    if one.parent is not None:
        how = mutation_text(one.mutation) if one.mutation else "a mutation"
        lines.append(f"{how}, of trial {one.parent}")
    return "<br>".join(lines)


def _scale(tree: FamilyTree) -> dict[str, Any]:
    """Return the colours of values; the worst tenth has one colour, so that the others differ."""
    values = sorted(one.value for one in tree.relatives)
    if not tree.measure.maximize:
        values.reverse()
    ends = [values[len(values) // 10], values[-1]] if values else [0.0, 1.0]
    low, high = (shown(tree.measure, value) for value in sorted(ends))
    name = f"{tree.measure.name} (%)" if tree.measure.is_share else tree.measure.name
    return {
        "colorscale": [list(stop) for stop in SCALE],
        "reversescale": not tree.measure.maximize,
        "cmin": low,
        "cmax": high if high > low else low + 1.0,
        "colorbar": {"title": {"text": name}, "thickness": 12, "outlinewidth": 0},
    }
