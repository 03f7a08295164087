"""Every figure can be made of every study, is small, and is what plotly.js 2 can read."""

from __future__ import annotations

from collections.abc import Callable
import json
from typing import Any

from optuna.trial import TrialState
import pytest

from optuna_xmcnas.analysis import convergence_of
from optuna_xmcnas.analysis import depth_weights
from optuna_xmcnas.analysis import embedding_readers
from optuna_xmcnas.analysis import family_tree
from optuna_xmcnas.analysis import History
from optuna_xmcnas.analysis import paired_weights
from optuna_xmcnas.analysis import Phase
from optuna_xmcnas.analysis import population_over_time
from optuna_xmcnas.analysis import position_weights
from optuna_xmcnas.analysis import read_history
from optuna_xmcnas.analysis import scores_by_layers
from optuna_xmcnas.drawing import op_colour
from optuna_xmcnas.figures import bilstm_figure
from optuna_xmcnas.figures import convergence_figure
from optuna_xmcnas.figures import depth_weights_figure
from optuna_xmcnas.figures import family_figure
from optuna_xmcnas.figures import layers_figure
from optuna_xmcnas.figures import operations_figure
from optuna_xmcnas.figures import paired_weights_figure
from optuna_xmcnas.figures import progress_figure
from optuna_xmcnas.figures import weights_figure
from tests.analysis.histories import make_history
from tests.analysis.histories import make_row
from tests.analysis.histories import make_study


FIGURES: dict[str, Callable[[History], Any]] = {
    "progress": lambda history: progress_figure(population_over_time(history)),
    "operations": lambda history: operations_figure(population_over_time(history)),
    "family": lambda history: family_figure(family_tree(history)),
    "weights": lambda history: weights_figure(position_weights(history)),
    "paired weights": lambda history: paired_weights_figure(paired_weights(history)),
    "depth weights": lambda history: depth_weights_figure(depth_weights(history)),
    "layers": lambda history: layers_figure(scores_by_layers(history)),
    "bilstm": lambda history: bilstm_figure(embedding_readers(history)),
    "convergence": lambda history: convergence_figure(convergence_of(history)),
}
HISTORIES: dict[str, Callable[[], History]] = {
    "nothing": lambda: make_history([]),
    "failures": lambda: make_history([make_row(0), make_row(1, failure="out of memory")]),
    "a running child": lambda: make_history([make_row(0, state=TrialState.RUNNING)]),
    "one child": lambda: read_history(make_study(1)),
    "one random child": lambda: make_history([make_row(0, 0.5)]),
    "no records": lambda: make_history([make_row(i, 0.5, None) for i in range(3)]),
    "equal values": lambda: make_history(
        [make_row(0, 0.0), make_row(1, 0.0, parent=0, phase=Phase.EVOLVED)]
    ),
    "least is best": lambda: make_history(
        [make_row(i, 10.0**i, "bilstm(0) conv3(0)", parent=i - 1 or None) for i in range(9)],
        maximize=False,
    ),
    "thirty": lambda: read_history(make_study(30)),
    "three hundred": lambda: read_history(make_study(300)),
    "tpe": lambda: read_history(make_study(40, sampler="tpe")),
}


def _made(figure: str, history: str) -> dict[str, Any]:
    text = FIGURES[figure](HISTORIES[history]()).to_json()
    found: dict[str, Any] = json.loads(text)
    return found


def _numbers(values: object) -> int:
    return sum(map(_numbers, values)) if isinstance(values, list) else 1


@pytest.mark.parametrize("history", HISTORIES)
@pytest.mark.parametrize("figure", FIGURES)
def test_figure_has_plain_lists_and_no_template(figure: str, history: str) -> None:
    made = _made(figure, history)
    assert "template" not in made["layout"]
    text = json.dumps(made)
    assert "bdata" not in text  # typed arrays
    assert "NaN" not in text
    assert "Infinity" not in text


@pytest.mark.parametrize("history", HISTORIES)
@pytest.mark.parametrize("figure", FIGURES)
def test_figure_is_not_silent(figure: str, history: str) -> None:
    made = _made(figure, history)
    annotations = made["layout"].get("annotations", [])
    assert made["data"] or annotations[0]["text"].endswith(".")
    assert made["layout"]["title"]["text"]


@pytest.mark.parametrize("figure", FIGURES)
def test_figure_of_a_long_study_is_small(figure: str) -> None:
    made = _made(figure, "three hundred")
    assert len(json.dumps(made)) < 30_000
    for trace in made["data"]:
        assert _numbers(trace["x"]) <= 300


@pytest.mark.parametrize("figure", FIGURES)
def test_axes_are_named_and_make_room(figure: str) -> None:
    layout = _made(figure, "thirty")["layout"]
    for name in ("xaxis", "yaxis"):
        assert layout[name].get("automargin") or not layout[name].get("visible", True)
    titles = [layout[name].get("title", {}).get("text") for name in ("xaxis", "yaxis")]
    assert any(titles)


@pytest.mark.parametrize("figure", FIGURES)
def test_background_shows_through(figure: str) -> None:
    layout = _made(figure, "thirty")["layout"]
    assert layout["paper_bgcolor"] == layout["plot_bgcolor"] == "rgba(0,0,0,0)"


def test_operations_have_their_colours() -> None:
    areas = _made("operations", "thirty")["data"]
    assert {area["name"] for area in areas} >= {"bilstm", "conv3"}
    assert all(area["fillcolor"] == op_colour(area["name"]).fill for area in areas)


def test_shares_of_operations_fill_the_whole() -> None:
    areas = _made("operations", "thirty")["data"]
    for column in zip(*(area["y"] for area in areas), strict=True):
        assert sum(column) == pytest.approx(100.0, abs=0.5)


def test_every_best_child_is_in_the_progress() -> None:
    history = HISTORIES["three hundred"]()
    moments = population_over_time(history).moments
    best = {place + 1 for place, one in enumerate(moments) if one.best_number == one.number}
    points = {
        x
        for trace in _made("progress", "three hundred")["data"]
        if trace.get("mode") == "markers"
        for x in trace["x"]
    }
    assert best <= points


def test_hover_says_what_a_child_is() -> None:
    rows = [make_row(0, 0.5), make_row(1, 0.6, "bilstm(0) conv3(0)", parent=0)]
    made = FIGURES["family"](make_history(rows))
    texts = [text for trace in made.data if trace.text for text in trace.text]
    assert "1: P@5 60.00 %<br>bilstm(0) conv3(0)<br>other operation, of trial 0" in texts


def test_family_has_a_line_style_for_each_mutation() -> None:
    rows = [make_row(0, 0.5)]
    names = ("swap_op", "change_source", "add_layer", "remove_layer", "identity", "my_own")
    rows += [make_row(i, 0.5, parent=0, mutation=name) for i, name in enumerate(names, start=1)]
    made = FIGURES["family"](make_history(rows))
    lines = {t.name: (t.line.color, t.line.dash) for t in made.data if t.mode == "lines"}
    assert set(lines) >= {"other operation", "other source", "one layer more", "my own"}
    assert len({dash for _, dash in lines.values()}) >= 6


def test_curves_of_several_trainings_stay_small() -> None:
    history = HISTORIES["thirty"]()
    curve = convergence_of(history).curves[0].points
    long = tuple(curve[0] for _ in range(200))
    others = {f"training {i}": long for i in range(4)}
    made = convergence_figure(convergence_of(history, others=others))
    assert sum(len(trace.x) for trace in made.data) <= 320


def test_trial_is_named_in_percent_only_where_values_are_shares() -> None:
    text = json.dumps(_made("progress", "least is best"))
    assert "%" not in text.replace("%{text}", "")
    assert '"value"' in text
