"""Finding the study that a command was told of, and its settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from typing import TYPE_CHECKING

import optuna

from optuna_xmcnas.cli.options import EMBEDDED_DATA
from optuna_xmcnas.cli.options import Preset
from optuna_xmcnas.exceptions import StorageError
from optuna_xmcnas.study import config_of
from optuna_xmcnas.study import open_storage
from optuna_xmcnas.study.confirmation import search_name


if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import BaseStorage

    from optuna_xmcnas.study import PatientStorage
    from optuna_xmcnas.study import StudyConfig


def open_searched(url: str, **options: Any) -> PatientStorage:
    """Return a storage in which something has been searched; options as of `open_storage`."""
    try:
        return open_storage(url, must_exist=True, **options)
    except StorageError as error:
        if not str(error).endswith("ook at --storage."):  # what there is to say of an unused one
            raise
        raise StorageError(f"{error} A study is made with `optuna-xmcnas search`.") from None


def load_study(storage: BaseStorage, name: str | None, data: str | None = None) -> Study:
    """Return a study; without a name, the only one that was searched, or that on the data.

    Args:
        storage: Where it is.
        name: Its name, if it was given.
        data: What ``--data`` was given; of several studies, the one that a search of these texts
            is called by itself is taken.

    Raises:
        StorageError: If there is none of that name, or there are several to choose from.
    """
    names = sorted(study.study_name for study in optuna.get_all_study_summaries(storage))
    searches = [n for n in names if search_name(n) not in set(names) - {n}]
    known = ", ".join(repr(known) for known in searches) or "none"
    if name is None and not searches:
        raise StorageError("the storage has no study yet; `optuna-xmcnas search` makes one.")
    if name is None:
        if len(searches) > 1 and data is not None:
            folder = data if data == EMBEDDED_DATA else Path(data).resolve().name
            searches = [n for n in searches if n in [f"{folder}-{preset}" for preset in Preset]]
        if len(searches) != 1:
            raise StorageError(f"choose a study with --study-name; the storage has: {known}.")
        name = searches[0]
    if name not in names:
        shown = "of a name like a URL" if "://" in name else repr(name)  # it may hold a password
        raise StorageError(f"there is no study {shown}; the storage has: {known}.")
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
            f"{search_name(study.study_name)!r}."
        )
    if found is None:
        raise StorageError(
            f"study {study.study_name!r} has no settings of a search: it was made by something "
            "else, or no worker has begun it."
        )
    return found
