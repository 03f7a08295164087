"""What a process needs to take part in a search: the study joined, the data prepared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import logging
from pathlib import Path
import re
from typing import TYPE_CHECKING

import optuna

from optuna_xmcnas.data import prepare
from optuna_xmcnas.exceptions import DataError
from optuna_xmcnas.study import join_study
from optuna_xmcnas.study import note_texts
from optuna_xmcnas.study import StudyTexts
from optuna_xmcnas.study import texts_of


if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import BaseStorage

    from optuna_xmcnas.data import TextDataset
    from optuna_xmcnas.data import XmcDataset
    from optuna_xmcnas.study import StudyConfig
    from optuna_xmcnas.workflows.observer import SearchObserver
    from optuna_xmcnas.workflows.settings import SearchSettings


_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Session:
    """One process's part in a search.

    Attributes:
        study: The study, joined.
        settings: What it tries, and how.
        data: Documents and labels in numbers.
        folder: Where children and checkpoints of the study lie; workers may share it.
        origin: What is written into those files, to know them by.
    """

    study: Study
    settings: SearchSettings
    data: XmcDataset
    folder: Path
    origin: Mapping[str, str]


def open_session(
    raw: TextDataset,
    settings: SearchSettings,
    *,
    storage: BaseStorage,
    study_name: str,
    children_dir: Path,
    vectors: Path | None,
    observer: SearchObserver,
) -> Session:
    """Prepare the data and join the study, which is made if there is none.

    Raises:
        ConfigMismatchError: If the study exists with other settings or other data.
        StorageError: If the storage fails.
        DataError: If the data cannot be used.
    """
    data = prepare(raw, settings.data, vectors=vectors)
    observer.data_ready(data)
    config = settings.study_config(data)
    study = optuna.create_study(
        storage=storage,
        study_name=study_name,
        direction="maximize",
        load_if_exists=True,
        pruner=optuna.pruners.NopPruner(),  # pruned children would cost and not breed
        sampler=settings.make_sampler(),
    )
    join_study(study, config)
    note_texts(study, StudyTexts(raw.name, raw.fingerprint))
    return session_of(study, config, settings, data, children_dir)


def session_of(
    study: Study,
    config: StudyConfig,
    settings: SearchSettings,
    data: XmcDataset,
    children_dir: Path,
) -> Session:
    """Return a process's part in a study that it has joined with this configuration."""
    return Session(
        study=study,
        settings=settings,
        data=data,
        # Studies of one name in several storages share the parent, so the settings are named too.
        folder=children_dir / f"{_file_name(study.study_name)}-{config.fingerprint[:8]}",
        origin={"study_config": config.fingerprint},
    )


def check_texts(study: Study, raw: TextDataset) -> None:
    """Check that a data set is the one that a study was searched on.

    Raises:
        DataError: If it is another one.
    """
    known = texts_of(study)
    if known is None:
        _LOGGER.warning(
            "study %s does not say which texts it was searched on; %s is taken.",
            study.study_name,
            raw.name,
        )
    elif known.fingerprint != raw.fingerprint:
        raise DataError(
            f"study {study.study_name!r} was searched on {known.name}, and these texts of "
            f"{raw.name} are others: give the same --data and row files. To train its "
            "architecture on other texts, use `optuna-xmcnas transfer`."
        )


def _file_name(study_name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", study_name)
