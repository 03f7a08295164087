"""Opening the storage of a study, and showing its address without its password."""

from __future__ import annotations

from pathlib import Path
import random
import time
from typing import TYPE_CHECKING
import warnings

from optuna.exceptions import ExperimentalWarning
from optuna.storages import RDBStorage
from optuna.storages import RetryHeartbeatStaleTrialCallback
from optuna.trial import create_trial
from optuna.trial import TrialState
from sqlalchemy.engine import make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError
from sqlalchemy.exc import IntegrityError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import SQLAlchemyError

from optuna_xmcnas.exceptions import StorageError


if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial


_HEARTBEAT_S = 30
_GRACE_S = 300  # a worker that was silent this long is taken for dead
_SQLITE_TIMEOUT_S = 300  # how long to wait for another process's write
_RETRIES = 1  # of the trial of a dead worker
_OPENINGS = 10  # tries; two processes that make the tables of a new file disturb each other
_HARMLESS = frozenset({"charset", "host", "port", "sslmode", "timeout", "unix_socket"})


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
    is_sqlite = parsed.get_backend_name() == "sqlite"
    if must_exist and is_sqlite and parsed.database and not Path(parsed.database).exists():
        raise StorageError(f"there is no file {parsed.database}; look at --storage.")
    for opening in range(1, _OPENINGS + 1):
        try:
            return _open(url, {"timeout": _SQLITE_TIMEOUT_S} if is_sqlite else {})
        except (IntegrityError, OperationalError) as error:
            if opening == _OPENINGS or "unable to open" in str(error) or not is_sqlite:
                raise _unusable(parsed, error) from None
            time.sleep(random.uniform(0.05, 0.3))  # noqa: S311  # no secret hangs on it
        except (SQLAlchemyError, ImportError, RuntimeError) as error:
            raise _unusable(parsed, error) from None
    raise AssertionError  # the last opening returns or raises


def put_back(study: Study, trial: FrozenTrial) -> None:
    """Queue the genome of a failed trial again, its ancestry included; not a retry of the dead."""
    study.add_trial(
        create_trial(
            state=TrialState.WAITING,
            params=trial.params,
            distributions=trial.distributions,
            user_attrs=trial.user_attrs,
            system_attrs=trial.system_attrs,
        )
    )


def hide_password(url: str) -> str:
    """Return a database URL that may be shown.

    Example:
        >>> hide_password("postgresql+psycopg2://ann:secret@host/db?password=secret")
        'postgresql+psycopg2://ann:***@host/db?password=***'
    """
    return _shown(_parsed(url))


def _shown(parsed: URL) -> str:
    hidden = {name: "***" for name in parsed.query if name not in _HARMLESS}
    shown = parsed.update_query_dict(hidden).render_as_string(hide_password=True)
    return shown.replace("%2A%2A%2A", "***")


def _open(url: str, connect_args: dict[str, int]) -> RDBStorage:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)  # the heartbeat
        return RDBStorage(
            url,
            engine_kwargs={"connect_args": connect_args},
            heartbeat_interval=_HEARTBEAT_S,
            grace_period=_GRACE_S,
            heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(_RETRIES),
        )


def _unusable(parsed: URL, error: Exception) -> StorageError:
    reason = str(getattr(error, "orig", None) or error).splitlines()[0]
    if parsed.password:
        reason = reason.replace(str(parsed.password), "***")
    return StorageError(f"cannot use the storage {_shown(parsed)}: {reason}")


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = None
    if parsed is None or "@" in (parsed.host or ""):
        raise StorageError(
            "the storage must be a database URL such as sqlite:///study.db or "
            "postgresql+psycopg2://user@host/database; in a password, write @ as %40 and "
            ": as %3A."
        ) from None
    return parsed
