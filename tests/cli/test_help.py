"""What the program says of itself: the presets in the help, the commands it proposes."""

from __future__ import annotations

import re

import pytest
from typer.main import get_group

from optuna_xmcnas.cli.app import app
from optuna_xmcnas.cli.next_steps import data_arguments
from optuna_xmcnas.cli.next_steps import running_command
from optuna_xmcnas.cli.next_steps import storage_arguments
from optuna_xmcnas.cli.search_command import _without_trials
from optuna_xmcnas.workflows import PRESETS
from optuna_xmcnas.workflows import SearchSettings


def _values(settings: SearchSettings) -> dict[str, object]:
    return {
        "trials": settings.n_trials,
        "max-tokens": settings.data.max_tokens,
        "train-documents": settings.data.train_documents or 0,
        "validation-documents": settings.data.validation_documents,
        "epochs": settings.training.epochs,
        "batch-size": settings.training.batch_size,
        "learning-rate": settings.training.learning_rate,
        "hidden": settings.child.hidden,
        "attention": settings.child.attention,
        "population-size": settings.population_size,
        "sample-size": settings.sample_size,
        "sampler": settings.sampler,
    }


@pytest.fixture(scope="module")
def stated() -> dict[str, tuple[str, str]]:
    """Return option -> (value of quick, value of paper) as the help of `search` has them."""
    command = get_group(app).commands["search"]
    found = {}
    for parameter in command.params:
        help_text = getattr(parameter, "help", None) or ""
        if match := re.search(r"\(quick: ([^,]+), paper: ([^)]+)\)", help_text):
            found[parameter.opts[0].removeprefix("--")] = (match[1], match[2])
    return found


@pytest.mark.parametrize("option", _values(PRESETS["quick"]))
def test_help_states_the_preset(stated: dict[str, tuple[str, str]], option: str) -> None:
    assert stated[option] == tuple(
        str(_values(PRESETS[name])[option]) for name in ("quick", "paper")
    )


def test_the_command_to_repeat_hides_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgresql+psycopg2://ann:canary@host/db"
    for arguments in (["--storage", url], [f"--storage={url}"]):
        monkeypatch.setattr("sys.argv", ["optuna-xmcnas", "search", *arguments, "--trials=7"])
        shown = " ".join(running_command(url))
        assert "canary" not in shown
        assert "ann:***@host" in shown


def test_only_the_trials_option_is_replaced_in_the_next_command() -> None:
    command = ["search", "--trials", "7", "--study-name", "a --trials 7 b", "--trials=8"]
    assert _without_trials(command) == ["search", "--study-name", "a --trials 7 b"]


def test_the_next_command_hides_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgresql+psycopg2://ann:canary@host/db"
    assert storage_arguments(url) == ["--storage", "postgresql+psycopg2://ann:***@host/db"]
    monkeypatch.setenv("OPTUNA_XMCNAS_STORAGE", url)
    assert storage_arguments(url) == []


def test_the_next_command_names_what_is_not_usual() -> None:
    assert storage_arguments("sqlite:///optuna-xmcnas.db") == []
    assert data_arguments("docstrings", vectors=None) == []
    assert data_arguments("my texts", train_rows="rows.txt") == [
        *("--data", "my texts"),
        *("--train-rows", "rows.txt"),
    ]
