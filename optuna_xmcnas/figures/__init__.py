"""Plotly figures of what an analysis found."""

from __future__ import annotations

from optuna_xmcnas.figures.convergence import convergence_figure
from optuna_xmcnas.figures.embedding import bilstm_figure
from optuna_xmcnas.figures.family import family_figure
from optuna_xmcnas.figures.layers import layers_figure
from optuna_xmcnas.figures.operations import operations_figure
from optuna_xmcnas.figures.progress import progress_figure
from optuna_xmcnas.figures.weights import depth_weights_figure
from optuna_xmcnas.figures.weights import paired_weights_figure
from optuna_xmcnas.figures.weights import weights_figure


__all__ = [
    "bilstm_figure",
    "convergence_figure",
    "depth_weights_figure",
    "family_figure",
    "layers_figure",
    "operations_figure",
    "paired_weights_figure",
    "progress_figure",
    "weights_figure",
]
