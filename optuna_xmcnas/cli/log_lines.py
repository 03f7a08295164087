"""Warnings and what ``--verbose`` adds, as lines on standard error."""

from __future__ import annotations

import logging
import sys
from typing import final

from rich.console import Console
from rich.text import Text


@final
class LogLines(logging.Handler):
    """Writes records as lines that are never broken: in a file each is one line, and can be found.

    The standard error is looked up for each of them: a live view takes its place meanwhile, and
    puts lines above itself.

    Args:
        with_time: Whether lines begin with the time of the day.
    """

    def __init__(self, *, with_time: bool) -> None:
        super().__init__()
        self._with_time = with_time

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        try:
            sys.stderr.write(self._line(record))
            sys.stderr.flush()
        except BrokenPipeError:
            pass  # nobody reads them
        except Exception:  # as all handlers: what cannot be logged must not end a training
            self.handleError(record)

    def _line(self, record: logging.LogRecord) -> str:
        level = record.levelname.lower()
        style = "bold red" if record.levelno >= logging.ERROR else "yellow"
        line = Text()
        if self._with_time:
            moment = logging.Formatter().formatTime(record, "%H:%M:%S")
            line.append(f"{moment} ", style="dim")
        line.append(f"{level}: ", style=style if record.levelno >= logging.WARNING else "dim")
        line.append(self.format(record))
        console = Console(stderr=True)  # made here: it knows whether there is a terminal
        with console.capture() as captured:
            console.print(line, soft_wrap=True)
        return captured.get()
