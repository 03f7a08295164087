"""The commands as one program: errors, signals, colours and logging."""

from __future__ import annotations

from collections.abc import Callable
import inspect
import logging
import os
import signal
import sys
from types import FrameType
from typing import Annotated

import optuna
from rich.console import Console
from rich.markup import escape
import typer

from optuna_xmcnas.cli.compare_command import compare
from optuna_xmcnas.cli.confirm_command import confirm
from optuna_xmcnas.cli.data_command import data
from optuna_xmcnas.cli.draw_command import draw
from optuna_xmcnas.cli.evaluate_command import evaluate
from optuna_xmcnas.cli.export_command import export
from optuna_xmcnas.cli.log_lines import LogLines
from optuna_xmcnas.cli.plan_command import plan
from optuna_xmcnas.cli.predict_command import predict
from optuna_xmcnas.cli.report_command import report
from optuna_xmcnas.cli.retrain_command import retrain
from optuna_xmcnas.cli.search_command import search
from optuna_xmcnas.cli.show_command import show
from optuna_xmcnas.cli.transfer_command import transfer
from optuna_xmcnas.cli.worker_command import worker
from optuna_xmcnas.exceptions import XmcNasError
from optuna_xmcnas.version import __version__


def _paragraphs(command: Callable[..., None]) -> str:
    """Return what a command says of itself, each paragraph on one line, for pages of any width.

    Example:
        >>> _paragraphs(show)
        'Print the best trials of a study and their architectures.'
    """
    paragraphs = (inspect.getdoc(command) or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


_PIPE_WIDTH = "120"  # columns of help and errors in a pipe or a file

app = typer.Typer(
    name="optuna-xmcnas",
    help="Search neural architectures for tagging texts with many labels.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # a traceback with local values could show a password
    context_settings={"help_option_names": ["-h", "--help"]},
)
_PANELS: dict[str, tuple[Callable[..., None], ...]] = {  # of the help page, in the order of use
    "Search": (data, plan, search, worker, confirm),
    "Train and use": (retrain, transfer, evaluate, predict, export),
    "Look": (show, draw, report, compare),
}
for _panel, _commands in _PANELS.items():
    for _command in _commands:
        app.command(help=_paragraphs(_command), rich_help_panel=_panel)(_command)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


def _forbid_colours(wanted: bool) -> None:
    if wanted:
        os.environ["NO_COLOR"] = "1"  # what every console looks at, also those of libraries


@app.callback()
def _settings(
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose", "-v", help="Log every evaluation of every child, on standard error."
        ),
    ] = False,
    no_color: Annotated[
        bool,
        typer.Option(
            "--no-color",
            callback=_forbid_colours,
            is_eager=True,  # before the help page is printed
            help="Print no colours, as with the environment variable NO_COLOR.",
        ),
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)  # what it would say, we show
    handler = LogLines(with_time=verbose)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[handler])
    logging.getLogger("optuna_xmcnas").setLevel(logging.INFO if verbose else logging.WARNING)


def main() -> None:
    """Run the program and exit with its code: 0 done, 2 wrong input, 130 interrupted."""
    signal.signal(signal.SIGTERM, _interrupt)
    _widen_pages()
    try:
        app()
    except XmcNasError as error:
        message = f"[bold red]error:[/] {escape(str(error))}"
        Console(stderr=True).print(message, highlight=False, soft_wrap=True)
        sys.exit(2)


def _widen_pages() -> None:
    """Let help and errors be wider than 80 columns where there is no terminal to ask."""
    has_terminal = any(os.isatty(descriptor) for descriptor in range(3))
    if not has_terminal and "COLUMNS" not in os.environ:
        os.environ.setdefault("TERMINAL_WIDTH", _PIPE_WIDTH)  # Typer's name for it


def _interrupt(signum: int, frame: FrameType | None) -> None:
    """End as Ctrl-C does when the system asks to (a container or a batch queue that stops)."""
    raise KeyboardInterrupt
