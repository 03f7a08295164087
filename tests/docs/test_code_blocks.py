"""Every fenced block of every page runs, in order, in a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
import contextlib
import os
from pathlib import Path
import subprocess
import sys

import pytest

from tests.docs.blocks import blocks
from tests.docs.blocks import pages
from tests.docs.blocks import ROOT
from tests.docs.forking_server import write_clients
from tests.docs.page import LANGUAGES
from tests.servers import fresh_postgresql


PAGES = [page for page in pages() if any(True for _ in blocks(page))]
NOT_RUN = {"it is the command that runs these tests": 1}  # reason -> blocks; keep it short
_PAGE_ENDS_S = 300.0


@pytest.fixture(scope="session")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Start the server that runs the commands, and return the folder of its clients."""
    folder = tmp_path_factory.mktemp("commands")
    address = folder / "socket"
    write_clients(folder / "bin", address)
    environment = {
        **os.environ,
        "COLUMNS": "160",
        "NO_COLOR": "1",
        "OMP_NUM_THREADS": "1",
        "PYTHONIOENCODING": "utf-8",
        "XDG_CACHE_HOME": str(folder / "cache"),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "tests.docs.forking_server", str(address)],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        yield folder / "bin"
        server.kill()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[str]:
    """Lend a PostgreSQL database, or an SQLite file where no server answers."""
    with contextlib.ExitStack() as stack:
        try:
            url = stack.enter_context(fresh_postgresql())
        except pytest.skip.Exception:
            url = f"sqlite:///{tmp_path}/database.db"
        yield url


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_blocks_of_a_page_run(
    page: Path, clients: Path, database: str, tmp_path: Path
) -> None:
    folder = tmp_path / "reader"
    folder.mkdir()
    done = subprocess.run(
        [clients / "run-page", page],
        cwd=folder,
        env={
            **os.environ,
            "COLUMNS": "160",
            "NO_COLOR": "1",
            "OMP_NUM_THREADS": "1",
            # its figures take each search two seconds: only where they are looked at
            "OPTUNA_XMCNAS_NO_DASHBOARD": "0" if page.stem == "dashboard" else "1",
            "PAGE_DATABASE": database,
            "PATH": f"{clients}{os.pathsep}{os.environ['PATH']}",
            "XDG_CACHE_HOME": str(clients.parent / "cache"),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=_PAGE_ENDS_S,
    )
    assert done.returncode == 0, done.stderr


def test_every_language_is_known() -> None:
    for page in PAGES:
        for block in blocks(page):
            where = f"{block.page.relative_to(ROOT)}:{block.line}"
            assert block.language in LANGUAGES, f"{where} is {block.language!r}"


def test_blocks_that_are_not_run_are_few_and_known() -> None:
    reasons = [block.not_run for page in PAGES for block in blocks(page) if block.not_run]
    assert {reason: reasons.count(reason) for reason in reasons} == NOT_RUN
