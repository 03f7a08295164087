"""No password of a storage reaches anything that is printed, logged, written or stored.

Every address holds the same made-up password, a canary; every test runs commands and looks for it
wherever they leave something.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import gc
import json
import logging
import os
from pathlib import Path
import signal
import sys
import threading
from urllib.parse import quote
import uuid

import optuna
import pytest
import sqlalchemy
from sqlalchemy.engine import make_url

from optuna_xmcnas.cli import main
from optuna_xmcnas.study import open_storage
from tests.cli.commands import end
from tests.cli.commands import start
from tests.cli.commands import study_of
from tests.cli.commands import until
from tests.cli.commands import write_config
from tests.cli.commands import write_data
from tests.outage import Outage
from tests.servers import fresh_mysql
from tests.servers import fresh_postgresql
from tests.servers import fresh_redis


CANARY = "canary74183"
PASSWORD = f"{CANARY}/x"  # with a character that a URL quotes
QUOTED = quote(PASSWORD, "")
VARIABLE = "OPTUNA_XMCNAS_STORAGE"

# Nothing answers at port 1.
UNUSABLE = {
    "postgresql": f"postgresql+psycopg2://ann:{QUOTED}@127.0.0.1:1/db",
    "postgresql-query": f"postgresql+psycopg2://127.0.0.1:1/db?user=ann&password={QUOTED}",
    "postgresql-key": f"postgresql+psycopg2://ann@127.0.0.1:1/db?sslpassword={QUOTED}",
    "postgresql-host": f"postgresql+psycopg2://ann:{QUOTED}@no.such.host.invalid/db",
    "mysql": f"mysql+pymysql://ann:{QUOTED}@127.0.0.1:1/db",
    "mysql-query": f"mysql+pymysql://127.0.0.1:1/db?user=ann&password={QUOTED}",
    "mysql-unknown-option": f"mysql+pymysql://ann:{QUOTED}@127.0.0.1:1/db?colour={QUOTED}",
    "mysql-socket": f"mysql+pymysql://ann:{QUOTED}@/db?unix_socket=/no/such/socket",
    "redis": f"redis://:{QUOTED}@127.0.0.1:1/0",
    "redis-user": f"redis://ann:{QUOTED}@127.0.0.1:1/0",
    "redis-query": f"redis://127.0.0.1:1/0?password={QUOTED}",
    "redis-database": f"redis://:{QUOTED}@127.0.0.1:1/first",
    "rediss": f"rediss://:{QUOTED}@127.0.0.1:1/0",
    "unix": f"unix:///no/such/socket?db=1&password={QUOTED}",
    "unix-user": f"unix://ann:{QUOTED}@/no/such/socket",
    "grpc-userinfo": f"grpc://ann:{QUOTED}@127.0.0.1:1",
    "grpc-path": f"grpc://127.0.0.1:1/{QUOTED}",
    "sqlite-query": f"sqlite:////no/such/folder/study.db?password={QUOTED}",
    "unknown-scheme": f"mongodb://ann:{QUOTED}@127.0.0.1:1/db",
    "unknown-driver": f"postgresql+nodriver://ann:{QUOTED}@127.0.0.1:1/db",
    "old-scheme": f"postgres://ann:{QUOTED}@127.0.0.1:1/db",
    "driver-not-installed": f"mysql+mysqlconnector://ann:{QUOTED}@127.0.0.1:1/db",
    "wrong-port": f"postgresql+psycopg2://ann:{QUOTED}@127.0.0.1:many/db",
    "at-in-password": f"mysql+pymysql://ann:{CANARY}@x@127.0.0.1:1/db",
    "colon-in-password": f"mysql+pymysql://ann:{CANARY}:x@127.0.0.1:1/db",
    "slash-in-password": f"mysql+pymysql://ann:{CANARY}/x@127.0.0.1:1/db",
    "hash-in-password": f"mysql+pymysql://ann:{CANARY}#x@127.0.0.1:1/db",
    "question-mark-in-password": f"mysql+pymysql://ann:{CANARY}?x@127.0.0.1:1/db",
    "percent-in-password": f"redis://:{CANARY}%zz@127.0.0.1:1/0",
    "braces-in-password": f"postgresql+psycopg2://ann:{CANARY}%7Bx%7D@127.0.0.1:1/db",
    "no-scheme": f"ann:{CANARY}@127.0.0.1/db",
    "one-slash": f"postgresql+psycopg2:/ann:{CANARY}@127.0.0.1:1/db",
    "blank-before": f" postgresql+psycopg2://ann:{QUOTED}@127.0.0.1:1/db",
    "line-end-after": f"postgresql+psycopg2://ann:{QUOTED}@127.0.0.1:1/db\n",
    "quotes-around": f"'postgresql+psycopg2://ann:{QUOTED}@127.0.0.1:1/db'",
    "upper-case": f"POSTGRESQL+PSYCOPG2://ann:{QUOTED}@127.0.0.1:1/db",
}
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
COMMANDS = {
    "search": ["search"],
    "search-workers": ["search", "--workers=2"],
    "worker": ["worker", "--study-name=tags", "--storage-patience=0"],
    "worker-that-waits": ["worker", "--study-name=tags", "--storage-patience=0.01"],
    "show": ["show"],
    "confirm": ["confirm", "--storage-patience=0"],
    "retrain": ["retrain"],
    "transfer": ["transfer", "--data=docstrings"],
}


@pytest.fixture
def _here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Iterator[None]:
    """Let commands run in this process, in a folder of its own, and undo what they set up."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setenv("GOMP_SPINCOUNT", "1000")  # as the commands set it
    monkeypatch.setattr("optuna_xmcnas.study.storage._OPEN_AGAIN_S", 0.01)
    caplog.set_level(logging.DEBUG)
    before = signal.getsignal(signal.SIGTERM)
    verbosity = optuna.logging.get_verbosity()
    yield
    signal.signal(signal.SIGTERM, before)
    optuna.logging.set_verbosity(verbosity)


def _says(
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    *arguments: str,
) -> tuple[object, str]:
    """Return the exit code of a command, and everything that it said."""
    monkeypatch.setattr(sys, "argv", ["optuna-xmcnas", "--verbose", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    said = capfd.readouterr()
    if "unix" in os.environ.get(VARIABLE, "") + " ".join(arguments):
        gc.collect()  # drivers leave sockets behind that they could not connect
    return end.value.code, said.out + said.err + caplog.text


@pytest.mark.usefixtures("_here")
@pytest.mark.parametrize("name", UNUSABLE)
@pytest.mark.parametrize("command", COMMANDS)
def test_no_canary_where_the_storage_cannot_be_used(
    command: str,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv(VARIABLE, UNUSABLE[name])
    code, said = _says(capfd, caplog, monkeypatch, *COMMANDS[command])
    assert code == 2
    assert "error:" in said
    assert CANARY not in said


@pytest.mark.usefixtures("_here")
@pytest.mark.parametrize("name", UNUSABLE)
def test_no_canary_where_the_address_is_an_option(
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    code, said = _says(capfd, caplog, monkeypatch, "show", f"--storage={UNUSABLE[name]}")
    assert code == 2
    assert CANARY not in said


@pytest.mark.usefixtures("_here")
@pytest.mark.parametrize(
    "command", ["search", "worker", "show", "data", "confirm", "retrain", "transfer"]
)
def test_no_canary_in_the_help(
    command: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv(VARIABLE, UNUSABLE["postgresql"])
    code, said = _says(capfd, caplog, monkeypatch, command, "--help")
    assert code == 0
    assert "Usage" in said
    assert CANARY not in said


@pytest.mark.usefixtures("_here")
@pytest.mark.parametrize(
    "arguments",
    [
        ["data", "absent"],
        ["worker"],  # without --study-name
        ["search", "--trials=none"],
        ["search", "--config=absent.toml"],
        ["search", "--device=cuda:77"],
        ["search", "--import=no_such_module"],
        ["show", "--no-such-option"],
    ],
    ids=" ".join,
)
def test_no_canary_where_other_input_is_wrong(
    arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv(VARIABLE, UNUSABLE["postgresql"])
    code, said = _says(capfd, caplog, monkeypatch, *arguments)
    assert code == 2
    assert CANARY not in said


@pytest.mark.usefixtures("_here")
@pytest.mark.parametrize(
    ("package", "name", "extra"),
    [
        ("psycopg2", "postgresql", "postgresql"),
        ("pymysql", "mysql", "mysql"),
        ("redis", "redis", "redis"),
        ("redis", "rediss", "redis"),
        ("redis", "unix", "redis"),
    ],
)
def test_no_canary_where_a_driver_is_missing(
    package: str,
    name: str,
    extra: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setenv(VARIABLE, UNUSABLE[name])
    code, said = _says(
        capfd, caplog, monkeypatch, "worker", "--study-name=tags", "--storage-patience=0"
    )
    assert code == 2
    assert f'pip install "optuna-xmcnas[{extra}]"' in said
    assert CANARY not in said


# On real servers, which know a user with the canary as password


SERVERS = {"postgresql": fresh_postgresql, "mysql": fresh_mysql, "redis": fresh_redis}


@contextmanager
def _user_with_canary(url: str) -> Iterator[str]:
    """Lend the address of a server with a user of its own, whose password is the canary."""
    user = f"xmcnas_{uuid.uuid4().hex[:12]}"
    address = make_url(url).set(username=user, password=PASSWORD)
    kind = address.get_backend_name()
    if kind == "redis":
        from redis import Redis

        with Redis.from_url(url) as client:
            client.acl_setuser(
                user, enabled=True, passwords=[f"+{PASSWORD}"], categories=["+@all"], keys=["*"]
            )
            try:
                yield address.render_as_string(hide_password=False)
            finally:
                client.acl_deluser(user)
        return
    make = {
        "postgresql": [f"CREATE USER {user} SUPERUSER PASSWORD '{PASSWORD}'"],
        "mysql": [
            f"CREATE USER {user} IDENTIFIED BY '{PASSWORD}'",
            f"GRANT ALL ON {address.database}.* TO {user}",
        ],
    }
    drop = {
        "postgresql": [f"DROP OWNED BY {user}", f"DROP USER {user}"],
        "mysql": [f"DROP USER {user}"],
    }
    engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        try:
            for statement in make[kind]:
                connection.exec_driver_sql(statement)
            yield address.render_as_string(hide_password=False)
        finally:
            for statement in drop[kind]:
                connection.exec_driver_sql(statement)
    engine.dispose()


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    with SERVERS[request.param]() as url:
        yield url


@pytest.fixture
def url(server: str) -> Iterator[str]:
    """Return the address of a database that only the canary opens."""
    with _user_with_canary(server) as url:
        yield url


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_data(tmp_path / "mine")
    return tmp_path


@pytest.mark.server
@pytest.mark.usefixtures("_here")
def test_no_canary_where_the_server_refuses_it(
    server: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    address = make_url(server).set(username="nobody_here", password=PASSWORD)
    monkeypatch.setenv(VARIABLE, address.render_as_string(hide_password=False))
    code, said = _says(
        capfd, caplog, monkeypatch, "worker", "--study-name=tags", "--storage-patience=0"
    )
    assert code == 2
    assert "nobody_here:***@" in said
    assert CANARY not in said


@pytest.mark.server
@pytest.mark.usefixtures("_here")
def test_no_canary_where_the_study_is_missing(
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv(VARIABLE, url)
    code, said = _says(capfd, caplog, monkeypatch, "worker", "--study-name=absent")
    assert code == 2
    assert "--create" in said
    assert CANARY not in said
    code, said = _says(capfd, caplog, monkeypatch, "show", "--study-name=absent")
    assert code == 2
    assert CANARY not in said


@pytest.mark.server
def test_no_canary_in_a_worker_and_what_it_leaves(url: str, folder: Path) -> None:
    study = optuna.create_study(storage=open_storage(url), study_name="tags", direction="maximize")
    write_config(folder / "long.toml", epochs=1000)
    options = ["--study-name=tags", "--data=mine", "--checkpoint-every=0"]
    worker = start(
        folder, "--verbose", "worker", *options, "--config=long.toml", **{VARIABLE: url}
    )
    until(lambda: any(len(trial.intermediate_values) >= 2 for trial in study.get_trials()))
    worker.send_signal(signal.SIGTERM)
    done = end(worker)
    assert done.returncode == 0, done.stderr
    assert CANARY not in done.stdout + done.stderr
    assert list(folder.rglob("*.training.safetensors"))  # a checkpoint
    _assert_no_canary_in_files(folder)
    _assert_no_canary_in_study(url)


@pytest.mark.server
def test_no_canary_where_the_server_goes_away(url: str, folder: Path) -> None:
    write_config(folder / "long.toml", epochs=1000)
    optuna.create_study(storage=open_storage(url), study_name="tags", direction="maximize")
    with Outage(url) as outage:
        options = ["--study-name=tags", "--data=mine", "--storage-patience=3"]
        worker = start(
            folder,
            *("--verbose", "worker", "--config=long.toml", "--checkpoint-every=0"),
            *options,
            **{VARIABLE: outage.url},
        )
        study = study_of(url, "tags")
        until(lambda: any(len(trial.intermediate_values) >= 2 for trial in study.get_trials()))
        outage.cut()
        done = end(worker)
    assert done.returncode == 2, done.stderr
    said = " ".join(done.stderr.split())
    assert "does not answer" in said
    assert "did not answer for" in said
    assert CANARY not in done.stdout + done.stderr
    _assert_no_canary_in_files(folder)
    _assert_no_canary_in_study(url)


@pytest.fixture
def mysql() -> Iterator[str]:
    with fresh_mysql() as server, _user_with_canary(server) as url:
        yield url


@pytest.mark.server
def test_no_canary_in_a_crew_its_logs_and_its_command_lines(mysql: str, folder: Path) -> None:
    write_config(folder / "search.toml")
    search = ["search", "--storage", mysql, "--study-name=tags", "--data=mine", "--workers=2"]
    process = start(folder, "--verbose", *search, "--config=search.toml", "--trials=3")
    watch = _CommandLines(process.pid)
    with watch:
        done = end(process)
    assert done.returncode == 0, done.stderr
    assert "search on" in done.stdout  # the command that is running, with its address hidden
    assert CANARY not in done.stdout + done.stderr
    if watch.can_look:
        assert any("worker" in line for line in watch.seen)
        assert not any(CANARY in line for line in watch.seen)
    logs = [path.read_text() for path in folder.rglob("worker-*.log")]
    assert len(logs) == 2
    assert all("Done: " in log for log in logs)
    _assert_no_canary_in_files(folder)
    _assert_no_canary_in_study(mysql)
    shown = end(start(folder, "--verbose", "show", **{VARIABLE: mysql}))
    assert "study tags: 3 complete" in shown.stdout
    assert CANARY not in shown.stdout + shown.stderr


@pytest.mark.server
def test_no_canary_in_a_crew_whose_server_goes_away(mysql: str, folder: Path) -> None:
    write_config(folder / "long.toml", epochs=1000)
    with Outage(mysql) as outage:
        search = start(
            folder,
            *("--verbose", "search", "--study-name=tags", "--data=mine", "--workers=1"),
            *("--config=long.toml", "--storage-patience=1"),
            **{VARIABLE: outage.url},
        )
        storage = open_storage(mysql)

        def trains() -> bool:
            studies = optuna.get_all_study_summaries(storage)
            trials = study_of(mysql, "tags").get_trials() if studies else []
            return any(len(trial.intermediate_values) >= 2 for trial in trials)

        until(trains)
        outage.cut()
        done = end(search)
    assert done.returncode == 2, done.stderr
    assert "did not answer for" in " ".join(done.stderr.split())
    assert CANARY not in done.stdout + done.stderr
    (log,) = folder.rglob("worker-1.log")
    assert "does not answer" in " ".join(log.read_text().split())
    _assert_no_canary_in_files(folder)
    _assert_no_canary_in_study(mysql)


@pytest.mark.server
def test_no_canary_where_a_search_is_interrupted(mysql: str, folder: Path) -> None:
    write_config(folder / "long.toml", epochs=1000)
    search = start(
        folder,
        *("search", f"--storage={mysql}", "--data=mine", "--config=long.toml"),
    )
    assert search.stdout is not None
    assert any("architecture: node:op(source)" in line for line in search.stdout)  # has begun
    search.send_signal(signal.SIGINT)
    done = end(search)
    assert done.returncode == 130, done.stderr
    assert "Continue with the same command" in done.stdout
    assert ":***@" in done.stdout
    assert CANARY not in done.stdout + done.stderr


class _CommandLines:
    """Notes the command lines of the processes that one process has started."""

    def __init__(self, parent: int) -> None:
        self.seen: set[str] = set()
        self.can_look = Path("/proc/self/stat").exists()
        self._parent = parent
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> None:
        if self.can_look:
            self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self.can_look:
            self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.1):
            for folder in Path("/proc").glob("[0-9]*"):
                try:
                    parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
                    if int(parent) == self._parent:
                        self.seen.add((folder / "cmdline").read_text().replace("\0", " "))
                except OSError:
                    pass  # it has ended meanwhile


def _assert_no_canary_in_files(folder: Path) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert any(path.suffix == ".toml" for path in files)
    assert [path for path in files if CANARY.encode() in path.read_bytes()] == []


def _assert_no_canary_in_study(url: str) -> None:
    study = study_of(url, "tags")
    trials = study.get_trials()
    attributes = [study.user_attrs, study._storage.get_study_system_attrs(study._study_id)]
    attributes += [attrs for trial in trials for attrs in (trial.user_attrs, trial.system_attrs)]
    text = json.dumps(attributes)
    assert "xmcnas:lease" in text
    assert CANARY not in text
