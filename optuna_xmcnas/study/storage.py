"""Opening the storage of a study."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
import warnings

from optuna.exceptions import ExperimentalWarning
from optuna.storages import RDBStorage
from optuna.storages import RetryHeartbeatStaleTrialCallback
from sqlalchemy.engine import make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError
from sqlalchemy.exc import SQLAlchemyError

from optuna_xmcnas.exceptions import StorageError


if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial


_HEARTBEAT_S = 30
_GRACE_S = 300  # a worker that was silent this long is taken for dead
_SQLITE_TIMEOUT_S = 300  # how long to wait for another process's write
_RETRIES = 1  # of the trial of a dead worker


def open_storage(url: str, *, must_exist: bool = False) -> RDBStorage:
    """Return the storage at a database URL, created if it is new.

    The trial of a worker that died is tried again, with the same genome, once the worker has been
    silent for five minutes.

    Args:
        url: As SQLAlchemy reads it, ``sqlite:///study.db`` for instance.
        must_exist: Refuse an SQLite file that is not there, where a study is only read.

    Raises:
        StorageError: If the URL is not one, or the database cannot be used.
    """
    parsed = _parsed(url)
    shown = hide_password(url)
    is_sqlite = parsed.get_backend_name() == "sqlite"
    if must_exist and is_sqlite and parsed.database and not Path(parsed.database).exists():
        raise StorageError(f"there is no file {parsed.database}; look at --storage.")
    connect_args = {"timeout": _SQLITE_TIMEOUT_S} if is_sqlite else {}
    try:
        with _heartbeat_is_wanted():
            return RDBStorage(
                url,
                engine_kwargs={"connect_args": connect_args},
                heartbeat_interval=_HEARTBEAT_S,
                grace_period=_GRACE_S,
                heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(_RETRIES),
            )
    except (SQLAlchemyError, ImportError, RuntimeError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise StorageError(f"cannot use the storage {shown}: {reason}") from None


def put_back(study: Study, trial: FrozenTrial) -> None:
    """Queue the genome of a trial that ended without a result again, its ancestry included."""
    with _heartbeat_is_wanted():
        RetryHeartbeatStaleTrialCallback()(study, trial)


def hide_password(url: str) -> str:
    """Return a database URL that may be shown.

    Example:
        >>> hide_password("postgresql+psycopg2://ann:secret@host/db")
        'postgresql+psycopg2://ann:***@host/db'
    """
    return _parsed(url).render_as_string(hide_password=True)


@contextmanager
def _heartbeat_is_wanted() -> Iterator[None]:
    """Keep Optuna from warning that its heartbeat is experimental."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        yield


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except ArgumentError:
        raise StorageError(
            "the storage must be a database URL such as sqlite:///study.db or "
            "postgresql+psycopg2://user@host/database."
        ) from None
