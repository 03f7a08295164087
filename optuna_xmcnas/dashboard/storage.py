"""What is read past Optuna's public names; every one that this part uses is here.

Seen on Optuna 5.0 and optuna-dashboard 0.21: ``study._storage``, ``study._study_id``,
``trial._trial_id``, and the address of an artifact, which optuna-dashboard tells only for trials
that run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optuna.artifacts import get_all_artifact_meta


if TYPE_CHECKING:
    from optuna import Study
    from optuna import Trial
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial


def study_key(study: Study) -> tuple[BaseStorage, int]:
    """Return what a study is known by, also among studies of this name in other storages."""
    return study._storage, study._study_id


def trial_key(trial: Trial) -> tuple[BaseStorage, int]:
    """Return what a trial is known by, among those of all studies."""
    return trial.storage, trial._trial_id


def trial_numbered(study: Study, number: int) -> FrozenTrial | None:
    """Return one trial of a study, at a cost that does not grow with it; None if it has none."""
    storage = study._storage
    try:
        trial_id = storage.get_trial_id_from_study_id_trial_number(study._study_id, number)
    except KeyError:
        return None
    return storage.get_trial(trial_id)


def picture_path(study: Study, number: int, file_name: str) -> str | None:
    """Return where optuna-dashboard has an artifact of a trial; None if there is none.

    Args:
        study: The study.
        number: Of the trial.
        file_name: Of the artifact, as it was uploaded.
    """
    trial = trial_numbered(study, number)
    if trial is None:
        return None
    found = get_all_artifact_meta(study_or_trial=trial, storage=study._storage)
    ids = [artifact.artifact_id for artifact in found if artifact.filename == file_name]
    return f"/artifacts/{study._study_id}/{trial._trial_id}/{ids[-1]}" if ids else None
