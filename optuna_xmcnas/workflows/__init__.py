"""What a person wants to do, one file each; glue between the parts."""

from __future__ import annotations

from optuna_xmcnas.workflows.crew import Crew
from optuna_xmcnas.workflows.crew import PARENT_VARIABLE
from optuna_xmcnas.workflows.final import Verdict
from optuna_xmcnas.workflows.observer import SearchObserver
from optuna_xmcnas.workflows.observer import SilentObserver
from optuna_xmcnas.workflows.search import search
from optuna_xmcnas.workflows.search import SearchOutcome
from optuna_xmcnas.workflows.session import open_session
from optuna_xmcnas.workflows.session import Session
from optuna_xmcnas.workflows.settings import PRESETS
from optuna_xmcnas.workflows.settings import SearchSettings
from optuna_xmcnas.workflows.worker import run_worker


__all__ = [
    "Crew",
    "PARENT_VARIABLE",
    "PRESETS",
    "SearchObserver",
    "SearchOutcome",
    "SearchSettings",
    "Session",
    "SilentObserver",
    "Verdict",
    "open_session",
    "run_worker",
    "search",
]
