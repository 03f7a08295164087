"""A real search as people see it: optuna-dashboard in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
import json
from pathlib import Path
import re
import socket
import subprocess
import sys
import time
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from optuna import Study
import pytest

from optuna_xmcnas import GenomeSpace
from optuna_xmcnas.dashboard import Showcase
from optuna_xmcnas.study import open_storage
from optuna_xmcnas.workflows import search
from tests.browser import Browser
from tests.browser import chromium
from tests.workflows.tiny import TINY
from tests.workflows.tiny import tiny_texts


SETTINGS = replace(
    TINY,
    n_trials=6,
    population_size=3,
    sampler="evolution",
    space=GenomeSpace(ops=("conv1", "conv3", "maxpool3", "bilstm"), min_layers=2, max_layers=4),
    training=replace(TINY.training, epochs=1),
)
_PATIENCE_S = 60.0  # for a server to start, on busy cores
_SERVE = "from optuna_dashboard._cli import main; main()"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shown")


@pytest.fixture(scope="module")
def study(folder: Path) -> Study:
    """Return the study of a search that was shown while it went on."""
    outcome = search(
        tiny_texts(),
        SETTINGS,
        storage=open_storage(f"sqlite:///{folder}/study.db"),
        study_name="hay stacks",
        children_dir=folder / "children",
        with_linear=False,
        showcase=Showcase(folder / "artifacts"),
    )
    assert outcome.n_complete == SETTINGS.n_trials
    return outcome.study


@pytest.fixture(scope="module")
def address(study: Study, folder: Path) -> Iterator[str]:
    """Yield the address of a dashboard of the study."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", _SERVE, f"sqlite:///{folder}/study.db"]
    command += ["--artifact-dir", str(folder / "artifacts"), "--port", str(port), "--quiet"]
    log = folder / "dashboard.log"
    with _running(command, log):
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + _PATIENCE_S
        while not _answers(f"{url}/api/studies"):
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield url


@contextmanager
def _running(command: list[str], log: Path) -> Iterator[None]:
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5):
            return True
    except (OSError, URLError):
        return False


def _fetch(url: str) -> tuple[str, str]:
    """Return the content type and the text of a page."""
    with urlopen(url, timeout=10) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def _detail(address: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(_fetch(f"{address}/api/studies/1")[1])
    return content


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Browser:
    return chromium(tmp_path_factory.mktemp("browser"))


@pytest.mark.parametrize(("width", "is_dark"), [(1400, False), (800, True)])
def test_the_page_of_a_study_shows_the_four_figures(
    browser: Browser, address: str, width: int, is_dark: bool
) -> None:
    found = {
        figure["id"]: json.loads(figure["graph_object"])
        for figure in _detail(address)["plotly_graph_objects"]
    }
    assert len(found) == 4
    page = browser.look(
        f"{address}/dashboard/studies/1",
        width=width,
        height=2600,
        name=f"dashboard-study-{width}",
        is_dark=is_dark,
    )
    for name, figure in found.items():
        start = page.index(f'id="user-defined-plot:{name}"')
        title = re.split(r"<br", figure["layout"]["title"]["text"])[0]
        assert title in page[start:]
        assert "main-svg" in page[start:]


@pytest.mark.parametrize("width", [1400, 800])
def test_the_page_of_a_trial_shows_its_architecture(
    browser: Browser, address: str, study: Study, width: int
) -> None:
    best = study.best_trial
    page = browser.look(
        f"{address}/dashboard/studies/1/trials?numbers={best.number}",
        width=width,
        height=1500,
        name=f"dashboard-trial-{width}",
    )
    (path,) = re.findall(r'<img[^>]*alt="architecture\.svg"[^>]*src="([^"]+)"', page)
    content_type, svg = _fetch(f"{address}{path}")
    assert content_type.startswith("image/svg+xml")
    assert f"{100 * best.values[0]:.2f}" in svg


def test_the_note_of_a_study_shows_its_best_child(
    browser: Browser, address: str, study: Study
) -> None:
    page = browser.look(
        f"{address}/dashboard/studies/1/note", width=1400, height=1800, name="dashboard-note-1400"
    )
    assert f"Best child so far: trial {study.best_trial.number}" in page
    (path,) = re.findall(r'<img[^>]*src="(/artifacts/[^"]+)"', page)
    assert "<svg" in _fetch(f"{address}{path}")[1]


def test_every_trial_has_one_picture(address: str) -> None:
    trials = _detail(address)["trials"]
    assert [len(trial["artifacts"]) for trial in trials] == [1] * SETTINGS.n_trials
