"""Opening storages; nothing that is shown holds a password."""

from __future__ import annotations

from pathlib import Path
import subprocess
import sys

import optuna
import pytest

from optuna_xmcnas.exceptions import StorageError
from optuna_xmcnas.study import hide_password
from optuna_xmcnas.study import open_storage
from optuna_xmcnas.study import put_back


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
        "postgresql+psycopg2://ann@host:canary/none",
        "postgresql+psycopg2://ann:p@canary@127.0.0.1:1/none",
        "postgresql+psycopg2://127.0.0.1:1/none?user=ann&password=canary",
        "sqlite:////no/such/folder/canary",
    ],
)
def test_errors_name_the_storage_without_its_password(url: str) -> None:
    with pytest.raises(StorageError, match=r"storage") as caught:
        open_storage(url)
    assert "canary" not in str(caught.value).replace("/no/such/folder/canary", "")
    assert caught.value.__cause__ is None


def test_processes_that_open_a_new_file_together_all_succeed(tmp_path: Path) -> None:
    code = (
        "import sys; from optuna_xmcnas.study import open_storage; "
        "open_storage(sys.argv[1]).get_all_studies()"
    )
    url = f"sqlite:///{tmp_path}/new.db"
    processes = [subprocess.Popen([sys.executable, "-c", code, url]) for _ in range(4)]
    assert [process.wait() for process in processes] == [0] * 4


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///study.db", "sqlite:///study.db"),
        ("mysql://ann:canary@host/db?charset=utf8", "mysql://ann:***@host/db?charset=utf8"),
        ("mysql://host/db?passwd=canary", "mysql://host/db?passwd=***"),
    ],
)
def test_what_is_shown_of_an_address(url: str, shown: str) -> None:
    assert hide_password(url) == shown


def test_put_back_does_not_use_up_the_retry_of_the_dead() -> None:
    study = optuna.create_study()
    trial = study.ask()
    trial.suggest_int("x", 0, 9)
    study.tell(trial, state=optuna.trial.TrialState.FAIL)
    put_back(study, study.get_trials()[0])
    again = study.get_trials()[1]
    assert again.params == trial.params
    assert "retry_history" not in again.system_attrs
    assert study.ask().suggest_int("x", 0, 9) == trial.params["x"]
