"""Which errors of a storage pass by themselves; the drivers' own errors are the cases."""

from __future__ import annotations

import errno
from importlib import import_module
import sqlite3
from typing import Any

from optuna.exceptions import DuplicatedStudyError
from optuna.exceptions import StorageInternalError
from optuna.exceptions import UpdateFinishedTrialError
import pytest
import redis
from sqlalchemy import exc

from optuna_xmcnas.study.faults import is_fault
from optuna_xmcnas.study.faults import is_transient
from optuna_xmcnas.study.faults import reason_of


grpc = import_module("grpc")  # neither of them has types
pymysql = import_module("pymysql")


class CodedError(Exception):
    """What psycopg2 raises: a message and a code."""

    def __init__(self, message: str, pgcode: str | None = None) -> None:
        super().__init__(message)
        self.pgcode = pgcode


class RemoteError(grpc.RpcError):  # type: ignore[misc, name-defined]
    """What a gRPC call raises."""

    def __init__(self, code: Any, details: str) -> None:
        super().__init__()
        self._code, self._details = code, details

    def code(self) -> Any:
        return self._code

    def details(self) -> str:
        return self._details


def operational(driver_error: Exception, **options: Any) -> exc.OperationalError:
    return exc.OperationalError("SELECT 1", {}, driver_error, **options)


PASSING: list[BaseException] = [
    exc.InternalError("INSERT", {}, CodedError("cannot execute INSERT", "25006")),  # a failover
    operational(sqlite3.OperationalError("database is locked")),
    operational(sqlite3.OperationalError("disk I/O error")),
    operational(CodedError("connection to server failed: Connection refused")),
    operational(CodedError("FATAL:  the database system is starting up")),
    operational(CodedError("FATAL:  sorry, too many clients already")),
    operational(CodedError("terminating connection due to administrator command", "57P01")),
    operational(CodedError("could not serialize access", "40001")),
    operational(CodedError("deadlock detected", "40P01")),
    operational(pymysql.OperationalError(1020, "Record has changed since last read")),
    operational(pymysql.OperationalError(1205, "Lock wait timeout exceeded")),
    operational(pymysql.OperationalError(1213, "Deadlock found")),
    operational(pymysql.OperationalError(2003, "Can't connect to MySQL server")),
    operational(pymysql.OperationalError(2006, "MySQL server has gone away")),
    exc.InterfaceError("SELECT 1", {}, pymysql.InterfaceError(0, "")),
    exc.TimeoutError("QueuePool limit of size 5 overflow 10 reached"),
    exc.DBAPIError("SELECT 1", {}, CodedError("gone"), connection_invalidated=True),
    exc.DatabaseError("SELECT 1", {}, CodedError("server closed the connection unexpectedly")),
    redis.ConnectionError("Error 111 connecting to host:6379. Connection refused."),
    redis.TimeoutError("Timeout reading from socket"),
    redis.BusyLoadingError("Redis is loading the dataset in memory"),
    redis.ResponseError("BUSY Redis is busy running a script."),
    RemoteError(grpc.StatusCode.UNAVAILABLE, "failed to connect to all addresses"),
    RemoteError(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded"),
    RemoteError(
        grpc.StatusCode.UNKNOWN,
        "Exception calling application: An exception is raised during the commit. This ...",
    ),
    RemoteError(
        grpc.StatusCode.UNKNOWN,
        "Exception calling application: (psycopg2.OperationalError) connection refused",
    ),
    ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"),
    TimeoutError("timed out"),
    OSError(errno.ESTALE, "Stale file handle"),
    OSError(errno.EIO, "Input/output error"),
]

LASTING: list[tuple[BaseException, str]] = [
    (operational(sqlite3.OperationalError("database or disk is full")), "the disk .* is full"),
    (operational(CodedError("could not extend file", "53100")), "the disk .* is full"),
    (operational(CodedError("write failed: No space left on device")), "the disk .* is full"),
    (operational(pymysql.OperationalError(1114, "The table 't' is full")), "the disk .* is full"),
    (operational(pymysql.OperationalError(1021, "Disk full")), r"full \(Disk full \(error 1021"),
    (
        operational(sqlite3.OperationalError("attempt to write a readonly database")),
        "only be read",
    ),
    (operational(CodedError('FATAL:  password authentication failed for user "ann"')), "password"),
    (operational(CodedError('FATAL:  database "x" does not exist')), "does not exist"),
    (operational(pymysql.OperationalError(1045, "Access denied for user")), "Access denied"),
    (operational(sqlite3.OperationalError("no such table: trials")), "no such table"),
    (exc.ProgrammingError("SELECT", {}, CodedError("no such relation", "42P01")), "no such rel"),
    (exc.DatabaseError("SELECT", {}, sqlite3.DatabaseError("disk image is malformed")), "malf"),
    (redis.AuthenticationError("invalid username-password pair"), "invalid username"),
    (redis.ReadOnlyError("You can't write against a read only replica."), "only be read"),
    (redis.ResponseError("OOM command not allowed when used memory > 'maxmemory'."), "memory of"),
    (redis.ResponseError("MISCONF Redis is configured to save RDB snapshots"), "cannot save"),
    (RemoteError(grpc.StatusCode.UNIMPLEMENTED, "Method not found!"), "UNIMPLEMENTED: Method"),
    (RemoteError(grpc.StatusCode.UNKNOWN, "Exception calling application: 'x'"), "application"),
    (OSError(errno.ENOSPC, "No space left on device"), "the disk of the storage is full"),
    (OSError(errno.EDQUOT, "Disk quota exceeded"), "the disk of the storage is full"),
    (OSError(errno.EROFS, "Read-only file system"), "only be read"),
    (FileNotFoundError(errno.ENOENT, "No such file or directory"), "No such file"),
]


@pytest.mark.parametrize("error", PASSING, ids=repr)
def test_an_outage_passes(error: BaseException) -> None:
    assert is_fault(error)
    assert is_transient(error)


@pytest.mark.parametrize(("error", "reason"), LASTING, ids=repr)
def test_what_needs_help_does_not_pass(error: BaseException, reason: str) -> None:
    assert is_fault(error)
    assert not is_transient(error)
    with pytest.raises(ValueError, match=reason):
        raise ValueError(reason_of(error))


@pytest.mark.parametrize(
    "error",
    [
        KeyError("no such trial"),
        ValueError("another distribution"),
        RuntimeError("not a single objective"),
        TypeError("not JSON"),
        AssertionError(),
        DuplicatedStudyError(),
        UpdateFinishedTrialError(),
    ],
    ids=repr,
)
def test_what_is_wrong_with_the_call_is_no_fault_of_the_storage(error: BaseException) -> None:
    assert not is_fault(error)
    assert not is_transient(error)


@pytest.mark.parametrize("is_locked", [True, False])
def test_what_optuna_wrapped_is_looked_at(is_locked: bool) -> None:
    text = "database is locked" if is_locked else "database or disk is full"
    wrapped = StorageInternalError("An exception is raised during the commit.")
    wrapped.__cause__ = operational(sqlite3.OperationalError(text))
    assert is_transient(wrapped) is is_locked
    assert text in reason_of(wrapped)


def test_a_reason_is_one_line_without_password() -> None:
    text = (
        "cannot connect to mysql://ann:can@ary@host/db, password='canary', passwd=canary\nsecond"
    )
    reason = reason_of(ValueError(text))
    assert reason == "cannot connect to mysql://ann:***@host/db, password=***, passwd=***"


def test_an_error_without_words_is_named() -> None:
    assert reason_of(ConnectionResetError()) == "ConnectionResetError"
