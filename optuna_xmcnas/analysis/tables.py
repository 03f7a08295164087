"""Studies as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optuna.study import StudyDirection
from optuna.trial import TrialState

from optuna_xmcnas.exceptions import ConfigMismatchError
from optuna_xmcnas.samplers import beliefs
from optuna_xmcnas.study import config_of
from optuna_xmcnas.study import read_record
from optuna_xmcnas.study import TrialRecord


if TYPE_CHECKING:
    from optuna import Study


def expected_values(study: Study) -> dict[int, float]:
    """Return the value that each complete trial's child is expected to have on average.

    By trial number, the best expected first; see :func:`optuna_xmcnas.samplers.beliefs`. Nothing
    if there are few results, or the study has no settings that tell what it searches.
    """
    config = config_of(study)
    space = config.space if config is not None else None
    if space is None:
        return {}
    return {belief.number: belief.expected for belief in beliefs(study, space)}


def best_records(study: Study, n: int) -> list[tuple[float, TrialRecord]]:
    """Return the values and records of the ``n`` best complete trials, best first.

    Trials without a record (added from outside, or by another version) are left out; equal values
    are ordered by trial number.

    Raises:
        ConfigMismatchError: If the study has several objectives.
    """
    if len(study.directions) > 1:
        raise ConfigMismatchError(
            f"study {study.study_name!r} has {len(study.directions)} objectives; "
            "the best of one cannot be told from the best of another."
        )
    sign = -1.0 if study.direction == StudyDirection.MAXIMIZE else 1.0
    trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    trials.sort(key=lambda trial: (sign * trial.values[0], trial.number))
    rows = ((trial.values[0], read_record(trial)) for trial in trials)
    return [(value, record) for value, record in rows if record is not None][:n]
