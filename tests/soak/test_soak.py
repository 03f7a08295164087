"""Workers that are killed at random moments leave every storage with a whole study."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
import signal
import socket
import subprocess
import sys

import pytest

from tests.outage import Outage
from tests.servers import fresh_mysql
from tests.servers import fresh_postgresql
from tests.servers import fresh_redis
from tests.soak.soak import Plan
from tests.soak.soak import Report
from tests.soak.soak import ROOT
from tests.soak.soak import soak


GRPC_SERVER = """
import sys
from optuna.storages import run_grpc_proxy_server
from optuna_xmcnas import open_storage
run_grpc_proxy_server(open_storage(sys.argv[1]), host="127.0.0.1", port=int(sys.argv[2]))
"""


def short(n_workers: int, n_kills: int, *, n_outages: int = 0, lock: Path | None = None) -> Plan:
    return Plan(
        n_workers=n_workers,
        n_trials=4 * n_kills,
        n_kills=n_kills,
        n_outages=n_outages,
        seconds_per_child=0.3,
        lock=lock,
    )


def went_as_planned(report: Report, plan: Plan) -> bool:
    done = (report.n_kills, report.n_outages)
    return done == (plan.n_kills, plan.n_outages) and report.n_kills_at_work > 0


@contextmanager
def grpc_server(url: str) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", GRPC_SERVER, url, str(port)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as server:
        try:
            yield f"grpc://127.0.0.1:{port}"
        finally:
            server.send_signal(signal.SIGKILL)


@pytest.mark.server
def test_killed_workers_and_an_outage_leave_a_whole_study_on_postgresql() -> None:
    plan = short(4, 6, n_outages=1)
    with fresh_postgresql() as url, Outage(url) as line:
        report = soak(line.url, plan, lambda: line.cut_for(2.0).join())
    assert went_as_planned(report, plan)


@pytest.mark.server
def test_killed_workers_leave_a_whole_study_on_mariadb() -> None:
    plan = short(3, 4)
    with fresh_mysql() as url:
        assert went_as_planned(soak(url, plan), plan)


def test_killed_workers_leave_a_whole_study_on_sqlite(tmp_path: Path) -> None:
    plan = short(2, 3)
    assert went_as_planned(soak(f"sqlite:///{tmp_path}/study.db", plan), plan)


def test_killed_workers_leave_a_whole_study_in_a_journal_file(tmp_path: Path) -> None:
    path = tmp_path / "study.log"
    plan = short(3, 4, lock=Path(f"{path}.lock"))  # a lock that nobody holds is waited for 30 s
    assert went_as_planned(soak(str(path), plan), plan)


@pytest.mark.server
def test_killed_workers_leave_a_whole_study_in_a_journal_on_redis() -> None:
    plan = short(3, 4)
    with fresh_redis() as url:
        assert went_as_planned(soak(url, plan), plan)


@pytest.mark.server
def test_killed_workers_leave_a_whole_study_behind_a_grpc_server() -> None:
    plan = short(3, 4)
    with fresh_postgresql() as url, grpc_server(url) as address:
        assert went_as_planned(soak(address, plan), plan)


@pytest.mark.server
def test_no_genome_is_trained_twice_by_eight_workers_with_short_children() -> None:
    plan = Plan(n_workers=8, n_trials=120, n_kills=0, seconds_per_child=0.005)
    with fresh_postgresql() as url:
        assert soak(url, plan).trials["complete"] == 120
