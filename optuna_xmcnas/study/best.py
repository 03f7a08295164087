"""Which trial is the best one: one rule for all who ask."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from optuna.trial import FrozenTrial


def best_of(complete: Iterable[FrozenTrial]) -> FrozenTrial | None:
    """Return the complete trial with the highest value; of equal ones, the one created first.

    Returns:
        None if there is no trial.
    """
    return max(complete, key=lambda trial: (trial.values[0], -trial.number), default=None)
