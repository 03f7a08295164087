"""Databases that the benchmarks make for themselves, and drop; not a script of its own."""

from __future__ import annotations

import abc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
import shutil
import tempfile
from typing import final
import uuid

import sqlalchemy
from sqlalchemy.engine import make_url


class Place(abc.ABC):
    """Where databases can be made."""

    @abc.abstractmethod
    def create(self, copied: str | None = None) -> str:
        """Return the URL of a new database: an empty one, or a copy of one that nobody uses."""

    @abc.abstractmethod
    def drop(self, url: str) -> None:
        """Remove a database."""

    @contextmanager
    def lend(self, copied: str | None = None) -> Iterator[str]:
        """Lend a new database."""
        url = self.create(copied)
        try:
            yield url
        finally:
            self.drop(url)


@final
class Folder(Place):
    """A folder for SQLite files."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def create(self, copied: str | None = None) -> str:
        """Return the URL of a file that is not there yet, or copy one."""
        path = self._path / f"{uuid.uuid4().hex}.db"
        if copied is not None:
            shutil.copy(_file(copied), path)
        return f"sqlite:///{path}"

    def drop(self, url: str) -> None:
        """Remove the file."""
        _file(url).unlink(missing_ok=True)


@final
class PostgresqlServer(Place):
    """A server on which the user of a database may make others."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url)

    def create(self, copied: str | None = None) -> str:
        """Have the server make a database."""
        name = f"xmcnas_benchmark_{uuid.uuid4().hex}"
        template = "" if copied is None else f' TEMPLATE "{make_url(copied).database}"'
        self._do(f'CREATE DATABASE "{name}"{template}')
        return self._url.set(database=name).render_as_string(hide_password=False)

    def drop(self, url: str) -> None:
        """Drop the database, whoever is connected to it."""
        self._do(f'DROP DATABASE "{make_url(url).database}" WITH (FORCE)')

    def _do(self, statement: str) -> None:
        engine = sqlalchemy.create_engine(self._url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sqlalchemy.text(statement))
        engine.dispose()


@contextmanager
def places(postgresql: str | None) -> Iterator[dict[str, Place]]:
    """Lend a folder for SQLite and, if there is the URL of one, a PostgreSQL server."""
    with tempfile.TemporaryDirectory() as folder:
        found: dict[str, Place] = {"sqlite": Folder(Path(folder))}
        if postgresql is not None:
            found["postgresql"] = PostgresqlServer(postgresql)
        yield found


def _file(url: str) -> Path:
    return Path(make_url(url).database or "")
