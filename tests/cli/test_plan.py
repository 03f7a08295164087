"""The plan as a user reads it."""

from __future__ import annotations

import json
from pathlib import Path
import sys

import pytest

from optuna_xmcnas.cli import main
from tests.cli.commands import write_config
from tests.cli.commands import write_data


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plan")
    write_data(folder / "mine")
    write_config(folder / "tiny.toml")
    return folder


def _plan(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *arguments: str,
) -> tuple[int, str]:
    """Return the exit code and what was said, on a line."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "80")
    given = ["plan", "--data=mine", "--config=tiny.toml", "--device=cpu", *arguments]
    monkeypatch.setattr(sys, "argv", ["optuna-xmcnas", *given])
    code = 0
    try:
        main()
    except SystemExit as end:
        code = int(end.code or 0)
    said = capsys.readouterr()
    assert all(len(line) <= 80 for line in said.out.splitlines())
    return code, " ".join((said.out + said.err).split())


def test_a_search_is_planned_and_no_study_is_made(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(folder.iterdir())
    code, said = _plan(folder, monkeypatch, capsys, "--trials=5")
    assert code == 0
    assert "usual child largest child" in said
    assert "search: 5 children, " in said
    assert "memory: the largest child fits" in said
    assert "timed on this machine as busy as it is now" in said
    assert sorted(folder.iterdir()) == before


def test_one_child_is_planned_with_what_its_name_stands_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = _plan(folder, monkeypatch, capsys, "--genome=xmcnas", "--json")
    assert code == 0
    document = json.loads(said[: said.rindex("}") + 1])
    assert (document["command"], document["n_trials"]) == ("plan", None)
    (child,) = document["children"]
    assert child["memory_bytes"]["total"] > 2**20
    assert child["child_seconds"]["low"] <= child["child_seconds"]["high"]
    assert "this child" in said
    assert "node outputs: concat" in said
    assert "1:bilstm(0) 2:bilstm(0)" in said
    assert "search:" not in said


def test_a_child_in_a_file_that_does_not_fit_gets_advice(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "genome.json"
    file.write_text(json.dumps({"format": 1, "nodes": [["conv1", 0]]}))
    monkeypatch.setattr("optuna_xmcnas.planning.plan.available_memory", lambda device: 2**20)
    code, said = _plan(folder, monkeypatch, capsys, f"--genome={file}", "--hidden=512")
    assert code == 0
    assert "the child does not fit" in said
    assert "what to change, each by itself: " in said
    assert "--hidden" in said
    assert "a rough guess" in said


def test_an_unknown_child_is_told_without_a_traceback(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = _plan(folder, monkeypatch, capsys, "--genome=nobody")
    assert code == 2
    assert "'nobody' is none of the known architectures" in said
    assert "Traceback" not in said
