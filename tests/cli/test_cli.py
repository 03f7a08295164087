"""The commands as a user types them, in a folder of their own."""

from __future__ import annotations

import json
import os
from pathlib import Path
import re
import signal
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from optuna_xmcnas.cli.app import app
from optuna_xmcnas.data import synthetic_dataset
from optuna_xmcnas.exceptions import StorageError
from optuna_xmcnas.version import __version__


QUICK = (
    "--max-tokens=20",
    "--validation-documents=30",
    "--epochs=1",
    "--batch-size=32",
    "--hidden=8",
    "--ops=conv1,maxpool3",
    "--min-layers=1",
    "--max-layers=2",
    "--population-size=2",
    "--sample-size=2",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a data set in it, as plain text files."""
    folder = tmp_path_factory.mktemp("user")
    raw = synthetic_dataset(n_train=200, n_test=40)
    (folder / "mine").mkdir()
    assert raw.test is not None
    for name, split in (("train", raw.train), ("test", raw.test)):
        assert split.texts is not None
        (folder / "mine" / f"{name}_texts.txt").write_text("\n".join(split.texts) + "\n")
        rows = (split.labels[[i]].indices for i in range(len(split)))
        labels = (" ".join(raw.label_names[j] for j in row) for row in rows)
        (folder / "mine" / f"{name}_labels.txt").write_text("\n".join(labels) + "\n")
    return folder


def _run(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "COLUMNS": "160",
        "NO_COLOR": "1",
        "OMP_NUM_THREADS": "1",
        "OPTUNA_XMCNAS_NO_DASHBOARD": "1",  # its figures take each process two seconds
        **variables,
    }
    return subprocess.run(
        [sys.executable, "-m", "optuna_xmcnas", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def searched(folder: Path) -> str:
    """Return what a whole search printed."""
    with_dashboard = {"OPTUNA_XMCNAS_NO_DASHBOARD": "0"}
    done = _run(folder, "search", "--data=mine", "--trials=3", *QUICK, **with_dashboard)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_search_prints_the_result_and_what_to_do_next(searched: str) -> None:
    assert "best of 3 children" in searched
    assert "embedding" in searched
    for row in ("validation", "test ", "frequent labels"):
        assert row in searched
    assert "optuna-xmcnas confirm --study-name mine-quick --data mine" in searched
    assert "optuna-xmcnas show --study-name mine-quick" in searched
    assert "optuna-xmcnas report --study-name mine-quick --out report.html" in searched
    assert (
        "optuna-dashboard sqlite:///optuna-xmcnas.db --artifact-dir optuna-xmcnas-artifacts"
        in searched
    )
    assert "--trials 6" in searched


def test_search_leaves_a_picture_of_each_child(folder: Path, searched: str) -> None:
    pictures = [path for path in (folder / "optuna-xmcnas-artifacts").iterdir() if path.is_file()]
    assert len(pictures) == 3
    assert all("<svg" in path.read_text("utf-8") for path in pictures)


def test_search_continues_where_it_stopped(folder: Path, searched: str) -> None:
    done = _run(folder, "search", "--data=mine", "--trials=4", "--json", *QUICK)
    assert done.returncode == 0, done.stderr
    assert "continued after 3 children" in done.stderr
    assert "best of 4 children" in done.stderr
    document = json.loads(done.stdout)
    assert document["format"] == 1
    assert (document["study"], document["n_complete"]) == ("mine-quick", 4)
    assert 0 < document["best"]["test"]["P@5"] <= 1


def test_show_lists_and_draws(folder: Path, searched: str) -> None:
    done = _run(folder, "show", "--top=2")
    assert done.returncode == 0, done.stderr
    assert re.search(r"study mine-quick: \d complete", done.stdout)
    assert len(re.findall(r"^ .* 1:\w+\(0\)", done.stdout, re.MULTILINE)) == 2
    assert "embedding" in done.stdout


@pytest.mark.usefixtures("searched")
@pytest.mark.parametrize("command", [("show", "--top=2"), ("data", "mine")])
def test_results_are_one_json_document(
    folder: Path, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    done = CliRunner().invoke(app, [*command, "--json"])
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert (document["format"], document["command"]) == (1, command[0])
    assert done.stderr  # the same for people
    if command[0] == "show":
        assert document["counts"]["complete"] >= 3
        assert [trial["genome"]["nodes"][0]["source"] for trial in document["trials"]] == [0, 0]


@pytest.mark.usefixtures("searched")
def test_an_error_leaves_no_document(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    done = CliRunner().invoke(app, ["show", "--study-name=absent", "--json"])
    assert isinstance(done.exception, StorageError)
    assert done.stdout == ""


def test_data_says_what_is_there(folder: Path) -> None:
    done = _run(folder, "data", "mine")
    assert done.returncode == 0, done.stderr
    assert "200" in done.stdout
    assert "labels" in done.stdout


def test_other_settings_are_refused_with_the_difference(folder: Path, searched: str) -> None:
    done = _run(folder, "search", "--data=mine", *QUICK, "--hidden=16")
    assert done.returncode == 2
    assert "child.hidden: the study has 8, asked for 16" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("search", "--data=absent"), "absent"),
        (("search", "--data=mine", "--sample-size=9", "--population-size=3"), "sample_size"),
        (("search", "--data=mine", "--ops=conv1,conv99"), "conv99"),
        (("search", "--data=mine", "--storage=postgres"), "sqlite:///study.db"),
        (("search", "--data=mine", "--device=tpu"), "device"),
        (("search", "--data=mine", "--import=no_such_module"), "no_such_module"),
        (("search", "--data=mine", "--vectors=absent.txt"), "absent.txt"),
        (("show", "--study-name=absent"), "there is no study 'absent'"),
        (("show", "--storage=sqlite:///absent.db"), "no file absent.db"),
        (("data", "absent"), "absent"),
    ],
)
def test_mistakes_are_told_without_a_traceback(
    folder: Path, searched: str, arguments: tuple[str, ...], said: str
) -> None:
    done = _run(folder, *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_version_and_help() -> None:
    assert _run(Path.cwd(), "--version").stdout.strip() == __version__
    text = _run(Path.cwd(), "search", "--help").stdout
    for option in ("--data", "--preset", "--trials", "--timeout", "--seed", "--storage"):
        assert option in text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_cleanly_and_says_how_to_continue(folder: Path, number: int) -> None:
    arguments = ["search", "--data=mine", f"--study-name=stop-{number}", "--trials=1000", *QUICK]
    process = subprocess.Popen(
        [sys.executable, "-m", "optuna_xmcnas", *arguments],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1", "COLUMNS": "300"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if re.match(r"\s+2 +\d", line):  # the third child is done
            break
    process.send_signal(number)
    rest, errors = process.communicate()
    assert process.returncode == 130, errors
    assert "Continue with the same command" in rest
    assert "Traceback" not in errors
