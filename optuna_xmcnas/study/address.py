"""Addresses of storages: what kind of storage each one names, and how it may be shown."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
import enum
from pathlib import Path
import re
from urllib.parse import quote
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

from optuna_xmcnas.exceptions import StorageError
from optuna_xmcnas.study.faults import reason_of


_REDIS_SCHEMES = frozenset({"redis", "rediss", "unix"})
_JOURNAL_SUFFIXES = frozenset({".journal", ".jsonl", ".log"})
_SQLITE_SUFFIXES = frozenset({".db", ".db3", ".sqlite", ".sqlite3"})
_SQLITE_START = b"SQLite format 3\0"
_GRPC_PORT = 13000  # the one Optuna's server listens on unless told otherwise
_HARMLESS = frozenset({"charset", "db", "host", "port", "sslmode", "timeout", "unix_socket"})
_SECRET_NAME = re.compile(r"pass|pwd|secret|token|key|credential", re.IGNORECASE)


class Kind(enum.Enum):
    """What keeps the studies."""

    DATABASE = "database"
    REDIS = "redis"
    JOURNAL = "journal"
    GRPC = "grpc"


@dataclass(frozen=True)
class Address:
    """Where a storage is.

    Attributes:
        kind: What keeps the studies there.
        target: A URL for a database or Redis, a path for a journal, host:port for gRPC.
        shown: The address as it may be shown.
        secrets: Texts that must appear in no message.
    """

    kind: Kind
    target: str = field(repr=False)
    shown: str
    secrets: frozenset[str] = field(default=frozenset(), repr=False)

    @classmethod
    def parse(cls, text: str) -> Address:
        """Return what an address means.

        Raises:
            StorageError: If it is none; the message does not quote it, as it may hold a password.

        Example:
            >>> Address.parse("redis://:secret@host/0")
            Address(kind=<Kind.REDIS: 'redis'>, shown='redis://:***@host/0')
            >>> Address.parse("runs/study.log").kind
            <Kind.JOURNAL: 'journal'>
        """
        scheme, separator, rest = text.partition("://")
        if not separator:
            return _bare_path(cls, text)
        if scheme == "journal":
            if not rest:
                raise StorageError(
                    "the storage journal:// needs a path: journal:///tmp/study.log."
                )
            return cls(Kind.JOURNAL, rest, text)
        if scheme == "grpc":
            return cls(Kind.GRPC, _host_and_port(text), text)
        parsed = parsed_url(text)
        kind = Kind.REDIS if scheme in _REDIS_SCHEMES else Kind.DATABASE
        return cls(kind, text, _shown(parsed), _secrets(parsed))

    def unusable(self, error: BaseException | str) -> StorageError:
        """Return the error that says why the storage cannot be used."""
        reason = error if isinstance(error, str) else self.reason(error)
        return StorageError(f"cannot use the storage {self.shown}: {reason}")

    def reason(self, error: BaseException) -> str:
        """Return what went wrong, without what must not be shown."""
        reason = reason_of(error)
        for secret in sorted(self.secrets, key=len, reverse=True):
            reason = reason.replace(secret, "***")
        return reason


def hide_password(url: str) -> str:
    """Return the address of a storage as it may be shown.

    Example:
        >>> hide_password("postgresql+psycopg2://ann:secret@host/db?password=secret")
        'postgresql+psycopg2://ann:***@host/db?password=***'
        >>> hide_password("rediss://:secret@host/0")
        'rediss://:***@host/0'
    """
    return Address.parse(url).shown


def parsed_url(url: str) -> URL:
    """Return the parts of a URL with a host.

    Raises:
        StorageError: If it is none, or its password would be taken for a part of the host.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = None
    if parsed is None or "@" in f"{parsed.host}{parsed.database}":  # rather of the password
        raise _no_address() from None
    return parsed


def is_sqlite_file(path: Path) -> bool:
    """Return whether there is a file that SQLite wrote."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_SQLITE_START)) == _SQLITE_START


def _bare_path(cls: type[Address], text: str) -> Address:
    path = Path(text)
    if not text or re.search(r":.*@", text):  # rather a user, a password and a host
        raise _no_address()
    if path.suffix in _SQLITE_SUFFIXES or is_sqlite_file(path):
        raise StorageError(f"the storage {text} is a path; write sqlite:///{text} for SQLite.")
    if path.suffix in _JOURNAL_SUFFIXES or path.is_file():
        return cls(Kind.JOURNAL, text, text)
    raise _no_address()


def _host_and_port(text: str) -> str:
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port or _GRPC_PORT
    except ValueError:
        host = None
    if not host or "@" in parts.netloc or parts.path.strip("/") or parts.query:
        raise StorageError(
            "the storage of a gRPC server is written grpc://host:port, without user, password "
            "and path."
        )
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _shown(parsed: URL) -> str:
    hidden = {name: "***" for name in parsed.query if name not in _HARMLESS}
    shown = parsed.update_query_dict(hidden).render_as_string(hide_password=True)
    return shown.replace("%2A%2A%2A", "***")


def _secrets(parsed: URL) -> frozenset[str]:
    plain = {str(parsed.password or "")}
    for name, values in parsed.normalized_query.items():
        if _SECRET_NAME.search(name):
            plain.update(values)
    return frozenset({secret for text in plain for secret in (text, quote(text, "")) if secret})


def _no_address() -> StorageError:
    return StorageError(
        "the storage must be a database URL such as sqlite:///study.db or "
        "postgresql+psycopg2://user@host/database, redis://host:port/0, grpc://host:port, or "
        "the path of a journal file such as study.log; in a password, write @ as %40 and "
        ": as %3A."
    )
