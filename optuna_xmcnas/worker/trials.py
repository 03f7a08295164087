"""Beginning and ending trials by hand; every non-public name of Optuna that workers touch is here.

Seen on Optuna 5.0. ``Study.ask`` makes a trial that nobody can tell from an abandoned one until
its first attribute is written, so workers make theirs through the storage, with the lease in it
from the first moment: ``study._storage``, ``study._study_id``, ``study._thread_local``,
``trial._trial_id``.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
import math
from typing import Any
from typing import TYPE_CHECKING

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import create_trial
from optuna.trial import TrialState

from optuna_xmcnas.samplers.storage import FIXED_PARAMS_KEY


if TYPE_CHECKING:
    from optuna import Study
    from optuna import Trial
    from optuna.trial import FrozenTrial


_LONGEST_REASON = 2000  # characters; MySQL refuses texts of 64 KiB


def create_running(study: Study, system_attrs: Mapping[str, Any]) -> int:
    """Make a running trial that has these system attributes from the first moment.

    Returns:
        The id that the storage knows it by.
    """
    template = create_trial(state=TrialState.RUNNING, system_attrs=dict(system_attrs))
    return study._storage.create_new_trial(study._study_id, template_trial=template)


def number_of(study: Study, trial_id: int) -> int:
    """Return the number of the trial that the storage knows by an id."""
    return study._storage.get_trial_number_from_id(trial_id)


def with_id(trials: Sequence[FrozenTrial], trial_id: int) -> FrozenTrial:
    """Return the one of some trials that the storage knows by an id; new ones come last."""
    return next(trial for trial in reversed(trials) if trial._trial_id == trial_id)


def claim(study: Study, waiting: FrozenTrial, bid_key: str, key: str, value: object) -> int | None:
    """Make a waiting trial a running one.

    Args:
        study: Its study.
        waiting: The trial.
        bid_key: A system attribute of our own, written before the claim, so that a worker which
            dies in between leaves no running trial of which nobody knows whose it is.
        key: The system attribute that the winner writes after it.
        value: The value of both.

    Returns:
        The id that the storage knows it by; None if another worker was quicker.
    """
    storage = study._storage
    trial_id = waiting._trial_id
    try:
        storage.set_trial_system_attr(trial_id, bid_key, value)  # type: ignore[arg-type]  # JSON
        if not storage.set_trial_state_values(trial_id, state=TrialState.RUNNING):
            return None
        storage.set_trial_system_attr(trial_id, key, value)  # type: ignore[arg-type]  # JSON
    except UpdateFinishedTrialError:
        return None
    return trial_id


def start(study: Study, trial_id: int) -> Trial | None:
    """Return a running trial for an objective; None if it has been ended meanwhile.

    The sampler proposes now.
    """
    study._thread_local.cached_all_trials = None  # as `Study.ask` does at each trial
    try:
        return optuna.Trial(study, trial_id)
    except UpdateFinishedTrialError:
        return None


def is_enqueued(trial: FrozenTrial) -> bool:
    """Return whether parameters of a trial were chosen before it began."""
    return FIXED_PARAMS_KEY in trial.system_attrs


def fail_trial(study: Study, trial: Trial | FrozenTrial, key: str, value: object) -> bool:
    """Write an attribute to a trial and fail it; return whether it was still unfinished."""
    storage = study._storage
    try:
        storage.set_trial_system_attr(trial._trial_id, key, value)  # type: ignore[arg-type]  # JSON
        storage.set_trial_state_values(trial._trial_id, state=TrialState.FAIL)
    except UpdateFinishedTrialError:
        return False
    return True


def set_system_attr(study: Study, trial: Trial, key: str, value: object) -> None:
    """Write a system attribute of an unfinished trial.

    Raises:
        UpdateFinishedTrialError: If the trial is finished.
    """
    study._storage.set_trial_system_attr(trial._trial_id, key, value)  # type: ignore[arg-type]  # JSON


def set_failure(study: Study, trial: FrozenTrial, reason: str) -> None:
    """Write why a trial has no result, where people look for it."""
    try:
        study._storage.set_trial_user_attr(trial._trial_id, "failure", reason[:_LONGEST_REASON])
    except UpdateFinishedTrialError:
        return


def read_trial(study: Study, trial: Trial | FrozenTrial) -> FrozenTrial:
    """Return a trial as the storage has it now."""
    return study._storage.get_trial(trial._trial_id)


def record_heartbeat(study: Study, trial: Trial) -> None:
    """Tell a database with Optuna's heartbeat, which goes by the database's clock."""
    record = getattr(study._storage, "record_heartbeat", None)
    if record is not None:
        record(trial._trial_id)


def stale_trial_numbers(study: Study, running: list[FrozenTrial]) -> set[int]:
    """Return which running trials a database has not heard of for its grace period."""
    find = getattr(study._storage, "stale_trial_ids", None)
    stale = set(find(study._study_id)) if find is not None and running else set()
    return {trial.number for trial in running if trial._trial_id in stale}


def recovered_at(study: Study) -> float:
    """Return when the storage answered again after its last outage, by ``time.monotonic()``."""
    moment: float = getattr(study._storage, "recovered_at", -math.inf)
    return moment
