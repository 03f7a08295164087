"""The documentation is a site: it builds without a warning, is whole, and needs no network."""

from __future__ import annotations

import fcntl
from html.parser import HTMLParser
import importlib
import os
from pathlib import Path
import re
import subprocess
import sys

import pytest
from typer.main import get_group

from optuna_xmcnas.cli.app import app
from tests.docs.blocks import ROOT
from tests.test_public_names import PARTS


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site as the contributing page says, once for all processes of the tests."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent  # common to the processes
    folder = root / "site"
    with (root / "site.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _build(root / "unfinished-site")
            (root / "unfinished-site").rename(folder)
    return folder


def _build(folder: Path) -> None:
    settings = ["-W", "--keep-going", "-q", "-d", f"{folder}-pages"]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *settings, str(ROOT / "docs"), str(folder)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


class _Page(HTMLParser):
    """What a page has: its anchors, where it links to, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: set[str] = set()
        self.loads: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value for name, value in attrs if value is not None}
        self.anchors.add(found.get("id", ""))
        if tag == "a":
            self.links.add(found.get("href", ""))
        elif tag in ("link", "script", "img"):
            self.loads.update(found[name] for name in ("href", "src") if name in found)


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, _Page]:
    """Return the parsed pages by path within the site."""
    return {
        str(file.relative_to(site)): _Page(file.read_text("utf-8"))
        for file in sorted(site.rglob("*.html"))
    }


@pytest.mark.parametrize("part", PARTS)
def test_every_public_name_has_an_entry(part: str, pages: dict[str, _Page]) -> None:
    names = importlib.import_module(part).__all__
    if part == "optuna_xmcnas":  # a table, each name with a link to its entry
        linked = {link.rpartition(".")[2] for link in pages["reference/index.html"].links}
        assert set(names) <= linked
        return
    page = "cli" if part == "optuna_xmcnas.cli" else part.rpartition(".")[2]
    assert {f"{part}.{name}" for name in names} <= pages[f"reference/{page}.html"].anchors


def test_every_option_of_every_command_has_an_entry(pages: dict[str, _Page]) -> None:
    anchors = pages["reference/cli.html"].anchors
    for name, command in get_group(app).commands.items():
        assert name in anchors
        for parameter in command.params:
            if parameter.param_type_name == "option":
                option = parameter.opts[0].lstrip("-")
                assert any(
                    anchor.startswith(f"cmdoption-optuna-xmcnas-{name}-") and option in anchor
                    for anchor in anchors
                ), f"{name} {parameter.opts}"


def test_every_page_can_be_reached_from_the_first(site: Path, pages: dict[str, _Page]) -> None:
    reached = {"index.html"}
    waiting = ["index.html"]
    while waiting:
        page = waiting.pop()
        for link in pages[page].links:
            target, _, _ = link.partition("#")
            if not target.endswith(".html") or "://" in target:
                continue
            found = os.path.normpath(Path(page).parent / target)
            if found in pages and found not in reached:
                reached.add(found)
                waiting.append(found)
    assert set(pages) - reached <= {"genindex.html", "py-modindex.html", "search.html"}


def test_links_within_the_site_lead_somewhere(site: Path, pages: dict[str, _Page]) -> None:
    for name, page in pages.items():
        for link in page.links:
            target, _, anchor = link.partition("#")
            if "://" in link or link.startswith("mailto:"):
                continue
            found = os.path.normpath(Path(name).parent / target) if target else name
            assert (site / found).exists(), f"{name} links to {link}"
            if anchor and found in pages:
                assert anchor in pages[found].anchors, f"{name} links to {link}"


def test_nothing_is_loaded_from_the_network(pages: dict[str, _Page]) -> None:
    for name, page in pages.items():
        assert not [source for source in page.loads if "//" in source], name


def test_links_of_the_readme_lead_to_files() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (ROOT / target).exists(), target
