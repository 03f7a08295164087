"""Which study a command takes if nobody names one."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from optuna_xmcnas.cli.studies import load_study
from optuna_xmcnas.cli.studies import open_searched
from optuna_xmcnas.cli.studies import settings_of
from optuna_xmcnas.exceptions import StorageError
from optuna_xmcnas.study import join_study
from optuna_xmcnas.study import StudyConfig


@pytest.fixture
def storage() -> optuna.storages.BaseStorage:
    return optuna.storages.InMemoryStorage()


def _make(storage: optuna.storages.BaseStorage, *names: str) -> None:
    for name in names:
        optuna.create_study(storage=storage, study_name=name)


def test_the_only_search_is_taken_whatever_the_data(
    storage: optuna.storages.BaseStorage,
) -> None:
    _make(storage, "tags", "tags-confirm")
    assert load_study(storage, None).study_name == "tags"
    assert load_study(storage, None, "mine").study_name == "tags"


def test_of_several_searches_the_one_on_the_data_is_taken(
    storage: optuna.storages.BaseStorage,
) -> None:
    _make(storage, "docstrings-quick", "mine-paper", "mine-paper-confirm", "other")
    assert load_study(storage, None, "docstrings").study_name == "docstrings-quick"
    assert load_study(storage, None, "some/where/mine/").study_name == "mine-paper"


@pytest.mark.parametrize("data", [None, "absent", "mine"])
def test_what_is_not_clear_is_asked_for_and_confirmations_are_not_offered(
    storage: optuna.storages.BaseStorage, data: str | None
) -> None:
    _make(storage, "mine-quick", "mine-paper", "mine-paper-confirm")
    with pytest.raises(StorageError, match="has: 'mine-paper', 'mine-quick'.$"):
        load_study(storage, None, data)


def test_an_empty_storage_says_what_to_do(storage: optuna.storages.BaseStorage) -> None:
    with pytest.raises(StorageError, match="no study yet; `optuna-xmcnas search` makes one"):
        load_study(storage, None)


def test_nothing_searched_yet_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="made with `optuna-xmcnas search`"):
        open_searched(f"sqlite:///{tmp_path}/none.db")


def test_a_confirmation_is_not_taken_for_a_search(storage: optuna.storages.BaseStorage) -> None:
    study = optuna.create_study(storage=storage, study_name="tags-confirm", direction="maximize")
    join_study(study, StudyConfig({"sampler": {"name": "repeat"}}))
    with pytest.raises(StorageError, match="name the search, 'tags'"):
        settings_of(study)
