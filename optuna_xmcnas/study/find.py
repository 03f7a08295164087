"""Finding one trial of a study, with what is written down about its child."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optuna_xmcnas.exceptions import InvalidGenomeError
from optuna_xmcnas.study.trial_record import read_record
from optuna_xmcnas.study.trial_record import TrialRecord


if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial


def find_trial(study: Study, number: int) -> tuple[FrozenTrial, TrialRecord]:
    """Return a trial and the record of its child.

    Raises:
        InvalidGenomeError: If there is no such trial, or nobody wrote down its genome.
    """
    trials = study.get_trials(deepcopy=False)
    if not 0 <= number < len(trials):
        has = f"0 to {len(trials) - 1}" if trials else "none"
        raise InvalidGenomeError(
            f"study {study.study_name!r} has no trial {number}; its trials: {has}."
        )
    record = read_record(trials[number])
    if record is None:
        raise InvalidGenomeError(
            f"trial {number} of study {study.study_name!r} has no genome written down."
        )
    return trials[number], record
