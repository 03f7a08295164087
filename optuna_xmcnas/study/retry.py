"""Which trial goes on with the genome of another one, whose worker died or was told to stop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from typing import TYPE_CHECKING

from optuna_xmcnas.samplers.storage import frozen


if TYPE_CHECKING:
    from optuna import Trial
    from optuna.trial import FrozenTrial


RETRY_KEY = "xmcnas:retry"
_FORMAT = 1


@dataclass(frozen=True)
class Retry:
    """Whose genome a trial goes on with.

    Args:
        origin: Number of the first trial of the chain; it seeds the child of each of them.
        of: Number of the trial before this one, which ended without a result.
        losses: How many trials of the chain were lost with their workers.
    """

    origin: int
    of: int
    losses: int

    def to_record(self) -> dict[str, Any]:
        """Return it as a JSON-serialisable trial attribute."""
        return {
            "format": _FORMAT,
            "origin": self.origin,
            "of": self.of,
            "losses": self.losses,
        }

    @classmethod
    def from_record(cls, record: object) -> Retry | None:
        """Return what a trial attribute says, or None if it says nothing that can be trusted.

        Example:
            >>> Retry.from_record(Retry(origin=3, of=5, losses=1).to_record())
            Retry(origin=3, of=5, losses=1)
            >>> Retry.from_record({"format": 99}) is None
            True
        """
        if not isinstance(record, Mapping) or record.get("format") != _FORMAT:
            return None
        numbers = [record.get(name) for name in ("origin", "of", "losses")]
        if not all(type(number) is int and number >= 0 for number in numbers):
            return None
        return cls(*numbers)  # type: ignore[arg-type]  # integers, as just checked


def retry_of(trial: FrozenTrial) -> Retry | None:
    """Return whose genome a trial goes on with; None for a trial of its own."""
    return Retry.from_record(trial.system_attrs.get(RETRY_KEY))


def origin_number(trial: FrozenTrial) -> int:
    """Return the number of the first trial that had this trial's child.

    Example:
        >>> from optuna.trial import create_trial
        >>> first = create_trial(value=0.0)
        >>> origin_number(first) == first.number
        True
    """
    retry = retry_of(trial)
    return trial.number if retry is None else retry.origin


def origin_of(trial: Trial) -> int:
    """Return the same number for a running trial, as the storage has it now."""
    return origin_number(frozen(trial))
