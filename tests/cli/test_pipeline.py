"""From texts to a model for other programs: six commands, each of which prints the next."""

from __future__ import annotations

import json
from pathlib import Path
import shlex
import signal
import subprocess
import time
from typing import Any

import pytest

from optuna_xmcnas.genome import Genome
from optuna_xmcnas.genome import Node
from optuna_xmcnas.tagger import load_model
from tests.cli.commands import end
from tests.cli.commands import run
from tests.cli.commands import start
from tests.cli.commands import study_of
from tests.cli.commands import until
from tests.cli.commands import write_config
from tests.cli.commands import write_data


def _next(done: subprocess.CompletedProcess[str], command: str) -> list[str]:
    """Return the arguments of a command as another one has printed it."""
    said = done.stdout + done.stderr
    assert "Next:" in said, said
    after = said.split("Next:")[1]
    found = [
        line.split("optuna-xmcnas ", 1)[1] for line in after.splitlines() if f" {command}" in line
    ]
    assert found, after
    return shlex.split(found[0])


def _document(done: subprocess.CompletedProcess[str], command: str) -> dict[str, Any]:
    """Return the one JSON document that a command printed."""
    document: dict[str, Any] = json.loads(done.stdout)
    assert (document["format"], document["command"]) == (1, command)
    return document


def _ok(done: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pipeline")
    write_data(folder / "mine")
    write_config(folder / "tiny.toml")
    (folder / "texts.txt").write_text("alpha beta gamma\n\ndelta\n")
    return folder


@pytest.fixture(scope="module")
def searched(folder: Path) -> subprocess.CompletedProcess[str]:
    return _ok(run(folder, "search", "--data=mine", "--config=tiny.toml", "--study-name=tags"))


def test_six_commands_from_texts_to_export(
    folder: Path, searched: subprocess.CompletedProcess[str]
) -> None:
    assert "linear trees, test" in searched.stdout
    assert "points of P@5" in searched.stdout

    confirmed = _ok(run(folder, *_next(searched, "confirm"), "--top=2", "--seeds=2", "--json"))
    assert "in the search" in confirmed.stderr
    document = _document(confirmed, "confirm")
    assert document["study"] == "tags"
    assert [len(one["values"]) for one in document["confirmed"]] == [2, 2]
    assert len(study_of(f"sqlite:///{folder}/optuna-xmcnas.db", "tags-confirm").trials) == 4

    command = [*_next(confirmed, "retrain"), "--epochs=2", "--seeds=2", "--out=model"]
    retrained = _ok(run(folder, *command))
    assert "confirmed" in retrained.stdout
    assert "seed 1, test" in retrained.stdout
    assert "linear trees, test" in retrained.stdout
    model = load_model(folder / "model")
    assert len(model.members) == 2
    assert model.members[0].config.combine == "concat"

    evaluated = _ok(run(folder, *_next(retrained, "evaluate"), "--json"))
    for name in ("P@1", "nDCG@3", "PSP@5", "PSnDCG@1", "recall@5", "tail", "difference"):
        assert name in evaluated.stderr
    figures = _document(evaluated, "evaluate")
    assert figures["scores"]["P@5"]["value"] == pytest.approx(model.metrics["test"]["P@5"])

    predicted = _ok(run(folder, *_next(evaluated, "predict"), "-k", "3"))
    lines = [json.loads(line) for line in predicted.stdout.splitlines()]
    assert len(lines) == 3
    assert all(len(line["labels"]) == 3 for line in lines)

    exported = _ok(run(folder, *_next(evaluated, "export"), "--json"))
    assert (folder / "model-export" / "model.onnx").is_file()
    assert _document(exported, "export")["checks"]["onnx"]["equal_lists"] == 1.0

    again = run(folder, *command)
    assert again.returncode == 2
    assert "model is there already" in again.stderr


def test_a_known_architecture_needs_no_study(folder: Path) -> None:
    small = ["--hidden=8", "--max-tokens=20", "--epochs=1", "--validation-documents=30"]
    command = ["retrain", "--genome=attentionxml", "--data=mine", "--out=known", *small]
    done = _ok(run(folder, *command, "--no-linear", "--storage=sqlite:///none.db", "--json"))
    assert "architecture: attentionxml: 1:bilstm(0)" in done.stderr
    document = _document(done, "retrain")
    assert (document["study"], document["linear"]) == (None, None)
    assert document["genome"] == {
        "text": "1:bilstm(0)",
        "nodes": [{"op": "bilstm", "source": 0}],
    }
    assert 0 <= document["test"]["P@5"] <= 1
    model = load_model(folder / "known")
    assert model.members[0].genome == Genome((Node("bilstm", 0),))
    assert model.members[0].config.attention == "label"
    assert model.metrics["linear"] is None
    assert not (folder / "none.db").exists()


def test_an_architecture_is_transferred_and_both_are_printed(
    folder: Path, searched: subprocess.CompletedProcess[str]
) -> None:
    write_data(folder / "other", n_train=150)
    command = ["transfer", "--study-name=tags", "--data=other", "--epochs=1", "--no-linear"]
    done = _ok(run(folder, *command, "--json"))
    assert "mine (study), validation" in done.stderr
    assert "other, test" in done.stderr
    document = _document(done, "transfer")
    assert (document["data"], document["source"]["data"]) == ("other", "mine")
    assert (folder / "optuna-xmcnas-models" / "tags-on-other" / "manifest.json").is_file()


def test_ctrl_c_stops_a_training_in_full_and_the_same_command_goes_on(folder: Path) -> None:
    command = ["retrain", "--genome=xmcnas", "--data=mine", "--hidden=8", "--no-linear", "--json"]
    command += ["--validation-documents=30", "--out=slow", "--seeds=2"]
    training = start(folder, *command, "--epochs=200")
    partial = folder / "slow.partial"
    until(lambda: (partial / "lock").exists() or training.poll() is not None)
    time.sleep(2)  # somewhere in the first training
    training.send_signal(signal.SIGINT)
    done = end(training)
    assert done.returncode == 130, done.stdout + done.stderr
    assert "Continue with the same command" in done.stderr
    assert done.stdout == ""  # no half document
    assert list(partial.glob("seed-0*"))
    assert not (folder / "slow").exists()


@pytest.mark.usefixtures("searched")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("retrain", "--study-name=tags", "--data=mine", "--trial=99"), "has no trial 99"),
        (("retrain", "--study-name=tags", "--trial=0", "--genome=xmcnas"), "not both"),
        (("retrain", "--genome=no-such-file"), "none of the known architectures"),
        (("retrain", "--study-name=absent"), "there is no study 'absent'"),
        (("retrain", "--storage=sqlite:///none.db"), "none.db"),
        (("retrain", "--study-name=tags", "--data=wrong"), "was searched on mine"),
        (("confirm", "--study-name=tags", "--data=wrong"), "made with other settings"),
        (("search", "--data=mine", "--enqueue=xml-cnn", "--config=tiny.toml"), "conv2"),
        (("evaluate", "mine", "--data=mine"), "mine"),
    ],
)
def test_mistakes_are_named(folder: Path, arguments: tuple[str, ...], message: str) -> None:
    if not (folder / "wrong").exists():
        write_data(folder / "wrong", n_train=120)
    done = run(folder, *arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert message in " ".join((done.stdout + done.stderr).split())
