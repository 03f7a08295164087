"""What an address means, and what is shown of it."""

from __future__ import annotations

from pathlib import Path
import sqlite3

import pytest

from optuna_xmcnas.exceptions import StorageError
from optuna_xmcnas.study import hide_password
from optuna_xmcnas.study.address import Address
from optuna_xmcnas.study.address import Kind


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///study.db", "sqlite:///study.db"),
        ("mysql://ann:canary@host/db?charset=utf8", "mysql://ann:***@host/db?charset=utf8"),
        ("mysql://host/db?passwd=canary", "mysql://host/db?passwd=***"),
        ("redis://:canary@host:6379/0", "redis://:***@host:6379/0"),
        ("rediss://ann:canary@host/0?db=2", "rediss://ann:***@host/0?db=2"),
        (
            "unix:///run/redis.sock?db=1&password=canary",
            "unix:///run/redis.sock?db=1&password=***",
        ),
        ("unix://:canary@/run/redis.sock", "unix://:***@/run/redis.sock"),
        ("grpc://host:13000", "grpc://host:13000"),
        ("journal:///tmp/study", "journal:///tmp/study"),
        ("runs/study.log", "runs/study.log"),
    ],
)
def test_what_is_shown_of_an_address(url: str, shown: str) -> None:
    assert hide_password(url) == shown


@pytest.mark.parametrize(
    ("url", "kind", "target"),
    [
        ("sqlite:///study.db", Kind.DATABASE, "sqlite:///study.db"),
        ("rediss://host/0", Kind.REDIS, "rediss://host/0"),
        ("grpc://host", Kind.GRPC, "host:13000"),
        ("grpc://[::1]:9", Kind.GRPC, "[::1]:9"),
        ("journal:///tmp/study", Kind.JOURNAL, "/tmp/study"),
        ("journal://runs/study", Kind.JOURNAL, "runs/study"),
        ("study.jsonl", Kind.JOURNAL, "study.jsonl"),
        ("/tmp/study.journal", Kind.JOURNAL, "/tmp/study.journal"),
    ],
)
def test_what_an_address_means(url: str, kind: Kind, target: str) -> None:
    address = Address.parse(url)
    assert (address.kind, address.target) == (kind, target)


def test_a_file_that_is_there_is_a_journal_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "study").touch()
    assert Address.parse(f"{tmp_path}/study").kind is Kind.JOURNAL


@pytest.mark.parametrize("name", ["study.db", "study.log"])
def test_the_path_of_a_database_is_told_apart(tmp_path: Path, name: str) -> None:
    with sqlite3.connect(tmp_path / name) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    with pytest.raises(StorageError, match=rf"write sqlite:///{tmp_path}/{name}"):
        Address.parse(f"{tmp_path}/{name}")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "study",
        "ann:canary@host",
        "ann:canary@host/study.log",
        "ann:canary@host.db",
        "redis://:p@canary@host/0",
        "redis://host:canary/0",
        "grpc://ann:canary@host:1",
        "grpc://host:canary",
        "grpc://",
        "journal://",
    ],
)
def test_what_is_no_address_is_not_quoted(url: str) -> None:
    with pytest.raises(StorageError, match=r"the storage") as caught:
        Address.parse(url)
    assert "canary" not in str(caught.value)


def test_secrets_are_hidden_in_reasons_and_in_what_is_printed() -> None:
    address = Address.parse("mysql+pymysql://ann:can%2Fary@host/db?ssl_key_password=mine")
    reason = address.reason(ValueError("can/ary or can%2Fary or mine"))
    assert reason == "*** or *** or ***"
    assert "can" not in repr(address)
