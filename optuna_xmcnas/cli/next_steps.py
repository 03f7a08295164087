"""What to do next: commands that can be copied."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
import os
from pathlib import Path
import shlex
import sys
from typing import NoReturn

from rich.console import Console
import typer

from optuna_xmcnas.cli import options
from optuna_xmcnas.study import hide_password


_WIDTH = 16  # columns of what a command is for


def storage_arguments(storage: str) -> list[str]:
    """Return what a command needs to find the same storage, without its password."""
    is_known = storage == options.DEFAULT_STORAGE or is_in_environment(storage)
    return [] if is_known else ["--storage", hide_password(storage)]


def is_in_environment(storage: str) -> bool:
    """Return whether a storage is the one of the environment variable."""
    return os.environ.get(options.STORAGE_VARIABLE) == storage


def data_arguments(data: str, **files: object) -> list[str]:
    """Return what a command needs to read the same data: the option's value, by option."""
    given = {"data": None if data == options.EMBEDDED_DATA else data, **files}
    return [
        text
        for name, value in given.items()
        if value is not None
        for text in (f"--{name.replace('_', '-')}", str(value))
    ]


def folder_arguments(children_dir: Path) -> list[str]:
    """Return what a command needs to find the same children and checkpoints."""
    is_usual = children_dir == options.DEFAULT_CHILDREN_DIR
    return [] if is_usual else ["--children-dir", str(children_dir)]


def import_arguments(modules: Sequence[str] | None) -> list[str]:
    """Return what a command needs to know the same operations."""
    return [text for module in modules or () for text in ("--import", module)]


def running_command(storage: str) -> list[str]:
    """Return the command that is running, fit to be shown."""
    arguments = [argument.replace(storage, hide_password(storage)) for argument in sys.argv[1:]]
    return ["optuna-xmcnas", *arguments]


def say_interrupted(console: Console, what: str, again: list[str]) -> NoReturn:
    """Say how an interrupted command goes on, and end with the code of an interruption."""
    console.print(f"{what} Continue with the same command:", highlight=False)
    console.print(f"  {shlex.join(again)}", soft_wrap=True, highlight=False, markup=False)
    raise typer.Exit(130)


def print_next(console: Console, commands: Mapping[str, str | Sequence[str]]) -> None:
    """Print commands, each with what it is for."""
    console.print("\nNext:")
    for what, command in commands.items():
        text = command if isinstance(command, str) else shlex.join(["optuna-xmcnas", *command])
        console.print(f"  {what:<{_WIDTH}} {text}", soft_wrap=True, highlight=False, markup=False)
