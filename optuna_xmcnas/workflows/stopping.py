"""How a workflow on a study is stopped from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optuna_xmcnas.study import PatientStorage
from optuna_xmcnas.worker import Interruption


if TYPE_CHECKING:
    from optuna.storages import BaseStorage

    from optuna_xmcnas.workflows.observer import SearchObserver


def interruption_of(storage: BaseStorage, observer: SearchObserver) -> Interruption:
    """Return what notes Ctrl-C and SIGTERM, tells the observer and makes the storage hurry."""

    def stop() -> None:
        observer.stopping()
        if isinstance(storage, PatientStorage):
            storage.hurry()

    return Interruption(on_wish=stop)
