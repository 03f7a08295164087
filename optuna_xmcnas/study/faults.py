"""Errors of storages: which of them pass by themselves, and how each is told to a person."""

from __future__ import annotations

import errno
import re
import sys

from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import InterfaceError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import PendingRollbackError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError


# Codes are those of PostgreSQL (five characters) and of MySQL and MariaDB (numbers).
_FULL_CODES = frozenset({"53100", 1021, 1114})
_FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FULL_WORDS = re.compile(r"disk is full|disk full|no space left|got error 28\b", re.IGNORECASE)
_READ_ONLY_CODES = frozenset({"25006", 1290, 1792, 1836})
_READ_ONLY_WORDS = re.compile(r"readonly database|read-only|read only replica", re.IGNORECASE)
_REFUSED_CODES = frozenset(
    {"28000", "28P01", "3D000", "42501", 1044, 1045, 1049, 1054, 1142, 1146, 1153, 1698}
)
_REFUSED_WORDS = re.compile(  # PostgreSQL gives no code where it refuses a connection
    r"authentication failed|no password supplied|access denied|no pg_hba\.conf entry|"
    r'(role|database|user) "[^"]*" does not exist|certificate verify failed|'
    r"does not support SSL|unable to open database file|no such (table|column)",
    re.IGNORECASE,
)
_LOST_WORDS = re.compile(  # of a connection that broke, where the class of the error is too broad
    r"server closed the connection|SSL SYSCALL|SSL connection has been closed|"
    r"connection (already )?closed|packet sequence number|lost connection",
    re.IGNORECASE,
)
_PASSING_ERRNOS = frozenset(
    getattr(errno, name)
    for name in (
        *("EAGAIN", "EBUSY", "EINTR", "EIO", "EMFILE", "ENFILE", "ENOLCK", "ESTALE"),
        *("EHOSTDOWN", "EHOSTUNREACH", "ENETDOWN", "ENETUNREACH", "ENOTCONN", "EREMOTEIO"),
    )
    if hasattr(errno, name)
)
_PASSING_REPLIES = ("BUSY ", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "TRYAGAIN")  # of Redis
_PASSING_RPC = frozenset({"DEADLINE_EXCEEDED", "UNAVAILABLE"})
_BEHIND_RPC = re.compile(  # what a gRPC server says when the storage behind it fails
    r"raised during the commit|OperationalError|InterfaceError|ConnectionError|TimeoutError|"
    r"timed out|does not answer|RST_STREAM|stream removed|socket closed",
    re.IGNORECASE,
)
_PASSWORD_IN_URL = re.compile(r"(://[^:/@\s]*):\S*@")
_PASSWORD_OPTION = re.compile(r"(?i)\b(pass(?:word|wd)?|pwd)=('[^']*'|\"[^\"]*\"|[^\s&;,)\"']+)")


def is_fault(error: BaseException) -> bool:
    """Return whether it is the storage that failed, rather than what was asked of it.

    Example:
        >>> is_fault(TimeoutError("timed out")), is_fault(KeyError("no such trial"))
        (True, False)
    """
    return (
        isinstance(error, (SQLAlchemyError, StorageInternalError, OSError))
        or _is(error, "redis.exceptions", "RedisError")
        or _is(error, "grpc", "RpcError")
    )


def is_transient(error: BaseException) -> bool:
    """Return whether the same call may succeed later without anybody's help.

    Example:
        >>> is_transient(ConnectionResetError("the server is gone"))
        True
        >>> is_transient(OSError(errno.ENOSPC, "No space left on device"))
        False
    """
    error = _origin(error)
    if not is_fault(error) or _is_full(error) or _is_refused(error):
        return False
    # A server that is just being replaced by another one can only be read for a moment.
    if _is_read_only(error) and _code(error) not in _READ_ONLY_CODES:
        return False
    if isinstance(error, SQLAlchemyError):
        return _code(error) in _READ_ONLY_CODES or _database_recovers(error)
    if isinstance(error, OSError):
        passing = error.errno in _PASSING_ERRNOS
        return passing or isinstance(error, (ConnectionError, TimeoutError, BlockingIOError))
    if _is(error, "grpc", "RpcError"):
        code = _rpc_code(error)
        behind = code in ("INTERNAL", "UNKNOWN") and _BEHIND_RPC.search(_text(error))
        return code in _PASSING_RPC or bool(behind)
    return (
        _is(error, "redis.exceptions", "ConnectionError")
        or _is(error, "redis.exceptions", "TimeoutError")
        or _text(error).startswith(_PASSING_REPLIES)
    )


def reason_of(error: BaseException) -> str:
    """Return what went wrong, as one line without a password.

    Example:
        >>> reason_of(OSError(errno.ENOSPC, "No space left on device"))
        'the disk of the storage is full ([Errno 28] No space left on device)'
        >>> reason_of(ValueError("cannot read redis://:secret@host/0"))
        'cannot read redis://:***@host/0'
    """
    error = _origin(error)
    lines = _text(error).strip().splitlines()
    text = lines[0].strip() if lines else type(error).__name__
    text = _PASSWORD_IN_URL.sub(r"\1:***@", text)
    text = _PASSWORD_OPTION.sub(r"\1=***", text)
    if not is_fault(error):
        return text
    if _is_full(error):
        return f"the disk of the storage is full ({text})"
    if _is_read_only(error):
        return f"the storage can only be read ({text})"
    if text.startswith("OOM "):
        return f"the memory of the Redis server is full ({text})"
    if text.startswith("MISCONF "):
        return f"the Redis server cannot save to its disk ({text})"
    return text


def _origin(error: BaseException) -> BaseException:
    """Return what Optuna wrapped, if it did."""
    if isinstance(error, StorageInternalError) and error.__cause__ is not None:
        return error.__cause__
    return error


def _text(error: BaseException) -> str:
    if _is(error, "grpc", "RpcError"):
        details = getattr(error, "details", lambda: None)()
        return f"gRPC {_rpc_code(error)}: {details or 'no details'}"
    driver = getattr(error, "orig", None) or error
    match getattr(driver, "args", ()):
        case (int(code), str(text)) if not isinstance(driver, OSError):
            return f"{text} (error {code})"  # the drivers of MySQL
    return str(driver)


def _code(error: BaseException) -> object:
    driver = getattr(error, "orig", None)
    code = getattr(driver, "sqlstate", None) or getattr(driver, "pgcode", None)
    arguments = getattr(driver, "args", ())
    return code or (arguments[0] if arguments else None)


def _rpc_code(error: BaseException) -> str:
    code = getattr(error, "code", lambda: None)()
    return str(getattr(code, "name", "UNKNOWN"))


def _is_full(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in _FULL_ERRNOS:
        return True
    return _code(error) in _FULL_CODES or bool(_FULL_WORDS.search(_text(error)))


def _is_read_only(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno == errno.EROFS:
        return True
    return _code(error) in _READ_ONLY_CODES or bool(_READ_ONLY_WORDS.search(_text(error)))


def _is_refused(error: BaseException) -> bool:
    return (
        _code(error) in _REFUSED_CODES
        or bool(_REFUSED_WORDS.search(_text(error)))
        or _is(error, "redis.exceptions", "AuthenticationError")
        or _is(error, "redis.exceptions", "AuthorizationError")
    )


def _database_recovers(error: SQLAlchemyError) -> bool:
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    broken = (OperationalError, InterfaceError, PoolTimeoutError, PendingRollbackError)
    return isinstance(error, broken) or bool(_LOST_WORDS.search(_text(error)))


def _is(error: BaseException, module: str, name: str) -> bool:
    """Return whether an error is of a class from a package that may not be installed."""
    kind = getattr(sys.modules.get(module), name, None)  # not loaded: nobody can have raised it
    return kind is not None and isinstance(error, kind)
