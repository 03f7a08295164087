"""The figures of a study on its page of optuna-dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optuna_xmcnas.analysis import family_tree
from optuna_xmcnas.analysis import population_over_time
from optuna_xmcnas.analysis import position_weights
from optuna_xmcnas.figures import family_figure
from optuna_xmcnas.figures import operations_figure
from optuna_xmcnas.figures import progress_figure
from optuna_xmcnas.figures import weights_figure


if TYPE_CHECKING:
    from optuna import Study
    from plotly.graph_objects import Figure

    from optuna_xmcnas.analysis import History


def save_figures(study: Study, history: History) -> None:
    """Put the figures of a study's trials in place of the ones before.

    Args:
        study: Where they are kept.
        history: Its trials.
    """
    from optuna_dashboard import save_plotly_graph_object

    for name, figure in dashboard_figures(history).items():
        save_plotly_graph_object(study, figure, graph_object_id=f"xmcnas-{name}")


def dashboard_figures(history: History) -> dict[str, Figure]:
    """Return the figures by name."""
    population = population_over_time(history)
    return {
        "progress": progress_figure(population),
        "family": family_figure(family_tree(history)),
        "operations": operations_figure(population),
        "weights": weights_figure(position_weights(history)),
    }
