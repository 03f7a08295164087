"""Any number of workers on one study: who trains what, who is dead, when it is enough."""

from __future__ import annotations

from optuna_xmcnas.worker.board import Board
from optuna_xmcnas.worker.interruption import Interruption
from optuna_xmcnas.worker.lease import Lease
from optuna_xmcnas.worker.lease import lease_of
from optuna_xmcnas.worker.loop import Ending
from optuna_xmcnas.worker.loop import SilentWorkObserver
from optuna_xmcnas.worker.loop import work
from optuna_xmcnas.worker.loop import WorkObserver
from optuna_xmcnas.worker.loop import WorkSettings
from optuna_xmcnas.worker.watch import Loss


__all__ = [
    "Board",
    "Ending",
    "Interruption",
    "Lease",
    "Loss",
    "SilentWorkObserver",
    "WorkObserver",
    "WorkSettings",
    "lease_of",
    "work",
]
