"""``optuna-xmcnas report``, from a storage to a file."""

from __future__ import annotations

import json
from pathlib import Path
import subprocess
import sys

import optuna
import pytest
from typer.testing import CliRunner

from optuna_xmcnas.cli.app import app
from optuna_xmcnas.exceptions import ConfigMismatchError
from optuna_xmcnas.exceptions import DataError
from optuna_xmcnas.exceptions import ModelError
from optuna_xmcnas.exceptions import StorageError
from optuna_xmcnas.study import join_study
from optuna_xmcnas.study import open_storage
from tests.analysis.histories import make_study
from tests.cli.commands import study_of
from tests.report.pages import config_of_search
from tests.report.test_model_curves import write_model


@pytest.fixture
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a storage with one study, `mine`, in the folder where commands run."""
    monkeypatch.chdir(tmp_path)
    url = "my.log"
    add_study(url, "mine")
    return url


def add_study(
    url: str, name: str, *, sampler: str = "evolution", n: int = 6, seed: int = 0
) -> None:
    study = optuna.create_study(storage=open_storage(url), study_name=name, direction="maximize")
    join_study(study, config_of_search(name=sampler, seed=seed))
    for trial in make_study(30).get_trials(deepcopy=False)[:n]:
        study.add_trial(trial)


def run(*arguments: str) -> str:
    """Run a command in this process, and return what it printed."""
    done = CliRunner().invoke(app, ["report", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def refusal(*arguments: str) -> str:
    """Return what a command prints that refuses its options."""
    done = CliRunner().invoke(app, ["report", *arguments], env={"COLUMNS": "300"})
    assert done.exit_code == 2
    return done.output


def test_a_page_is_named_after_the_study(storage: str) -> None:
    said = run("--storage", storage)
    assert said.startswith("report-mine.html: study mine, 6 finished of 6 trials, trial")
    assert "<h1>Study mine</h1>" in Path("report-mine.html").read_text("utf-8")


def test_the_ending_says_what_is_written(storage: str) -> None:
    run("--storage", storage, "--out", "page.md")
    lines = Path("page.md").read_text("utf-8").splitlines()
    assert lines[:2] == ["<!-- optuna_xmcnas report -->", "# Study mine"]
    assert "must end in .html or .md" in refusal("--storage", storage, "--out", "page.pdf")


def test_json_says_what_was_found(storage: str) -> None:
    found = json.loads(run("--storage", storage, "--out", "page.md", "--json"))
    assert (found["command"], found["study"], found["n_complete"]) == ("report", "mine", 6)
    assert found["n_bytes"] == Path("page.md").stat().st_size
    study = study_of(storage, "mine")
    assert found["best"]["trial"] == study.best_trial.number


def test_a_report_is_replaced_and_nothing_else_is(storage: str) -> None:
    for name in ("page.md", "page.html"):
        run("--storage", storage, "--out", name)
        run("--storage", storage, "--out", name)
        Path(name).write_text("my own notes")
        with pytest.raises(DataError, match=r"is there and is no report"):
            run("--storage", storage, "--out", name)
        assert Path(name).read_text() == "my own notes"
        run("--storage", storage, "--out", name, "--overwrite")
    assert not list(Path().glob(".*.tmp"))


def test_a_folder_that_is_missing_is_named(storage: str) -> None:
    with pytest.raises(DataError, match=r"there is no folder .*none"):
        run("--storage", storage, "--out", "none/page.html")


def test_the_confirmation_of_the_search_is_in_its_report(storage: str) -> None:
    add_study(storage, "mine-confirm", sampler="repeat", n=3)
    run("--storage", storage, "--out", "page.md")
    assert "Networks that were trained again" in Path("page.md").read_text("utf-8")
    with pytest.raises(StorageError, match=r"holds the confirmation of a search.*'mine'"):
        run("--storage", storage, "--study-name", "mine-confirm")


def test_curves_of_models_are_read(storage: str, tmp_path: Path) -> None:
    folder = write_model(tmp_path / "full", [{"seed": 4, "curve": [[1.0, 10, 0.3, 0.4]]}])
    run("--storage", storage, "--out", "page.md", "--model", str(folder))
    assert "| full, seed 4 |" in Path("page.md").read_text("utf-8")
    with pytest.raises(ModelError, match=r"there is no folder none"):
        run("--storage", storage, "--model", "none")


def test_studies_that_cannot_be_read_are_refused(storage: str) -> None:
    with pytest.raises(StorageError, match=r"there is no study 'other'; the storage has: 'mine'"):
        run("--storage", storage, "--study-name", "other")
    optuna.create_study(
        storage=open_storage(storage), study_name="two", directions=["maximize", "minimize"]
    )
    with pytest.raises(ConfigMismatchError, match=r"'two' has 2 objectives"):
        run("--storage", storage, "--study-name", "two")


def test_an_empty_storage_has_no_report(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/empty.db"
    optuna.storages.get_storage(url)
    with pytest.raises(StorageError, match=r"no study"):
        run("--storage", url)


def test_a_report_needs_no_pytorch(storage: str) -> None:
    code = (
        "import sys; from optuna_xmcnas.cli.app import app;"
        f"app(['report', '--storage', '{storage}'], standalone_mode=False);"
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_name_like_a_url_is_not_repeated(storage: str) -> None:
    with pytest.raises(StorageError, match="no study of a name like a URL") as refused:
        run("--storage", storage, "--study-name", "postgresql://ann:hunter2@host/db")
    assert "hunter2" not in str(refused.value)


def test_a_study_of_a_very_long_name_has_a_file(storage: str) -> None:
    name = "長" * 90  # three bytes each
    add_study(storage, name)
    run("--storage", storage, "--study-name", name)
    (path,) = Path().glob("report-長*.html")
    assert name in path.read_text("utf-8")


def test_a_file_of_a_very_long_name_is_refused(storage: str) -> None:
    assert "more than 200 bytes" in refusal("--storage", storage, "--out", "長" * 90 + ".html")
