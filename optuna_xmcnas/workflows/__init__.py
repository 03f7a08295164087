"""What a person wants to do, one file each; glue between the parts."""

from __future__ import annotations

from optuna_xmcnas.workflows.final import Verdict
from optuna_xmcnas.workflows.search import search
from optuna_xmcnas.workflows.search import SearchObserver
from optuna_xmcnas.workflows.search import SearchOutcome
from optuna_xmcnas.workflows.settings import PRESETS
from optuna_xmcnas.workflows.settings import SearchSettings


__all__ = [
    "PRESETS",
    "SearchObserver",
    "SearchOutcome",
    "SearchSettings",
    "Verdict",
    "search",
]
