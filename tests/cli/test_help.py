"""What the program says of itself: the presets in the help, the commands it proposes."""

from __future__ import annotations

from pathlib import Path
import re
from typing import Annotated

import pytest
from rich.console import Console
import typer
from typer.main import get_group
from typer.testing import CliRunner

from optuna_xmcnas.cli.app import app
from optuna_xmcnas.cli.next_steps import data_arguments
from optuna_xmcnas.cli.next_steps import folder_arguments
from optuna_xmcnas.cli.next_steps import running_command
from optuna_xmcnas.cli.next_steps import storage_arguments
from optuna_xmcnas.cli.search_command import _crew
from optuna_xmcnas.cli.search_command import _print_next
from optuna_xmcnas.cli.search_command import _without_trials
from optuna_xmcnas.cli.showcases import check_artifact_dir
from optuna_xmcnas.workflows import PRESETS
from optuna_xmcnas.workflows import SearchSettings


COMMANDS = sorted(get_group(app).commands)


def _page(of: typer.Typer, *command: str, width: int) -> str:
    """Return a help page, as wide as a terminal may be."""
    shown = CliRunner().invoke(of, [*command, "--help"], env={"COLUMNS": str(width)})
    assert shown.exit_code == 0, shown.output
    return shown.output


def _without_default(of: typer.Typer, *command: str) -> list[str]:
    """Return the options of a command whose line on its help page does not say what is usual.

    A required one has nothing usual, and a flag is not given usually.
    """
    lines = _page(of, *command, width=1000).splitlines()
    group = get_group(of)
    parameters = (group.commands[command[0]] if command else group).params
    silent = []
    for parameter in parameters:
        name = max(parameter.opts, key=len)
        if parameter.param_type_name != "option" or parameter.required:
            continue
        if getattr(parameter, "is_flag", False) and not parameter.secondary_opts:
            continue
        line = next(line for line in lines if re.search(rf"^│[ *]+{name}(,| )", line))
        if not re.search(r"\[default: .+\]|\(default: .+\)|\(quick: .+, paper: .+\)", line):
            silent.append(name)
    return silent


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


def test_workers_of_this_machine_get_the_options_of_the_search() -> None:
    given = {"study-name": "tags", "artifact-dir": "pictures", "vectors": None}
    crew = _crew(["cpu"], given, ["--no-dashboard"], ["ops"], "sqlite://", Path("logs"), None)
    (command,) = crew.commands
    assert command()[3:] == [
        *("worker", "--study-name", "tags", "--artifact-dir", "pictures"),
        *("--no-dashboard", "--import", "ops", "--device", "cpu"),
    ]


@pytest.mark.parametrize(
    ("folder", "shown"), [(Path("my pictures"), " --artifact-dir 'my pictures'"), (None, "")]
)
def test_the_browser_finds_the_pictures_if_there_are_any(
    folder: Path | None, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    storage = "sqlite:///tags.db"
    _print_next(Console(width=200), {}, storage, "tags", folder, 4, ["optuna-xmcnas", "search"])
    said = capsys.readouterr().out
    assert f"optuna-dashboard {storage}{shown}\n" in said
    assert f"optuna-xmcnas report --storage {storage} --study-name tags --out report.html" in said


def test_the_next_command_names_what_is_not_usual() -> None:
    assert folder_arguments(Path("optuna-xmcnas-children")) == []
    assert folder_arguments(Path("kids")) == ["--children-dir", "kids"]
    assert storage_arguments("sqlite:///optuna-xmcnas.db") == []
    assert data_arguments("docstrings", vectors=None) == []
    assert data_arguments("my texts", train_rows="rows.txt") == [
        *("--data", "my texts"),
        *("--train-rows", "rows.txt"),
    ]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_says_what_it_does_and_what_is_usual(command: str) -> None:
    for parameter in get_group(app).commands[command].params:
        assert getattr(parameter, "help", None), f"{parameter.name} has no help"
    assert _without_default(app, command) == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_names_what_it_takes_and_not_a_type(command: str) -> None:
    options = _page(app, command, width=1000).split("─ Options ─")[1]
    assert not re.search(r"<(int|float|str|path)\b.*", options)


def test_an_option_that_does_not_say_what_is_usual_is_found() -> None:
    odd = typer.Typer()

    @odd.command()
    def run(
        must: Annotated[int, typer.Option(help="Required.")],
        silent: Annotated[int | None, typer.Option(help="How many.")] = None,
        told: Annotated[int | None, typer.Option(help="How many. (default: all)")] = None,
        shown: Annotated[int, typer.Option(help="How many.")] = 3,
        flag: Annotated[bool, typer.Option("--flag", help="Do it.")] = False,
    ) -> None:
        """Run."""

    @odd.callback()
    def main() -> None:
        """Do things."""

    assert _without_default(odd, "run") == ["--silent"]


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_on_a_help_page_is_cut_at_80_columns(command: str) -> None:
    page = _page(app, command, width=80)
    assert "…" not in page
    for parameter in get_group(app).commands[command].params:
        if parameter.param_type_name == "option":
            for name in (*parameter.opts, *parameter.secondary_opts):
                assert re.search(rf"{name}\b", page), name


def test_every_command_stands_on_the_main_page_in_the_order_of_use() -> None:
    page = _page(app, width=80)
    found = re.findall(r"^│ ([a-z]+) +[A-Z]", page, re.MULTILINE)
    assert sorted(found) == COMMANDS
    assert found.index("data") < found.index("search") < found.index("confirm")
    assert found.index("confirm") < found.index("retrain") < found.index("predict")
    for panel in ("Search", "Train and use", "Look"):
        assert f"╭─ {panel} ─" in page


def test_pictures_that_cannot_be_written_are_told_of_before_anything_is_trained(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(typer.BadParameter, match=r"no folder for pictures can be made at .*file"):
        check_artifact_dir(tmp_path / "file", no_dashboard=False)
    check_artifact_dir(tmp_path / "file", no_dashboard=True)
    check_artifact_dir(tmp_path / "new" / "pictures", no_dashboard=False)
    assert (tmp_path / "new" / "pictures").is_dir()
