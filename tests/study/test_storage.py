"""Opening storages; nothing that is shown holds a password."""

from __future__ import annotations

from pathlib import Path
import sqlite3
import subprocess
import sys

import optuna
from optuna.storages import _CachedStorage
import pytest
import sqlalchemy

from optuna_xmcnas.exceptions import StorageError
from optuna_xmcnas.study import open_storage


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


def test_a_path_without_scheme_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"write sqlite:///.*study\.db"):
        open_storage(f"{tmp_path}/study.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("postgres://ann:canary@host/db", r"write postgresql\+psycopg2:// instead"),
        ("mongodb://ann:canary@host/db", r"mongodb:// is unknown; known are sqlite, .*journal"),
        (
            "mysql+nodriver://ann:canary@host/db",
            r"knows no mysql\+nodriver://; try mysql\+pymysql",
        ),
        ("mysql://ann:canary@host/db", r'missing; .*xmcnas\[mysql\]" and write mysql\+pymysql://'),
        ("oracle://ann:canary@host/db", r"the Python package \w+ is missing"),
        ("sqlite:////no/such/folder/study.db", r"there is no folder /no/such/folder"),
        ("journal:///no/such/folder/study", r"there is no folder /no/such/folder"),
        ("journal:///tmp", r"/tmp is a folder"),
        ("redis://:canary@127.0.0.1:1/0", r"redis://:\*\*\*@.*refused"),
        ("unix:///no/such/socket?password=canary", r"password=\*\*\*: .*No such file"),
        ("postgresql+psycopg2://ann:canary@127.0.0.1:1/none", r"Connection refused"),
        ("mysql+pymysql://ann:canary@127.0.0.1:1/none", r"Connection refused.*2003"),
    ],
)
def test_what_is_wrong_is_told_with_what_helps(url: str, advice: str) -> None:
    with pytest.raises(StorageError, match=advice) as caught:
        open_storage(url)
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("url", "module", "extra"),
    [
        ("postgresql+psycopg2://ann@127.0.0.1:1/none", "psycopg2", "postgresql"),
        ("mariadb+pymysql://ann@127.0.0.1:1/none", "pymysql", "mysql"),
        ("rediss://127.0.0.1:1/0", "redis", "redis"),
        ("grpc://127.0.0.1:1", "grpc", "grpc"),
    ],
)
def test_a_missing_driver_is_named_with_its_extra(
    url: str, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(StorageError, match=rf'{module} is missing; .*"optuna-xmcnas\[{extra}\]"'):
        open_storage(url)


def test_no_grpc_server_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optuna_xmcnas.study.storage._GRPC_WAIT_S", 0.2)
    with pytest.raises(StorageError, match=r"grpc://127\.0\.0\.1:1: no gRPC server answered"):
        open_storage("grpc://127.0.0.1:1")


@pytest.mark.parametrize("name", ["study.log", "sqlite:///study.db", "journal://study"])
def test_reading_creates_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StorageError, match=r"there is no file study.*look at --storage"):
        open_storage(name, must_exist=True)
    assert list(tmp_path.iterdir()) == []


def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE songs (x)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StorageError, match=r"no studies of Optuna; tables in it: songs"):
        open_storage(f"sqlite:///{path}", must_exist=True)
    assert path.read_bytes() == before


def test_an_empty_file_is_no_database_to_read(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    path.touch()
    with pytest.raises(StorageError, match=r"tables in it: none"):
        open_storage(f"sqlite:///{path}", must_exist=True)
    assert path.read_bytes() == b""


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    path.write_text("no database" * 100)
    with pytest.raises(StorageError, match=r"file is not a database"):
        open_storage(f"sqlite:///{path}")


@pytest.mark.parametrize("text", ["a poem", '{"title": "data"}\n', '{"op_code":99}\n[1]\n'])
def test_a_file_that_is_no_journal_is_refused_and_kept(tmp_path: Path, text: str) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text(text)
    with pytest.raises(StorageError, match=r"no journal"):
        open_storage(str(path))
    assert path.read_text() == text


def test_tables_of_another_optuna_are_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/study.db"
    open_storage(url)
    with sqlite3.connect(tmp_path / "study.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'v99.0.0.a'")
    connection.close()
    with pytest.raises(StorageError, match=r"no longer compatible with the table schema"):
        open_storage(url)


def test_a_full_database_is_told_at_once(tmp_path: Path) -> None:
    storage = open_storage(f"sqlite:///{tmp_path}/study.db")
    study = optuna.create_study(storage=storage)
    database = storage._backend
    assert isinstance(database, _CachedStorage)
    engine = database._backend.engine
    engine.dispose()
    sqlalchemy.event.listen(
        engine, "connect", lambda connection, _: connection.execute("PRAGMA max_page_count = 1")
    )
    with pytest.raises(StorageError, match=r"the disk of the storage is full"):
        study.set_user_attr("long", "x" * 1_000_000)
    engine.dispose()


def test_a_database_that_may_only_be_read_is_told_at_once(tmp_path: Path) -> None:
    study = optuna.create_study(
        study_name="one", storage=open_storage(f"sqlite:///{tmp_path}/study.db")
    )
    study.add_trial(optuna.trial.create_trial(value=0.5))
    storage = open_storage(f"sqlite:///file:{tmp_path}/study.db?mode=ro&uri=true", must_exist=True)
    read = optuna.load_study(study_name="one", storage=storage)
    assert read.best_value == 0.5
    with pytest.raises(StorageError, match=r"can only be read"):
        read.set_user_attr("new", 1)


def test_braces_in_a_path_are_no_template(tmp_path: Path) -> None:
    open_storage(f"sqlite:///{tmp_path}/{{study}}.db")
    assert (tmp_path / "{study}.db").exists()


def test_silence_is_measured_by_the_grace_given(tmp_path: Path) -> None:
    storage = open_storage(f"sqlite:///{tmp_path}/study.db", grace_s=45)
    database = storage._backend
    assert isinstance(database, _CachedStorage)
    assert database.get_heartbeat_interval() == 4
    assert database.get_heartbeat_stale_trial_callback() is None
