"""Colours, and the absence of them; the width of pages that nobody looks at."""

from __future__ import annotations

import os
from pathlib import Path
import pty
import re
import subprocess
import sys

import optuna
import pytest

from optuna_xmcnas.cli import main
from optuna_xmcnas.cli.app import _widen_pages


COLOUR = re.compile(r"\x1b\[(\d+;)*(3[0-7]|4[0-7]|9[0-7]|10[0-7]|38|48)[;m]")


def _said(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *arguments: str,
) -> str:
    """Return what a command says to a terminal, or what stands for one."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("NO_COLOR", "")  # so that it is as before after the test
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(sys, "argv", ["optuna-xmcnas", *arguments])
    with pytest.raises(SystemExit):
        main()
    said = capsys.readouterr()
    return said.out + said.err


@pytest.mark.parametrize("study", ["seen", "absent"])
def test_no_color_is_heard(
    study: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = f"sqlite:///{tmp_path}/optuna-xmcnas.db"
    optuna.create_study(study_name="seen", storage=url, direction="maximize")
    command = ["show", f"--study-name={study}"]
    plain = _said(tmp_path, monkeypatch, capsys, "--no-color", *command)
    assert study in plain
    assert not COLOUR.search(plain)
    if study == "absent":  # or the test would prove nothing
        assert COLOUR.search(_said(tmp_path, monkeypatch, capsys, *command))


@pytest.mark.parametrize("how", ["option", "TERM"])
def test_the_help_page_on_a_terminal_goes_without_colours(how: str) -> None:
    reader, terminal = pty.openpty()
    command = [sys.executable, "-m", "optuna_xmcnas", "show", "--help"]
    environment = {**os.environ, "TERM": "dumb" if how == "TERM" else "xterm-256color"}
    environment.pop("NO_COLOR", None)
    if how == "option":
        command.insert(3, "--no-color")
    with subprocess.Popen(command, stdout=terminal, stderr=terminal, env=environment):
        os.close(terminal)
        said = b""
        while part := _read(reader):
            said += part
    os.close(reader)
    assert "Options" in said.decode()
    assert not COLOUR.search(said.decode())


def _read(reader: int) -> bytes:
    """Return what a terminal shows next; nothing at its end."""
    try:
        return os.read(reader, 1 << 16)
    except OSError:  # Linux's way to say that nobody holds the other end
        return b""


@pytest.mark.parametrize(
    ("terminals", "columns", "width"),
    [((), None, "120"), ((2,), None, None), ((), "80", None)],
)
def test_pages_are_wide_where_no_terminal_says_how_wide(
    terminals: tuple[int, ...],
    columns: str | None,
    width: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERMINAL_WIDTH", "")  # so that it is as before after the test
    monkeypatch.delenv("TERMINAL_WIDTH")
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns is not None:
        monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr(os, "isatty", lambda descriptor: descriptor in terminals)
    _widen_pages()
    assert os.environ.get("TERMINAL_WIDTH") == width
