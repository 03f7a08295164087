"""Why a worker ended a trial by no fault of its child."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any
from typing import TYPE_CHECKING

from optuna.trial import TrialState

from optuna_xmcnas.samplers.storage import ENDED_KEY


if TYPE_CHECKING:
    from optuna.trial import FrozenTrial


_FORMAT = 1


class Ended(StrEnum):
    """Why a worker failed a trial that had nothing wrong with its child."""

    LOST = "lost"  # its worker died
    INTERRUPTED = "interrupted"  # its worker was told to stop
    UNNEEDED = "unneeded"  # two workers began it at the same moment, or one more than wanted

    def to_record(self) -> dict[str, Any]:
        """Return it as a JSON-serialisable trial attribute."""
        return {"format": _FORMAT, "why": self.value}


def ended_of(trial: FrozenTrial) -> Ended | None:
    """Return why a worker failed a trial; None if the trial ended by itself, or has not ended."""
    record = trial.system_attrs.get(ENDED_KEY)
    if trial.state != TrialState.FAIL or not isinstance(record, Mapping):
        return None
    if record.get("format") != _FORMAT or record.get("why") not in list(Ended):
        return None
    return Ended(record["why"])
