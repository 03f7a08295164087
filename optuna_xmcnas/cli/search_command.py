"""``optuna-xmcnas search``: from texts to the best architecture."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
import importlib
import os
from pathlib import Path
import shlex
import sys
from typing import Annotated
from typing import Any
from typing import NoReturn
from typing import TYPE_CHECKING

from rich.console import Console
import typer

from optuna_xmcnas.cli import options
from optuna_xmcnas.cli.loading import load_data
from optuna_xmcnas.exceptions import DataError
from optuna_xmcnas.study import hide_password
from optuna_xmcnas.study import open_storage


if TYPE_CHECKING:
    from optuna_xmcnas.workflows import SearchSettings


class Preset(StrEnum):
    """Named settings."""

    quick = "quick"
    paper = "paper"


class Attention(StrEnum):
    """How the tokens of a text are summarised."""

    label = "label"
    self = "self"


def search(
    data: options.Data = options.EMBEDDED_DATA,
    vectors: options.Vectors = None,
    preset: Annotated[
        Preset,
        typer.Option(
            help="quick: minutes on two processor cores. paper: the settings of XMC-NAS (70 "
            "children of up to 30 epochs; wants a GPU). Every option below overrides it."
        ),
    ] = Preset.quick,
    trials: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Finished children the study shall have, over all runs. (quick: 12, paper: 70)",
        ),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            help="Seconds after which no further child begins; the one in training is finished. "
            "Without it, only --trials ends the search.",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of the splits, the sampler and all children.")
    ] = 0,
    storage: options.Storage = options.DEFAULT_STORAGE,
    study_name: Annotated[
        str | None,
        typer.Option(
            help="Name of the study; one that exists is continued. (default: data and preset)"
        ),
    ] = None,
    children_dir: Annotated[
        Path,
        typer.Option(
            help="Folder for the weights of the best child, one folder per study in it.",
            metavar="DIR",
        ),
    ] = Path("optuna-xmcnas-children"),
    device: Annotated[
        str, typer.Option(help="cpu, cuda, cuda:1, ...; auto takes a GPU if there is one.")
    ] = "auto",
    train_rows: options.TrainRows = None,
    test_rows: options.TestRows = None,
    max_tokens: Annotated[
        int | None,
        typer.Option(min=1, help="Tokens of a text that are read. (quick: 32, paper: 500)"),
    ] = None,
    train_documents: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Train on a random subset of this size; 0 takes all. (quick: 8000, paper: 0)",
        ),
    ] = None,
    validation_documents: Annotated[
        int | None,
        typer.Option(min=1, help="Documents to select by. (quick: 1000, paper: 200)"),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(min=1, help="Passes over the documents, at most. (quick: 4, paper: 30)"),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(min=1, help="Documents in a training step. (quick: 64, paper: 40)"),
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Of Adam, constant. (quick: 0.004, paper: 0.001)")
    ] = None,
    hidden: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Width of a recurrent layer per direction; every layer is twice as wide. "
            "(quick: 64, paper: 256)",
        ),
    ] = None,
    attention: Annotated[
        Attention | None,
        typer.Option(
            help="label: one query per label, strong and slow. self: a few shared queries. "
            "(quick: self, paper: label)"
        ),
    ] = None,
    ops: Annotated[
        str | None,
        typer.Option(
            help="Operations to search over, separated by commas. (default: all)",
            metavar="OP,OP,...",
        ),
    ] = None,
    min_layers: Annotated[
        int | None, typer.Option(min=1, help="Layers at least. (default: 2)")
    ] = None,
    max_layers: Annotated[
        int | None, typer.Option(min=1, help="Layers at most. (default: 6)")
    ] = None,
    population_size: Annotated[
        int | None,
        typer.Option(min=1, help="Trials that can breed. (quick: 6, paper: 20)"),
    ] = None,
    sample_size: Annotated[
        int | None,
        typer.Option(min=1, help="Trials drawn, of which the best breeds. (quick: 3, paper: 10)"),
    ] = None,
    imports: Annotated[
        list[str] | None,
        typer.Option(
            "--import",
            help="Python module to import first, for operations of your own; may be repeated.",
            metavar="MODULE",
        ),
    ] = None,
) -> None:
    """Search the best architecture for a data set, and judge it on the test split.

    The study lives in the storage: interrupt with Ctrl-C whenever you like, and the same command
    continues. Without options, it searches on documentation found on this machine, in minutes.
    """
    console = Console()
    # How long a waiting thread spins; read once, when PyTorch is imported. With another program on
    # the cores, the usual spinning doubles a step's time; without any, this costs a tenth.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    for module in imports or ():
        _import(module)
    with console.status("starting PyTorch"):
        from optuna_xmcnas import workflows
    from optuna_xmcnas.cli.progress import SearchProgress
    from optuna_xmcnas.cli.results import print_verdict

    settings = _settings(
        workflows.PRESETS[preset.value],
        search={
            "n_trials": trials,
            "timeout_s": timeout,
            "seed": seed,
            "population_size": population_size,
            "sample_size": sample_size,
        },
        space={
            "ops": tuple(op.strip() for op in ops.split(",")) if ops else None,
            "min_layers": min_layers,
            "max_layers": max_layers,
        },
        data={
            "max_tokens": max_tokens,
            "validation_documents": validation_documents,
            "seed": seed,
        },
        child={"hidden": hidden, "attention": attention.value if attention else None},
        training={
            "epochs": epochs,
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "seed": seed,
            "device": device,
        },
    )
    if train_documents is not None:  # 0 means all, which `data` writes as None
        subset = replace(settings.data, train_documents=train_documents or None)
        settings = replace(settings, data=subset)

    opened = open_storage(storage)
    again = _command(storage)
    try:
        raw = load_data(data, train_rows, test_rows, console)
        name = study_name or f"{raw.name}-{preset.value}"
        progress = SearchProgress(console, study_name=name)
        with progress:
            outcome = workflows.search(
                raw,
                settings,
                storage=opened,
                study_name=name,
                children_dir=children_dir,
                vectors=vectors,
                observer=progress,
            )
    except KeyboardInterrupt:
        _say_interrupted(console, "Interrupted.", again)
    if outcome.verdict is None:
        finished = f"{outcome.n_complete} of {settings.n_trials} children finished"
        _say_interrupted(console, f"Interrupted with {finished}.", again)
    assert outcome.verdict is not None  # or the program has ended above
    print_verdict(console, outcome.verdict, outcome.n_complete)
    _print_next(console, storage, name, outcome.n_complete, again)


def _settings(
    preset: SearchSettings, *, search: dict[str, Any], **sections: dict[str, Any]
) -> SearchSettings:
    """Return a preset with everything replaced that is not None."""
    from optuna_xmcnas.training import resolve_device

    try:
        changed = {
            section: replace(getattr(preset, section), **_given(values))
            for section, values in sections.items()
        }
        settings = replace(preset, **_given(search), **changed)
        resolve_device(settings.training.device)
        return settings
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _import(module: str) -> None:
    sys.path.insert(0, str(Path.cwd()))  # a module beside the data, as `python -m` finds it
    try:
        importlib.import_module(module)
    except ImportError as error:
        raise DataError(f"cannot import the module {module!r}: {error}.") from error
    finally:
        sys.path.pop(0)


def _command(storage: str) -> list[str]:
    """Return the command that is running, fit to be shown."""
    arguments = [argument.replace(storage, hide_password(storage)) for argument in sys.argv[1:]]
    return ["optuna-xmcnas", *arguments]


def _say_interrupted(console: Console, what: str, again: list[str]) -> NoReturn:
    console.print(f"{what} Continue with the same command:", highlight=False)
    console.print(f"  {shlex.join(again)}", soft_wrap=True, highlight=False, markup=False)
    raise typer.Exit(130)


def _without_trials(command: list[str]) -> list[str]:
    kept: list[str] = []
    for argument in command:
        if kept and kept[-1] == "--trials":
            kept.pop()
        elif not argument.startswith("--trials="):
            kept.append(argument)
    return kept


def _print_next(
    console: Console, storage: str, study_name: str, n_complete: int, again: list[str]
) -> None:
    shown = shlex.quote(hide_password(storage))
    name = shlex.quote(study_name)
    more = shlex.join([*_without_trials(again), "--trials", str(2 * n_complete)])
    lines = (
        ("its best trials", f"optuna-xmcnas show --storage {shown} --study-name {name}"),
        ("in the browser", f"optuna-dashboard {shown}"),
        ("search on", more),
    )
    console.print("\nNext:")
    for what, command in lines:
        console.print(f"  {what:<16} {command}", soft_wrap=True, highlight=False, markup=False)
