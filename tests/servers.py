"""Where the tests find database servers; a test is skipped where none answers.

Each server is looked for at the address in an environment variable, or on this machine. With
``XMCNAS_TEST_SERVERS=required`` a test fails instead of being skipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import functools
import os
from typing import NoReturn
import uuid

import pytest
import sqlalchemy
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError


_POSTGRESQL = "postgresql+psycopg2://postgres@127.0.0.1:5432/test"
_MYSQL = "mysql+pymysql://root@127.0.0.1:3306/test"
_REDIS = "redis://127.0.0.1:6379/0"
_REDIS_DATABASES = range(1, 16)  # a server has 16 unless told otherwise
_CLAIM = "xmcnas:test"  # a key no journal uses


def _skip(reason: str) -> NoReturn:
    if os.environ.get("XMCNAS_TEST_SERVERS") == "required":
        pytest.fail(f"{reason}, and XMCNAS_TEST_SERVERS says that it is required")
    pytest.skip(reason)


def postgresql_url() -> str:
    """Return the URL of a PostgreSQL database, which others may use as well."""
    return _answering_database("XMCNAS_TEST_POSTGRESQL", _POSTGRESQL)


def mysql_url() -> str:
    """Return the URL of a MySQL or MariaDB database, which others may use as well."""
    return _answering_database("XMCNAS_TEST_MYSQL", _MYSQL)


def redis_url() -> str:
    """Return the URL of a Redis database, which others may use as well."""
    url = os.environ.get("XMCNAS_TEST_REDIS", _REDIS)
    try:
        import redis
    except ImportError:
        _skip("the extra 'redis' is not installed")
    try:
        with redis.Redis.from_url(url, socket_timeout=3, socket_connect_timeout=3) as client:
            client.ping()
    except redis.RedisError as error:
        _skip(f"no server at XMCNAS_TEST_REDIS: {type(error).__name__}")
    return url


@contextmanager
def fresh_postgresql() -> Iterator[str]:
    """Lend a PostgreSQL database of one's own."""
    with _fresh_database(postgresql_url(), 'DROP DATABASE "{}" WITH (FORCE)') as url:
        yield url


@contextmanager
def fresh_mysql() -> Iterator[str]:
    """Lend a MySQL database of one's own."""
    with _fresh_database(mysql_url(), "DROP DATABASE {}") as url:
        yield url


@contextmanager
def fresh_redis() -> Iterator[str]:
    """Lend a Redis database of one's own: an empty one of the numbered databases."""
    import redis

    server = make_url(redis_url())
    for number in _REDIS_DATABASES:
        url = server.set(database=str(number)).render_as_string(hide_password=False)
        with redis.Redis.from_url(url) as client:
            if client.dbsize() or not client.set(_CLAIM, 1, nx=True, ex=600):
                continue
            try:
                yield url
            finally:
                client.flushdb()
            return
    _skip("no numbered database of the Redis server is empty")


@functools.cache
def _failure(url: str) -> str:
    """Return why a database does not answer; empty if it does."""
    try:
        arguments = {"connect_timeout": 3}
        engine = sqlalchemy.create_engine(url, connect_args=arguments)
        with engine.connect():
            pass
        engine.dispose()
    except (SQLAlchemyError, ImportError) as error:
        return type(error).__name__
    return ""


def _answering_database(variable: str, default: str) -> str:
    url = os.environ.get(variable, default)
    if reason := _failure(url):
        _skip(f"no server at {variable}: {reason}")
    return url


@contextmanager
def _fresh_database(server: str, drop: str) -> Iterator[str]:
    name = f"xmcnas_{uuid.uuid4().hex}"
    engine = sqlalchemy.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text(f"CREATE DATABASE {name}"))
        try:
            yield make_url(server).set(database=name).render_as_string(hide_password=False)
        finally:
            connection.execute(sqlalchemy.text(drop.format(name)))
    engine.dispose()
