"""Opening the storage of a study."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
import logging
from pathlib import Path
import random
import time
from typing import Any
from urllib.parse import unquote
import warnings

from optuna.exceptions import ExperimentalWarning
from optuna.exceptions import StorageInternalError
from optuna.storages import _CachedStorage
from optuna.storages import BaseStorage
from optuna.storages import JournalStorage
from optuna.storages import RDBStorage
import sqlalchemy
from sqlalchemy.engine import URL
from sqlalchemy.exc import IntegrityError
from sqlalchemy.exc import NoSuchModuleError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import ProgrammingError

from optuna_xmcnas.exceptions import StorageError
from optuna_xmcnas.study.address import Address
from optuna_xmcnas.study.address import is_sqlite_file
from optuna_xmcnas.study.address import Kind
from optuna_xmcnas.study.address import parsed_url
from optuna_xmcnas.study.faults import is_fault
from optuna_xmcnas.study.faults import is_transient
from optuna_xmcnas.study.journal import CarefulJournalFile
from optuna_xmcnas.study.journal import is_journal
from optuna_xmcnas.study.journal import RedisJournal
from optuna_xmcnas.study.patience import PatientStorage
from optuna_xmcnas.study.proxy import BoundedGrpcProxy


_LOGGER = logging.getLogger(__name__)
_SQLITE_TIMEOUT_S = 300.0  # how long to wait for another process's write
_OPEN_AGAIN_S = 2.0
_OPENINGS = 10  # tries; processes that make the tables of a new database disturb each other
_GRPC_WAIT_S = 10.0  # for a gRPC server to answer the first time
_TABLES = frozenset({"alembic_version", "studies", "trials", "version_info"})
_DRIVERS = {"postgresql": "postgresql+psycopg2", "mysql": "mysql+pymysql"}  # extra: its scheme
_LIBPQ: dict[str, Any] = {  # of PostgreSQL: a connection that is silently cut is noticed
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,  # milliseconds
    "options": "-c timezone=UTC",  # Optuna compares heartbeats by the time of the session
}
_MYSQL: dict[str, Any] = {
    "connect_timeout": 10,
    "read_timeout": 120,  # above the 50 s that a statement may wait for a lock
    "write_timeout": 120,
    "init_command": "SET time_zone = '+00:00'",  # as above
}
_CONNECT_ARGS = {
    "psycopg": _LIBPQ,
    "psycopg2": _LIBPQ,
    "mysqldb": _MYSQL,
    "pymysql": _MYSQL,
}


def open_storage(
    url: str,
    *,
    must_exist: bool = False,
    patience_s: float = 600.0,
    grace_s: float = 300.0,
    waits: bool = False,
) -> PatientStorage:
    """Return the storage at an address, created if it is new.

    Args:
        url: A database URL as SQLAlchemy reads it (``sqlite:///study.db``), ``redis://host/0``,
            ``grpc://host:port`` of Optuna's gRPC server, or a journal file: ``study.log``,
            ``journal:///tmp/study``.
        must_exist: Refuse a storage that nobody has used, and create nothing.
        patience_s: How long one call is tried again while the server does not answer.
        grace_s: How long a worker must be silent until it is taken for dead, where a database
            keeps the time.
        waits: Whether to be as patient with a server that does not answer at first: right for a
            worker that a system starts, wrong for a person who may have mistyped the address.

    Raises:
        StorageError: If the address is none, or there is no storage that can be used.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     open_storage(f"{folder}/study.log").get_all_studies()
        []
    """
    address = Address.parse(url)
    until = time.monotonic() + (patience_s if waits else 0.0)
    is_news = True
    while True:
        try:
            backend = _open(address, must_exist, patience_s, grace_s)
        except StorageError:
            raise
        except Exception as error:
            reason = address.unusable(_hint(address, error) or error)
            is_usage = isinstance(error, (ImportError, RuntimeError, TypeError, ValueError))
            if not is_fault(error) and not is_usage:
                raise
            if not is_transient(error) or time.monotonic() > until:
                raise reason from None
            if is_news:
                _LOGGER.warning("%s; trying again for up to %.0f s", reason, patience_s)
                is_news = False
            time.sleep(_OPEN_AGAIN_S)
        else:
            storage = PatientStorage(backend, address, patience_s=patience_s, slow_s=grace_s / 10)
            if not is_news:
                storage.recovered_at = time.monotonic()
            return storage


def _open(address: Address, must_exist: bool, patience_s: float, grace_s: float) -> BaseStorage:
    match address.kind:
        case Kind.DATABASE:
            return _open_database(address, must_exist, patience_s, grace_s)
        case Kind.REDIS:
            return _open_redis(address, must_exist)
        case Kind.JOURNAL:
            return _open_journal(address, must_exist)
        case Kind.GRPC:
            return _open_grpc(address)


def _open_database(
    address: Address, must_exist: bool, patience_s: float, grace_s: float
) -> BaseStorage:
    parsed = parsed_url(address.target)
    settings = _engine_settings(parsed, patience_s)
    if parsed.get_backend_name() == "sqlite":
        _check_sqlite_path(address, parsed, must_exist)
    if must_exist:
        _check_tables(address, settings)

    def open_once() -> RDBStorage:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)  # the heartbeat
            return RDBStorage(
                address.target.replace("{", "{{").replace("}", "}}"),  # Optuna formats it
                engine_kwargs=settings,
                heartbeat_interval=max(1, int(grace_s // 10)),
                grace_period=max(1, int(grace_s)),
                skip_table_creation=must_exist,
            )

    return _CachedStorage(_open_together(open_once))


def _open_together(open_once: Callable[[], RDBStorage]) -> RDBStorage:
    """Open a database that others may be opening, and making the tables of, as well."""
    for _ in range(_OPENINGS - 1):
        try:
            return open_once()
        except (IntegrityError, OperationalError, ProgrammingError, StorageInternalError) as error:
            cause = error.__cause__ if isinstance(error, StorageInternalError) else error
            if getattr(cause, "statement", None) is None:
                raise  # there was no connection
        time.sleep(random.uniform(0.05, 0.3))  # noqa: S311  # no secret hangs on it
    return open_once()


def _engine_settings(parsed: URL, patience_s: float) -> dict[str, Any]:
    if parsed.get_backend_name() == "sqlite":
        return {"connect_args": {"timeout": min(_SQLITE_TIMEOUT_S, patience_s)}}
    limits = _CONNECT_ARGS.get(parsed.get_driver_name(), {})
    chosen = {name: limit for name, limit in limits.items() if name not in parsed.query}
    return {"connect_args": chosen, "pool_pre_ping": True}


def _check_sqlite_path(address: Address, parsed: URL, must_exist: bool) -> None:
    name = parsed.database or ""
    if name in ("", ":memory:") or "mode=memory" in name or parsed.query.get("mode") == "memory":
        return
    path = Path(unquote(name.removeprefix("file:")) if name.startswith("file:") else name)
    _check_path(address, path, must_exist)


def _check_path(address: Address, path: Path, must_exist: bool) -> None:
    if path.is_dir():
        raise address.unusable(f"{path} is a folder")
    if must_exist and not path.exists():
        raise StorageError(f"there is no file {path}; look at --storage.")
    if not path.parent.is_dir():
        raise address.unusable(f"there is no folder {path.parent}")


def _check_tables(address: Address, settings: dict[str, Any]) -> None:
    engine = sqlalchemy.create_engine(address.target, **settings)
    try:
        found = set(sqlalchemy.inspect(engine).get_table_names())
    finally:
        engine.dispose()
    if not found >= _TABLES:
        seen = ", ".join(sorted(found)[:5]) or "none"
        raise StorageError(
            f"the storage {address.shown} holds no studies of Optuna; tables in it: {seen}. "
            "Look at --storage."
        )


def _open_redis(address: Address, must_exist: bool) -> BaseStorage:
    journal = RedisJournal(address.target)
    if must_exist and not journal.holds_entries():
        raise StorageError(
            f"the storage {address.shown} holds no studies of Optuna: there is no key "
            "':log_number'. Look at --storage."
        )
    return _replayed(address, journal)


def _open_journal(address: Address, must_exist: bool) -> BaseStorage:
    path = Path(address.target)
    _check_path(address, path, must_exist)
    if is_sqlite_file(path):
        raise address.unusable(f"it is an SQLite database; write sqlite:///{path}")
    if path.exists() and not is_journal(str(path)):
        raise address.unusable("the file is no journal of Optuna")
    return _replayed(address, CarefulJournalFile(str(path)))


def _replayed(address: Address, journal: CarefulJournalFile | RedisJournal) -> BaseStorage:
    try:
        return JournalStorage(journal)
    except (AssertionError, AttributeError, KeyError, TypeError, ValueError) as error:
        what = f"{type(error).__name__}: {address.reason(error)}"
        raise address.unusable(f"this is no journal that Optuna can read ({what})") from None


def _open_grpc(address: Address) -> BaseStorage:
    for package in ("grpc", "google.protobuf"):
        import_module(package)
    host, _, port = address.target.rpartition(":")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        proxy = BoundedGrpcProxy(host=host, port=int(port))
    try:
        proxy.wait_server_ready(timeout=_GRPC_WAIT_S)
    except ConnectionError:
        proxy.close()
        silence = f"no gRPC server answered for {_GRPC_WAIT_S:.0f} s"
        raise ConnectionError(silence) from None
    with suppress(KeyError):
        proxy.get_study_id_from_name("")  # no study has this name, but the server must say so
    return proxy


def _hint(address: Address, error: BaseException) -> str | None:
    """Return what is wrong and what helps, where the error itself does not say it."""
    scheme = address.target.partition("://")[0]
    if isinstance(error, NoSuchModuleError):
        return _unknown_scheme(scheme)
    if not isinstance(error, ImportError):
        return None
    cause = error.__cause__ if isinstance(error.__cause__, ImportError) else error
    missing = f"the Python package {cause.name} is missing" if cause.name else str(cause)
    if address.kind is not Kind.DATABASE:
        return f'{missing}; pip install "optuna-xmcnas[{address.kind.value}]"'
    extra = scheme.partition("+")[0].replace("mariadb", "mysql")
    if extra not in _DRIVERS:
        return missing
    advice = f'{missing}; pip install "optuna-xmcnas[{extra}]"'
    return advice if scheme == _DRIVERS[extra] else f"{advice} and write {_DRIVERS[extra]}://..."


def _unknown_scheme(scheme: str) -> str:
    dialect, _, driver = scheme.partition("+")
    if dialect == "postgres":
        return f"write {_DRIVERS['postgresql']}:// instead of {scheme}://"
    if driver:
        return f"SQLAlchemy knows no {scheme}://; try {_DRIVERS.get(dialect, dialect)}://"
    return (
        f"{scheme}:// is unknown; known are sqlite, postgresql, mysql, mariadb, redis, rediss, "
        "unix, grpc and journal"
    )
