"""Which trial is the best one: one rule for all who ask."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from optuna.trial import FrozenTrial


def best_of(complete: Iterable[FrozenTrial], *, maximize: bool = True) -> FrozenTrial | None:
    """Return the complete trial with the best value; of equal ones, the one created first.

    Args:
        complete: Complete trials.
        maximize: Whether a larger value is a better one, as in every search of this package.

    Returns:
        None if there is no trial.

    Example:
        >>> import optuna
        >>> trials = [optuna.create_trial(value=value) for value in (0.3, 0.1, 0.2)]
        >>> best_of(trials).value, best_of(trials, maximize=False).value
        (0.3, 0.1)
    """
    sign = 1.0 if maximize else -1.0
    return max(complete, key=lambda trial: (sign * trial.values[0], -trial.number), default=None)
