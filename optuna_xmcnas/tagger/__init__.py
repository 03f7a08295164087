"""A trained model that people use: its folder, prediction, explanation, export."""

from __future__ import annotations

from optuna_xmcnas.tagger.card import model_card
from optuna_xmcnas.tagger.explain import Explained
from optuna_xmcnas.tagger.explain import TokenWeight
from optuna_xmcnas.tagger.export import export_model
from optuna_xmcnas.tagger.export import ExportCheck
from optuna_xmcnas.tagger.export import Exported
from optuna_xmcnas.tagger.export import ExportFormat
from optuna_xmcnas.tagger.folder import check_target
from optuna_xmcnas.tagger.folder import load_model
from optuna_xmcnas.tagger.folder import save_model
from optuna_xmcnas.tagger.model import Model
from optuna_xmcnas.tagger.tagger import Prediction
from optuna_xmcnas.tagger.tagger import Tagger


__all__ = [
    "Explained",
    "ExportCheck",
    "ExportFormat",
    "Exported",
    "Model",
    "Prediction",
    "Tagger",
    "TokenWeight",
    "check_target",
    "export_model",
    "load_model",
    "model_card",
    "save_model",
]
