"""The commands as one program: errors, signals and logging."""

from __future__ import annotations

import logging
import signal
import sys
from types import FrameType
from typing import Annotated

import optuna
from rich.console import Console
from rich.logging import RichHandler
from rich.markup import escape
import typer

from optuna_xmcnas.cli.confirm_command import confirm
from optuna_xmcnas.cli.data_command import data
from optuna_xmcnas.cli.evaluate_command import evaluate
from optuna_xmcnas.cli.export_command import export
from optuna_xmcnas.cli.plan_command import plan
from optuna_xmcnas.cli.predict_command import predict
from optuna_xmcnas.cli.retrain_command import retrain
from optuna_xmcnas.cli.search_command import search
from optuna_xmcnas.cli.show_command import show
from optuna_xmcnas.cli.transfer_command import transfer
from optuna_xmcnas.cli.worker_command import worker
from optuna_xmcnas.exceptions import XmcNasError
from optuna_xmcnas.version import __version__


app = typer.Typer(
    name="optuna-xmcnas",
    help="Search neural architectures for tagging texts with many labels.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # a traceback with local values could show a password
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(plan)
app.command()(search)
app.command()(confirm)
app.command()(retrain)
app.command()(transfer)
app.command()(evaluate)
app.command()(predict)
app.command()(export)
app.command()(worker)
app.command()(show)
app.command()(data)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _settings(
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Log every evaluation of every child.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)  # what it would say, we show
    handler = RichHandler(console=Console(stderr=True), show_path=False, show_time=verbose)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[handler])
    logging.getLogger("optuna_xmcnas").setLevel(logging.INFO if verbose else logging.WARNING)


def main() -> None:
    """Run the program and exit with its code: 0 done, 2 wrong input, 130 interrupted."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        app()
    except XmcNasError as error:
        message = f"[bold red]error:[/] {escape(str(error))}"
        Console(stderr=True).print(message, highlight=False, soft_wrap=True)
        sys.exit(2)


def _interrupt(signum: int, frame: FrameType | None) -> None:
    """End as Ctrl-C does when the system asks to (a container or a batch queue that stops)."""
    raise KeyboardInterrupt
