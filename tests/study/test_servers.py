"""Every kind of storage that several machines can share, on real servers, in good days and bad."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import AbstractContextManager
from contextlib import contextmanager
import logging
from pathlib import Path
import signal
import socket
import subprocess
import sys
import threading
import uuid

import optuna
import pytest
import sqlalchemy
from sqlalchemy.engine import make_url

from optuna_xmcnas.exceptions import StorageError
from optuna_xmcnas.genome import GenomeSpace
from optuna_xmcnas.samplers import RegularizedEvolutionSampler
from optuna_xmcnas.study import open_storage
from tests.outage import Outage
from tests.servers import fresh_mysql
from tests.servers import fresh_postgresql
from tests.servers import fresh_redis
from tests.servers import mysql_url
from tests.servers import postgresql_url
from tests.servers import redis_url


SERVERS = [fresh_postgresql, fresh_mysql, fresh_redis]
needs_server = pytest.mark.server
_GRPC_SERVER = """
import sys, warnings
warnings.simplefilter("ignore")
from optuna.storages import get_storage, run_grpc_proxy_server
run_grpc_proxy_server(get_storage(sys.argv[1]), host="127.0.0.1", port=int(sys.argv[2]))
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def grpc_process(
    url: str, port: int | None = None
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run Optuna's gRPC server in front of a database."""
    port = port or free_port()
    server = subprocess.Popen([sys.executable, "-c", _GRPC_SERVER, url, str(port)])
    try:
        yield f"grpc://127.0.0.1:{port}", server
    finally:
        server.kill()
        server.wait()


@contextmanager
def grpc_server(url: str) -> Iterator[str]:
    with grpc_process(url) as (address, _):
        yield address


@contextmanager
def grpc_before_postgresql() -> Iterator[str]:
    pytest.importorskip("grpc", reason="the extra 'grpc' is not installed")
    with fresh_postgresql() as database, grpc_server(database) as url:
        yield url


@pytest.fixture(
    params=[
        pytest.param(fresh_postgresql, marks=needs_server),
        pytest.param(fresh_mysql, marks=needs_server),
        pytest.param(fresh_redis, marks=needs_server),
        pytest.param(grpc_before_postgresql, marks=needs_server),
        "sqlite:///{}/study.db",
        "{}/study.log",
        "journal://{}/study",
    ],
    ids=["postgresql", "mysql", "redis", "grpc", "sqlite", "file", "journal"],
)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if isinstance(request.param, str):
        yield request.param.format(tmp_path)
        return
    with request.param() as address:
        yield address


def search(study: optuna.Study, n_trials: int, space: GenomeSpace) -> None:
    for _ in range(n_trials):
        trial = study.ask()
        genome = space.suggest(trial)
        trial.report(0.5, step=1)
        study.tell(trial, float(len(genome.nodes)))


@pytest.fixture
def space() -> GenomeSpace:
    return GenomeSpace()


def test_a_search_is_kept_and_read_by_a_second_opening(url: str, space: GenomeSpace) -> None:
    sampler = RegularizedEvolutionSampler(space=space, population_size=3, sample_size=2, seed=0)
    study = optuna.create_study(
        storage=open_storage(url), study_name="one", direction="maximize", sampler=sampler
    )
    search(study, 5, space)
    again = optuna.load_study(study_name="one", storage=open_storage(url, must_exist=True))
    assert [trial.params for trial in again.trials] == [trial.params for trial in study.trials]
    assert [trial.value for trial in again.trials] == [trial.value for trial in study.trials]
    assert again.best_value == study.best_value
    assert len(again.trials) == 5


@needs_server
@pytest.mark.parametrize("lend", SERVERS)
def test_reading_an_unused_server_creates_nothing(
    lend: Callable[[], AbstractContextManager[str]],
) -> None:
    with lend() as url:
        for _ in range(2):
            with pytest.raises(StorageError, match=r"holds no studies of Optuna.*--storage"):
                open_storage(url, must_exist=True)


@needs_server
@pytest.mark.parametrize("lend", [fresh_postgresql, fresh_mysql])
def test_processes_that_open_a_new_database_together_all_succeed(
    lend: Callable[[], AbstractContextManager[str]],
) -> None:
    code = (
        "import sys; from optuna_xmcnas.study import open_storage; "
        "open_storage(sys.argv[1]).get_all_studies()"
    )
    with lend() as url:
        command = [sys.executable, "-c", code, url]
        processes = [subprocess.Popen(command) for _ in range(4)]
        assert [process.wait() for process in processes] == [0] * 4


@needs_server
@pytest.mark.parametrize("lend", SERVERS)
def test_a_short_outage_is_waited_for(
    lend: Callable[[], AbstractContextManager[str]],
) -> None:
    with lend() as server, Outage(server) as outage:
        study = optuna.create_study(storage=open_storage(outage.url, patience_s=60))
        trial = study.ask()
        timer = outage.cut_for(1.0)
        trial.set_user_attr("kept", 1)
        timer.join()
        timer = outage.cut_for(1.0)
        study.tell(trial, 0.5)
        timer.join()
        assert study.trials[0].user_attrs == {"kept": 1}
        assert study.best_value == 0.5


@needs_server
@pytest.mark.parametrize("lend", SERVERS)
def test_a_long_outage_ends_the_patience(
    lend: Callable[[], AbstractContextManager[str]],
) -> None:
    with lend() as server, Outage(server) as outage:
        study = optuna.create_study(storage=open_storage(outage.url, patience_s=0.3))
        outage.cut()
        with pytest.raises(StorageError, match=r"the storage .* did not answer for \d+ s: "):
            study.set_user_attr("lost", 1)


@needs_server
def test_a_worker_waits_for_a_server_that_does_not_answer_at_first(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with fresh_postgresql() as server, Outage(server) as outage:
        outage.cut()
        with pytest.raises(StorageError, match="cannot use the storage"):
            open_storage(outage.url)
        timer = threading.Timer(1.0, outage.mend)
        timer.start()
        assert open_storage(outage.url, waits=True).get_all_studies() == []
        timer.join()
    assert "trying again" in caplog.text


@needs_server
def test_an_outage_of_the_database_behind_a_grpc_server_is_waited_for() -> None:
    pytest.importorskip("grpc", reason="the extra 'grpc' is not installed")
    with fresh_postgresql() as server, Outage(server) as outage, grpc_server(outage.url) as url:
        study = optuna.create_study(storage=open_storage(url, patience_s=60))
        timer = outage.cut_for(1.0)
        study.set_user_attr("kept", 1)
        timer.join()
        assert study.user_attrs == {"kept": 1}


@needs_server
def test_an_outage_of_a_grpc_server_is_waited_for() -> None:
    pytest.importorskip("grpc", reason="the extra 'grpc' is not installed")
    with fresh_postgresql() as server, grpc_server(server) as behind, Outage(behind) as outage:
        study = optuna.create_study(storage=open_storage(outage.url, patience_s=60))
        timer = outage.cut_for(1.0)
        study.set_user_attr("kept", 1)
        timer.join()
        assert study.user_attrs == {"kept": 1}


@needs_server
def test_a_trial_outlives_the_restart_of_a_grpc_server() -> None:
    pytest.importorskip("grpc", reason="the extra 'grpc' is not installed")
    port = free_port()
    with fresh_postgresql() as database:
        with grpc_process(database, port) as (url, _):
            study = optuna.create_study(
                storage=open_storage(url, patience_s=60),
                sampler=optuna.samplers.RandomSampler(seed=0),  # looks at no other trial
            )
            trial = study.ask()
        with grpc_process(database, port):
            study.tell(trial, trial.suggest_float("x", 0.0, 1.0))
            assert study.best_params == {"x": study.best_value}


@needs_server
def test_a_grpc_server_that_hangs_is_not_waited_for_endlessly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("grpc", reason="the extra 'grpc' is not installed")
    with fresh_postgresql() as database, grpc_process(database) as (url, server):
        study = optuna.create_study(storage=open_storage(url, patience_s=0.3))
        monkeypatch.setattr("optuna_xmcnas.study.proxy._DEADLINE_S", 0.2)
        server.send_signal(signal.SIGSTOP)
        with pytest.raises(StorageError, match=r"did not answer .*DEADLINE_EXCEEDED"):
            study.set_user_attr("lost", 1)


@needs_server
@pytest.mark.parametrize("server", [postgresql_url, mysql_url, redis_url])
def test_a_refused_password_is_told_and_not_shown(server: Callable[[], str]) -> None:
    address = make_url(server()).set(username="nobody_here", password="canary")
    with pytest.raises(
        StorageError, match=r"cannot use the storage .*nobody_here:\*\*\*@"
    ) as caught:
        open_storage(address.render_as_string(hide_password=False))
    assert "canary" not in str(caught.value)


@needs_server
@pytest.mark.parametrize("lend", SERVERS)
def test_a_password_is_in_no_message(
    lend: Callable[[], AbstractContextManager[str]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with lend() as server, _with_password(server) as url, Outage(url) as outage:
        storage = open_storage(outage.url, patience_s=2.0)
        assert storage.get_all_studies() == []
        outage.cut()
        with pytest.raises(StorageError, match=r":\*\*\*@.* did not answer") as caught:
            storage.get_all_studies()
    assert "canary" not in str(caught.value)
    assert "does not answer" in caplog.text
    assert "canary" not in caplog.text


@contextmanager
def _with_password(url: str) -> Iterator[str]:
    """Lend the address of a server with a user of its own, who has a password."""
    user = f"xmcnas_{uuid.uuid4().hex[:12]}"
    address = make_url(url).set(username=user, password="canary")
    password = address.render_as_string(hide_password=False)
    if address.get_backend_name() == "redis":
        from redis import Redis

        with Redis.from_url(url) as client:
            client.acl_setuser(
                user,
                enabled=True,
                passwords=["+canary"],
                categories=["+@all"],
                keys=["*"],
            )
            yield password
            client.acl_deluser(user)
        return
    if address.get_backend_name() == "postgresql":
        make = [f"CREATE USER {user} SUPERUSER PASSWORD 'canary'"]
        drop = [f"DROP OWNED BY {user}", f"DROP USER {user}"]
    else:
        grant = f"GRANT ALL ON {address.database}.* TO {user}"
        make = [f"CREATE USER {user} IDENTIFIED BY 'canary'", grant]
        drop = [f"DROP USER {user}"]
    engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        try:
            for statement in make:
                connection.exec_driver_sql(statement)
            yield password
        finally:
            for statement in drop:
                connection.exec_driver_sql(statement)
    engine.dispose()
