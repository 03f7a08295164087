"""`draw` shows a genome that is named, or a trial of a study, in the format that is asked for."""

from __future__ import annotations

import io
import json
from pathlib import Path
import subprocess
import sys
from xml.etree import ElementTree

import optuna
from PIL import Image
import pytest
from typer.testing import CliRunner
from typer.testing import Result

from optuna_xmcnas.cli.app import app
from optuna_xmcnas.exceptions import InvalidGenomeError
from optuna_xmcnas.genome import Genome
from optuna_xmcnas.study import begin_record
from optuna_xmcnas.study import complete_record
from optuna_xmcnas.study import open_storage


PARENT = Genome.from_text("1:bilstm(0) 2:conv3(0)")
CHILD = Genome.from_text("1:bilstm(0) 2:conv5(0)")


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a storage with a study of a parent, a better child, and one in training."""
    address = str(tmp_path_factory.mktemp("draw") / "study.log")
    study = optuna.create_study(
        study_name="tiny", storage=open_storage(address), direction="maximize"
    )
    for genome, score, weights in ((PARENT, 0.3, (0.5, 0.5)), (CHILD, 0.4, (0.25, 0.75))):
        trial = study.ask()
        begin_record(trial, genome, seed=0)
        if genome == CHILD:
            trial.set_user_attr("parent", 0)
            trial.set_user_attr("mutation", "swap_op")
        complete_record(
            trial,
            metrics={"P@5": score},
            node_weights=weights,
            n_parameters=1,
            seconds=1.0,
            peak_memory_bytes=1,
            epochs=1,
            stop_reason="epochs",
        )
        study.tell(trial, score)
    begin_record(study.ask(), CHILD, seed=0)
    study.ask()
    return address


def draw(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["draw", *arguments])


def test_a_known_genome_is_drawn_as_text() -> None:
    assert draw("xmcnas").stdout == "embedding\n├── 1 bilstm\n└── 2 bilstm\n"


def test_the_best_trial_is_drawn_with_all_that_is_known(storage: str) -> None:
    assert draw("--storage", storage).stdout.splitlines() == [
        "trial 1 · P@5 40.00",
        "child of trial 0 by swap_op",
        "embedding",
        "├── 1 bilstm  0.25 █████",
        "└── 2 conv5   0.75 ███████████████",
        "since the parent: 2 conv5 was conv3",
    ]


def test_a_trial_is_drawn_by_its_number(storage: str) -> None:
    assert draw("--storage", storage, "--trial=0").stdout.startswith("trial 0 · P@5 30.00\nembed")
    assert draw("--storage", storage, "--trial=2").stdout.startswith("trial 2 · running\nembed")


@pytest.mark.parametrize("number", [3, 4])
def test_a_trial_without_a_genome_is_refused(storage: str, number: int) -> None:
    error = draw("--storage", storage, f"--trial={number}").exception
    assert isinstance(error, InvalidGenomeError)
    assert f"trial {number}" in str(error)


def test_the_name_of_the_file_says_the_format(storage: str, tmp_path: Path) -> None:
    for name in ("a.svg", "a.png", "a.mmd", "a.txt", "a.SVG"):
        assert draw("--storage", storage, "--out", str(tmp_path / name)).exit_code == 0
    for name in ("a.svg", "a.SVG"):
        assert "was conv3" in "".join(ElementTree.parse(tmp_path / name).getroot().itertext())
    with Image.open(tmp_path / "a.png") as image:
        assert image.format == "PNG"
    assert (tmp_path / "a.mmd").read_text().startswith("flowchart TD\n")
    assert (tmp_path / "a.txt").read_text("utf-8").startswith("trial 1 · ")


def test_a_file_of_any_name_takes_the_format_that_is_asked_for(tmp_path: Path) -> None:
    out = tmp_path / "picture.of.xmcnas"
    done = draw("xmcnas", "--out", str(out), "--format=mermaid")
    assert done.exit_code == 0
    assert f"{out} is written" in done.output
    assert out.read_text().startswith("flowchart TD\n")


def test_an_operation_that_nobody_knows_is_named(caplog: pytest.LogCaptureFixture) -> None:
    assert draw("1:banana(0) 2:conv3(1)").exit_code == 0
    assert "not operations of this package: banana" in caplog.text


def test_png_goes_into_a_pipe_and_torch_stays_out() -> None:
    code = (
        "import sys; from optuna_xmcnas.cli.app import app; "
        "app(['draw', 'xmcnas', '--format=png'], standalone_mode=False); "
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    with Image.open(io.BytesIO(done.stdout)) as image:
        assert image.format == "PNG"


def test_png_is_not_written_to_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optuna_xmcnas.cli.draw_command.is_terminal", lambda: True)
    done = draw("xmcnas", "--format=png")
    assert done.exit_code == 2
    assert "a terminal shows no PNG" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("xmcnas", "--out=a.pdf"), ".svg, .png"),
        (("xmcnas", "--out=absent/a.svg"), "cannot write"),
        (("xmcnas", "--out=a.svg", "--format=png"), "a.svg would be called svg and hold png"),
        (("xmcnas", "--trial=3"), "not both"),
        (("xmcnas", "--study-name=a"), "not both"),
        (("xmcnas", "--format=gif"), "'gif'"),
    ],
)
def test_mistakes_are_told(arguments: tuple[str, ...], said: str) -> None:
    done = draw(*arguments)
    assert done.exit_code == 2
    assert said in done.stderr


def test_json_tells_what_the_picture_shows(storage: str, tmp_path: Path) -> None:
    out = tmp_path / "best.svg"
    shown = draw("--storage", storage, "--json", "--out", str(out))
    assert shown.exit_code == 0, shown.output
    document = json.loads(shown.stdout)
    assert (document["format"], document["command"], document["trial"]) == (1, "draw", 1)
    assert document["genome"]["text"] == str(CHILD)
    assert document["parent"]["text"] == str(PARENT)
    assert document["changes"] == ["2 conv5 was conv3"]
    assert document["node_weights"] == [0.25, 0.75]
    assert document["out"] == str(out)
    assert out.read_text("utf-8").startswith("<svg")
