"""JSON for programs, lines for people: what goes where."""

from __future__ import annotations

import io
import json
import logging
import math
from pathlib import Path
import sys

import numpy as np
import pytest

from optuna_xmcnas.cli.log_lines import LogLines
from optuna_xmcnas.cli.output import console_for
from optuna_xmcnas.cli.output import emit
from optuna_xmcnas.cli.output import to_json_values


def test_a_document_says_its_format_and_its_command(capsys: pytest.CaptureFixture[str]) -> None:
    emit("demo", {"P@5": np.float32(0.5), "n": np.int64(3), "bad": math.inf, "to": Path("a/b")})
    assert json.loads(capsys.readouterr().out) == {
        "format": 1,
        "command": "demo",
        "P@5": 0.5,
        "n": 3,
        "bad": None,
        "to": "a/b",
    }


def test_a_value_without_a_form_in_json_is_refused_and_nothing_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(TypeError, match="an? object has no form in JSON"):
        emit("demo", {"odd": object()})
    assert capsys.readouterr().out == ""
    with pytest.raises(TypeError, match="a set has"):
        to_json_values({"labels": {1, 2}})


@pytest.mark.parametrize("as_json", [False, True])
def test_people_read_the_stream_that_programs_do_not(
    as_json: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    console_for(as_json=as_json).print("word " * 30)
    captured = capsys.readouterr()
    shown, other = (captured.err, captured.out) if as_json else (captured.out, captured.err)
    assert shown.count("\n") == 1  # wide enough, away from a terminal
    assert other == ""


def test_a_warning_is_one_line_however_long_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    logger = logging.getLogger("tests.cli.test_output")
    handler = LogLines(with_time=False)
    logger.addHandler(handler)
    try:
        logger.warning("there is [no] room: %s", "word " * 30)
    finally:
        logger.removeHandler(handler)
    lines = [line for line in capsys.readouterr().err.splitlines() if "room" in line]
    assert lines == [f"warning: there is [no] room: {'word ' * 30}"]


def test_a_warning_goes_to_whatever_stands_for_standard_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    handler = LogLines(with_time=True)
    instead = io.StringIO()
    monkeypatch.setattr(sys, "stderr", instead)
    handler.handle(logging.LogRecord("a", logging.ERROR, "", 0, "it failed", None, None))
    assert instead.getvalue().endswith(" error: it failed\n")
