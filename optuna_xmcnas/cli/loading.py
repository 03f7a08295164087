"""Reading the data that a command was given, and saying what it holds."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
import typer

from optuna_xmcnas.cli.options import EMBEDDED_DATA


if TYPE_CHECKING:
    from optuna_xmcnas.data import TextDataset
    from optuna_xmcnas.data import XmcDataset


def load_data(
    data: str, train_rows: Path | None, test_rows: Path | None, console: Console
) -> TextDataset:
    """Return the data set in a folder, or the embedded one."""
    from optuna_xmcnas.data import load_docstrings
    from optuna_xmcnas.data import read_dataset

    if data != EMBEDDED_DATA:
        with console.status(f"reading {escape(data)}"):
            return read_dataset(data, train_rows=train_rows, test_rows=test_rows)
    if train_rows or test_rows:
        raise typer.BadParameter("row files select documents of a folder; say which folder.")
    with console.status("collecting docstrings (the first time takes up to a minute)"):
        return load_docstrings()


def make_folder(folder: Path) -> None:
    """Make a folder that files will be written to, or say why that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise typer.BadParameter(
            f"cannot write to {folder}: {error.strerror}", param_hint="--children-dir"
        ) from error


def print_data(console: Console, data: XmcDataset) -> None:
    """Say what a data set holds."""
    n_test = len(data.test) if data.test is not None else 0
    console.print(
        f"[bold]{escape(data.name)}[/]: {len(data.train):,} train, {len(data.validation):,} "
        f"validation, {n_test:,} test documents; {data.n_labels:,} labels; "
        f"{len(data.vocabulary):,} words of {data.vectors.shape[1]} numbers",
        highlight=False,
        soft_wrap=not console.is_terminal,
    )
    if data.coverage is not None:
        missing = 100 * data.coverage.out_of_vocabulary_tokens
        console.print(
            f"{missing:.1f} % of the running words have no vector in the file",
            highlight=False,
            soft_wrap=not console.is_terminal,
        )
