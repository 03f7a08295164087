"""Where a command's words go: to people, or to programs as one JSON document.

A command that prints a result has the option ``--json`` (`options.AsJson`). It asks `console_for`
for its console, prints to it for people as always, and calls `emit` in the end.
"""

from __future__ import annotations

from collections.abc import Mapping
import json
import math
from numbers import Integral
from numbers import Real
import os
from pathlib import Path
import sys
from typing import Any

from rich.console import Console


_FORMAT = 1  # of the documents; a change that a reader would notice makes it 2
_PIPE_WIDTH = 200  # columns; nobody breaks lines for a file


def console_for(*, as_json: bool = False) -> Console:
    """Return the console for what people read.

    It is the standard output, or the standard error if the former is to hold JSON. Away from a
    terminal it is wide, and has no control characters.
    """
    stream = sys.stderr if as_json else sys.stdout
    is_terminal = stream.isatty()
    has_width = is_terminal or "COLUMNS" in os.environ
    return Console(
        stderr=as_json,
        width=None if has_width else _PIPE_WIDTH,
        force_interactive=None if is_terminal else False,
    )


def emit(command: str, record: Mapping[str, object]) -> None:
    """Print a result as the one JSON document on standard output.

    Args:
        command: What was run.
        record: What came out; see `to_json_values`.
    """
    assert not record.keys() & {"format", "command"}
    document = {"format": _FORMAT, "command": command, **record}
    text = json.dumps(to_json_values(document), indent=2, allow_nan=False)
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def to_json_values(value: object) -> Any:
    """Return a value in the types of JSON; a number that is not finite becomes null.

    Raises:
        TypeError: If it holds anything that has no obvious form.

    Example:
        >>> to_json_values({"P@5": float("nan"), "files": (Path("a.txt"),)})
        {'P@5': None, 'files': ['a.txt']}
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str | Path):
        return str(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): to_json_values(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json_values(item) for item in value]
    raise TypeError(f"a {type(value).__name__} has no form in JSON: {value!r}.")
