"""What a person wants to do, one file each; glue between the parts."""

from __future__ import annotations

from optuna_xmcnas.study.confirmation import confirm_name
from optuna_xmcnas.workflows.architecture import Architecture
from optuna_xmcnas.workflows.architecture import architecture_of_trial
from optuna_xmcnas.workflows.architecture import best_architecture
from optuna_xmcnas.workflows.architecture import named_architecture
from optuna_xmcnas.workflows.confirm import confirm
from optuna_xmcnas.workflows.confirm import Confirmation
from optuna_xmcnas.workflows.confirm import Confirmed
from optuna_xmcnas.workflows.confirm import Contender
from optuna_xmcnas.workflows.crew import Crew
from optuna_xmcnas.workflows.crew import PARENT_VARIABLE
from optuna_xmcnas.workflows.evaluate import evaluate_model
from optuna_xmcnas.workflows.evaluate import LinearComparison
from optuna_xmcnas.workflows.evaluate import ModelEvaluation
from optuna_xmcnas.workflows.final import Verdict
from optuna_xmcnas.workflows.full_training import FULL
from optuna_xmcnas.workflows.full_training import FULL_PRESETS
from optuna_xmcnas.workflows.linear import LinearVerdict
from optuna_xmcnas.workflows.members import RetrainObserver
from optuna_xmcnas.workflows.observer import SearchObserver
from optuna_xmcnas.workflows.observer import SilentObserver
from optuna_xmcnas.workflows.retrain import Recipe
from optuna_xmcnas.workflows.retrain import retrain
from optuna_xmcnas.workflows.retrain import Retrained
from optuna_xmcnas.workflows.search import search
from optuna_xmcnas.workflows.search import SearchOutcome
from optuna_xmcnas.workflows.session import check_texts
from optuna_xmcnas.workflows.session import open_session
from optuna_xmcnas.workflows.session import Session
from optuna_xmcnas.workflows.settings import PRESETS
from optuna_xmcnas.workflows.settings import SearchSettings
from optuna_xmcnas.workflows.standing import Standing
from optuna_xmcnas.workflows.stopping import interruption_of
from optuna_xmcnas.workflows.transfer import Source
from optuna_xmcnas.workflows.transfer import source_of
from optuna_xmcnas.workflows.worker import run_worker


__all__ = [
    "Architecture",
    "Confirmation",
    "Confirmed",
    "Contender",
    "Crew",
    "FULL",
    "FULL_PRESETS",
    "LinearComparison",
    "LinearVerdict",
    "ModelEvaluation",
    "PARENT_VARIABLE",
    "PRESETS",
    "Recipe",
    "RetrainObserver",
    "Retrained",
    "SearchObserver",
    "SearchOutcome",
    "SearchSettings",
    "Session",
    "SilentObserver",
    "Source",
    "Standing",
    "Verdict",
    "architecture_of_trial",
    "best_architecture",
    "check_texts",
    "confirm",
    "confirm_name",
    "evaluate_model",
    "interruption_of",
    "named_architecture",
    "open_session",
    "retrain",
    "run_worker",
    "search",
    "source_of",
]
