"""``optuna-xmcnas export``, and the programs in the README that it writes."""

from __future__ import annotations

from pathlib import Path
import re
import subprocess
import sys

import onnxruntime
import pytest
import typer
from typer.testing import CliRunner
from typer.testing import Result

from optuna_xmcnas.cli.export_command import export
from optuna_xmcnas.exceptions import ExportError
from optuna_xmcnas.exceptions import ModelError
from optuna_xmcnas.tagger import save_model
from optuna_xmcnas.tagger import Tagger
from tests.tagger.tiny import tiny_child
from tests.tagger.tiny import tiny_model


_ALONE = (
    "import sys; sys.modules['optuna_xmcnas'] = sys.modules['torch'] = None; "
    "exec(sys.stdin.read())"
)
_TEXTS = ["A text that wants labels.", "Another one."]  # of the programs in the README


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a model in it."""
    folder = tmp_path_factory.mktemp("user")
    save_model(folder / "model", tiny_model([tiny_child("bigru", seed=seed) for seed in (0, 1)]))
    return folder


@pytest.fixture(scope="module")
def done(folder: Path) -> Result:
    """Return what the command says that writes both formats."""
    return _export(folder, "--format", "both", "-k", "7")


def _export(folder: Path, *arguments: str) -> Result:
    app = typer.Typer()
    app.command()(export)
    environment = {"COLUMNS": "160", "NO_COLOR": "1"}
    return CliRunner().invoke(app, [str(folder / "model"), *arguments], env=environment)


def _run(program: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-I", "-W", "error", "-c", _ALONE],
        input=program,
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_command_says_what_it_wrote_and_how_near_it_is(folder: Path, done: Result) -> None:
    assert done.exit_code == 0, done.output
    assert done.stderr == ""
    written = {path.name for path in (folder / "model-exported").iterdir()}
    assert written == {"README.md", "labels.jsonl", "model.onnx", "model.pt2", "tokenizer.json"}
    assert all(name in done.stdout for name in written)
    for runtime in (f"onnxruntime {onnxruntime.__version__}", "PyTorch "):
        found = re.search(
            rf"16 texts by {runtime}.*: largest difference of logits (\S+), (\d+) % equal top-7",
            done.stdout,
        )
        assert found, done.stdout
        assert float(found[1]) < 1e-4
        assert int(found[2]) >= 80  # scores of random weights can be too near to tell apart
    assert "python -m pip install numpy onnxruntime tokenizers torch" in done.stdout


def _programs(folder: Path) -> list[str]:
    readme = (folder / "model-exported" / "README.md").read_text("utf-8")
    programs: list[str] = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    return programs


def _expected(folder: Path) -> str:
    lines = []
    tagger = Tagger.load(folder / "model", device="cpu")
    for text, found in zip(_TEXTS, tagger.predict(_TEXTS, k=5), strict=True):
        lines += [text, *(f"  {score:.3f}  {label}" for label, score in found)]
    return "\n".join(lines) + "\n"


@pytest.mark.usefixtures("done")
def test_the_onnx_program_of_the_readme_needs_neither_this_package_nor_pytorch(
    folder: Path,
) -> None:
    program = _programs(folder)[0]
    assert _run(program, folder / "model-exported") == _expected(folder)


@pytest.mark.usefixtures("done")
def test_the_pytorch_program_of_the_readme_tags_texts(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = _programs(folder)[1]
    monkeypatch.chdir(folder / "model-exported")
    exec(program, {})  # in this process, which has imported PyTorch already
    assert capsys.readouterr().out == _expected(folder)


def test_nothing_of_this_machine_is_in_the_graphs(folder: Path, done: Result) -> None:
    for name in ("model.onnx", "model.pt2"):
        content = (folder / "model-exported" / name).read_bytes()
        assert b"deployed.py" not in content
        assert str(Path(__file__).parents[2]).encode() not in content


def test_an_export_is_replaced_on_request_alone(
    folder: Path, done: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = _export(folder)
    assert isinstance(refused.exception, ExportError)
    asked = []

    def write(program: object, path: Path, *, opset: int, facts: object) -> None:
        asked.append(opset)
        path.write_text("a graph")

    monkeypatch.setattr("optuna_xmcnas.tagger.export.write_onnx", write)  # quicker
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    out = folder / "other"
    out.mkdir()
    (out / "model.pt2").write_text("an earlier one")
    replaced = _export(folder, str(out), "--overwrite", "--opset", "18")
    assert replaced.exit_code == 0, replaced.output
    assert "onnx: not compared with the model, for onnxruntime is not installed" in replaced.stdout
    assert "It was not compared with the model" in (out / "README.md").read_text("utf-8")
    assert not (out / "model.pt2").exists()
    assert asked == [18]
    assert {path.name for path in folder.iterdir()} == {"model", "model-exported", "other"}


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    refused = _export(tmp_path)
    assert isinstance(refused.exception, ModelError)
