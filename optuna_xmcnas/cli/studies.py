"""Finding the study that a command was told of, and its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import optuna

from optuna_xmcnas.exceptions import StorageError
from optuna_xmcnas.study import config_of


if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import BaseStorage

    from optuna_xmcnas.study import StudyConfig


_CONFIRM = "-confirm"  # behind the name of a search, where it is confirmed


def load_study(storage: BaseStorage, name: str | None) -> Study:
    """Return a study; without a name, the only one that was searched.

    Raises:
        StorageError: If there is none of that name, or there are several to choose from.
    """
    names = sorted(study.study_name for study in optuna.get_all_study_summaries(storage))
    known = ", ".join(repr(known) for known in names) or "none"
    if name is None:
        searches = [n for n in names if n.removesuffix(_CONFIRM) not in set(names) - {n}]
        if len(searches) != 1:
            raise StorageError(f"choose a study with --study-name; the storage has: {known}.")
        name = searches[0]
    if name not in names:
        raise StorageError(f"there is no study {name!r}; the storage has: {known}.")
    return optuna.load_study(study_name=name, storage=storage)


def settings_of(study: Study) -> StudyConfig:
    """Return the settings that a study was searched with.

    Raises:
        StorageError: If it has none: it was not made by a search.
    """
    found = config_of(study)
    if found is not None and found.sampler_name == "repeat":
        raise StorageError(
            f"study {study.study_name!r} holds the confirmation of a search; name the search, "
            f"{study.study_name.removesuffix(_CONFIRM)!r}."
        )
    if found is None:
        raise StorageError(
            f"study {study.study_name!r} has no settings of a search: it was made by something "
            "else, or no worker has begun it."
        )
    return found
