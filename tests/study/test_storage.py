"""Opening storages; nothing that is shown holds a password."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from optuna_xmcnas.exceptions import StorageError
from optuna_xmcnas.workflows import open_storage


def test_sqlite_file_is_made_and_opened_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/study.db"
    optuna.create_study(storage=open_storage(url), study_name="one")
    again = open_storage(url, must_exist=True)
    assert [study.study_name for study in again.get_all_studies()] == ["one"]


def test_missing_file_is_not_made_for_reading(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"no file .*absent\.db"):
        open_storage(f"sqlite:///{tmp_path}/absent.db", must_exist=True)
    assert not (tmp_path / "absent.db").exists()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg2://ann:canary@127.0.0.1:1/none",
        "mysql+nodriver://ann:canary@127.0.0.1:1/none",
        "ann:canary@host",
        "sqlite:////no/such/folder/canary",
    ],
)
def test_errors_name_the_storage_without_its_password(url: str) -> None:
    with pytest.raises(StorageError, match=r"storage") as caught:
        open_storage(url)
    assert ":canary@" not in str(caught.value)
    assert caught.value.__cause__ is None
