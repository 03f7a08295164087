"""``optuna-xmcnas compare``, from a storage to a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from optuna_xmcnas.cli.app import app
from optuna_xmcnas.exceptions import ConfigMismatchError
from optuna_xmcnas.exceptions import StorageError
from optuna_xmcnas.study import note_texts
from optuna_xmcnas.study import StudyTexts
from tests.cli.commands import study_of
from tests.cli.test_report import add_study


@pytest.fixture
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a storage with a study of each of two samplers."""
    monkeypatch.chdir(tmp_path)
    url = "my.log"
    add_study(url, "one", sampler="guided", n=12)
    add_study(url, "two", sampler="tpe", n=10)
    return url


def run(*arguments: str) -> str:
    """Run a command in this process, and return what it printed."""
    done = CliRunner().invoke(
        app, ["compare", *arguments], catch_exceptions=False, env={"COLUMNS": "200"}
    )
    assert done.exit_code == 0, done.output
    return done.stdout


def test_two_studies_are_set_side_by_side(storage: str) -> None:
    said = run("one", "two", "--storage", storage)
    assert "guided" in said
    assert "comparison.html" in said
    assert "<h1>2 studies side by side</h1>" in Path("comparison.html").read_text("utf-8")


def test_json_has_all_numbers(storage: str) -> None:
    found = json.loads(run("one", "two", "--storage", storage, "--out", "page.md", "--json"))
    assert found["budgets"] == [10]
    assert {group["sampler"] for group in found["samplers"]} == {"guided", "tpe"}
    study = study_of(storage, "two")
    best = next(group for group in found["samplers"] if group["sampler"] == "tpe")["best_at"]
    assert best[0]["mean"] == study.best_value
    assert found["differences"] == []


def test_a_study_may_be_in_another_storage(storage: str) -> None:
    add_study("other.log", "two", sampler="random", n=10)
    text = run("one", "other.log#two", "--storage", storage, "--out", "page.md")
    assert "random" in text


def test_other_texts_are_refused_and_compared_anyway(storage: str) -> None:
    for name in ("one", "two"):
        study = study_of(storage, name)
        note_texts(study, StudyTexts(name, name))
    arguments = ["one", "two", "--storage", storage, "--out", "page.md"]
    with pytest.raises(ConfigMismatchError, match=r"texts: 'one' has"):
        run(*arguments)
    assert not Path("page.md").exists()
    assert "texts: 'one' has" in run(*arguments, "--anyway")


@pytest.mark.parametrize("names", [["one"], ["one", "one"]])
def test_one_study_is_refused(storage: str, names: list[str]) -> None:
    done = CliRunner().invoke(app, ["compare", *names, "--storage", storage])
    assert done.exit_code == 2
    assert "two studies or more" in done.output


def test_a_study_that_is_missing_is_named(storage: str) -> None:
    with pytest.raises(StorageError, match=r"there is no study 'three'"):
        run("one", "three", "--storage", storage)


def test_a_url_without_a_name_is_not_repeated(storage: str) -> None:
    done = CliRunner().invoke(
        app, ["compare", "postgresql://ann:hunter2@host/db", "one", "--storage", storage]
    )
    assert done.exit_code == 2
    assert "URL#NAME" in done.output
    assert "hunter2" not in done.output
