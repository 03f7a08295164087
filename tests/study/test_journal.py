"""Journals that survive what their writers and servers do to them."""

from __future__ import annotations

from collections.abc import Iterator
import errno
import json
import os
from pathlib import Path
import pickle
import subprocess
import sys
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal import JournalRedisBackend
import pytest
from redis import Redis
from redis import ResponseError

from optuna_xmcnas.exceptions import StorageError
from optuna_xmcnas.study import open_storage
from optuna_xmcnas.study.journal import CarefulJournalFile
from optuna_xmcnas.study.journal import RedisJournal
from tests.servers import fresh_redis


LOGS: list[dict[str, Any]] = [{"op_code": 0, "n": n} for n in range(3)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "study.log"


def test_optuna_reads_what_is_written(path: Path) -> None:
    journal = CarefulJournalFile(str(path))
    journal.append_logs(LOGS[:1])
    journal.append_logs(LOGS[1:])
    assert list(JournalFileBackend(str(path)).read_logs(0)) == LOGS
    assert list(journal.read_logs(1)) == LOGS[1:]


@pytest.mark.parametrize("half", ['{"op_', '{"op_code":4,"text":"' + "x" * 10_000])
def test_half_a_line_is_cut_off_before_the_next(path: Path, half: str) -> None:
    journal = CarefulJournalFile(str(path))
    journal.append_logs(LOGS[:1])
    with path.open("a") as file:
        file.write(half)
    assert list(journal.read_logs(0)) == LOGS[:1]
    journal.append_logs(LOGS[1:])
    assert list(journal.read_logs(0)) == LOGS


def test_half_a_first_line_is_cut_off(path: Path) -> None:
    path.write_text('{"op_co')
    open_storage(str(path)).create_new_study([optuna.study.StudyDirection.MAXIMIZE], "one")
    assert [study.study_name for study in open_storage(str(path)).get_all_studies()] == ["one"]


def test_a_full_disk_leaves_no_half_line(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = CarefulJournalFile(str(path))
    journal.append_logs(LOGS[:1])
    before = path.read_bytes()
    write = os.write

    def write_some(descriptor: int, data: bytes) -> int:
        if len(data) < 10:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data[: len(data) // 2])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write_some)
        with pytest.raises(OSError, match=r"No space left"):
            journal.append_logs(LOGS[1:])
    assert path.read_bytes() == before
    journal.append_logs(LOGS[1:])
    assert list(journal.read_logs(0)) == LOGS


def test_a_limit_of_the_system_in_the_middle_of_a_line_is_survived(path: Path) -> None:
    code = """
import resource, signal, sys
import optuna
from optuna_xmcnas.exceptions import StorageError
from optuna_xmcnas.study import open_storage

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
study = optuna.create_study(storage=open_storage(sys.argv[1]), study_name="one")
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
try:
    study.set_user_attr("long", "x" * 2000)
except StorageError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
study.set_user_attr("short", 1)
"""
    command = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "the disk of the storage is full ([Errno 27]" in done.stdout
    study = optuna.load_study(study_name="one", storage=open_storage(str(path)))
    assert study.user_attrs == {"short": 1}


def test_a_damaged_line_is_named(path: Path) -> None:
    lines = [json.dumps(log) for log in LOGS]
    lines[1] = lines[1][:5] + lines[2]  # what two careless writers leave
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(StorageError, match=r"study\.log is damaged in line 2"):
        list(CarefulJournalFile(str(path)).read_logs(0))


def test_a_removed_file_is_not_made_again(path: Path) -> None:
    storage = open_storage(str(path))
    path.unlink()
    with pytest.raises(StorageError, match=r"No such file"):
        storage.create_new_study([optuna.study.StudyDirection.MAXIMIZE])
    assert not path.exists()


def test_a_lock_that_was_taken_away_does_not_undo_the_entry(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = CarefulJournalFile(str(path))
    fsync = os.fsync

    def sync_slowly(descriptor: int) -> None:
        fsync(descriptor)
        Path(f"{path}.lock").unlink()  # as others do after half a minute

    monkeypatch.setattr(os, "fsync", sync_slowly)
    journal.append_logs(LOGS)
    assert list(journal.read_logs(0)) == LOGS
    assert "was taken away" in caplog.text


@pytest.fixture
def redis_url() -> Iterator[str]:
    with fresh_redis() as url:
        yield url


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as client:
        yield client


@pytest.mark.server
def test_optuna_and_we_share_a_journal_on_redis(redis_url: str) -> None:
    with pytest.warns(ExperimentalWarning):
        theirs = JournalStorage(JournalRedisBackend(redis_url))
    study = optuna.create_study(storage=theirs, study_name="one")
    ours = optuna.load_study(study_name="one", storage=open_storage(redis_url))
    for number, writer in enumerate((study, ours, study)):
        writer.tell(writer.ask(), number)
    assert [trial.value for trial in study.trials] == [0, 1, 2]
    assert [trial.value for trial in ours.trials] == [0, 1, 2]


@pytest.mark.server
def test_many_entries_are_read_in_batches(
    redis_url: str, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optuna_xmcnas.study.journal._BATCH", 10)
    journal = RedisJournal(redis_url)
    logs: list[dict[str, Any]] = [{"op_code": 0, "n": n} for n in range(35)]
    journal.append_logs(logs)
    assert list(journal.read_logs(0)) == logs
    assert list(journal.read_logs(30)) == logs[30:]
    assert list(journal.read_logs(35)) == []
    assert redis.get(":log_number") == b"34"


@pytest.mark.server
def test_a_pickle_on_the_server_is_not_loaded(
    redis_url: str, redis: Redis, tmp_path: Path
) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (f"{tmp_path}/loaded",)

    redis.set(":snapshot", pickle.dumps(Bomb()))
    assert open_storage(redis_url).get_all_studies() == []
    assert not (tmp_path / "loaded").exists()


@pytest.mark.server
def test_an_entry_that_is_gone_is_not_waited_for_endlessly(redis_url: str, redis: Redis) -> None:
    journal = RedisJournal(redis_url, missing_s=0.1)
    journal.append_logs(LOGS)
    redis.delete(":log:1")
    with pytest.raises(StorageError, match=r"entry 1 .* is missing.*maxmemory-policy"):
        list(journal.read_logs(0))


@pytest.mark.server
def test_a_server_that_lost_its_journal_is_noticed(redis_url: str, redis: Redis) -> None:
    storage = open_storage(redis_url)
    storage.create_new_study([optuna.study.StudyDirection.MAXIMIZE], "one")
    redis.delete(":log_number", ":log:0")
    with pytest.raises(StorageError, match=r"lost its journal: 1 entries.*now it has 0"):
        storage.get_all_studies()


@pytest.mark.server
def test_half_an_entry_may_only_be_the_last(redis_url: str, redis: Redis) -> None:
    journal = RedisJournal(redis_url)
    journal.append_logs(LOGS)
    redis.set(":log:2", '{"op_')
    assert list(journal.read_logs(0)) == LOGS[:2]
    redis.set(":log:1", '{"op_')
    with pytest.raises(StorageError, match=r"entry 1 .* is damaged"):
        list(journal.read_logs(0))


@pytest.mark.server
def test_keys_of_another_program_are_not_touched(redis_url: str, redis: Redis) -> None:
    redis.set(":log_number", "many")
    with pytest.raises(StorageError, match=r"holds b'many', which is no number"):
        open_storage(redis_url)
    redis.delete(":log_number")
    redis.lpush(":log_number", 1)
    with pytest.raises(StorageError, match=r"WRONGTYPE"):
        open_storage(redis_url)


@pytest.mark.server
def test_a_full_redis_is_told(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = open_storage(redis_url)

    def refuse(*_: object) -> None:
        raise ResponseError("OOM command not allowed when used memory > 'maxmemory'.")

    monkeypatch.setattr(Redis, "eval", refuse)
    with pytest.raises(StorageError, match=r"the memory of the Redis server is full"):
        storage.create_new_study([optuna.study.StudyDirection.MAXIMIZE])


@pytest.mark.server
def test_a_journal_on_redis_can_be_sent_to_another_process(redis_url: str) -> None:
    journal = RedisJournal(redis_url)
    journal.append_logs(LOGS)
    again = pickle.loads(pickle.dumps(journal))  # noqa: S301
    assert list(again.read_logs(0)) == LOGS
