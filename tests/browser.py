"""A headless Chromium for tests of pages: what a page becomes when its scripts have run.

A test that asks for one is skipped where no Chromium is installed; with
``XMCNAS_TEST_BROWSER=required`` it fails. Pictures of pages are kept in the folder that
``XMCNAS_SCREENSHOTS`` names, or else in the test's own.
"""

from __future__ import annotations

from dataclasses import dataclass
import os
from pathlib import Path
import shutil
import subprocess
from typing import NoReturn

import pytest


_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_PATIENCE_S = 120.0  # for a page, on busy cores
_FLAGS = (
    "--headless",
    "--no-sandbox",  # as root in a container there is none
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--enable-logging=stderr",  # with what the page's scripts complain of
    "--virtual-time-budget=15000",  # milliseconds that the page thinks have passed
)


@dataclass(frozen=True)
class Browser:
    """A Chromium.

    Args:
        program: Its path.
        profile: A folder for what it keeps.
        pictures: A folder for what it sees.
    """

    program: str
    profile: Path
    pictures: Path

    def look(
        self, url: str, *, width: int, height: int, name: str = "", is_dark: bool = False
    ) -> str:
        """Return the source of a page after its scripts have run.

        Args:
            url: Of the page.
            width: Of the window, in pixels.
            height: Of the window, in pixels.
            name: What to call the picture of it; without a name none is kept.
            is_dark: Whether the page is told that its reader likes it dark.
        """
        command = [self.program, *_FLAGS, f"--user-data-dir={self.profile}"]
        command += [f"--window-size={width},{height}", "--dump-dom"]
        command += ["--blink-settings=preferredColorScheme=0"] if is_dark else []
        command += [f"--screenshot={self.pictures / name}.png"] if name else []
        done = subprocess.run(
            [*command, url], capture_output=True, text=True, timeout=_PATIENCE_S, check=False
        )
        assert done.returncode == 0, done.stderr
        assert "Uncaught" not in done.stderr, done.stderr
        return done.stdout


def chromium(folder: Path) -> Browser:
    """Return the Chromium that is installed.

    Args:
        folder: Of the test.
    """
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        _skip("no Chromium is installed")
    pictures = Path(os.environ.get("XMCNAS_SCREENSHOTS") or folder / "pictures")
    pictures.mkdir(parents=True, exist_ok=True)
    return Browser(program, folder / "profile", pictures.resolve())


def _skip(reason: str) -> NoReturn:
    if os.environ.get("XMCNAS_TEST_BROWSER") == "required":
        pytest.fail(f"{reason}, and XMCNAS_TEST_BROWSER says that it is required")
    pytest.skip(reason)
