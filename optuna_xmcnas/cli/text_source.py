"""Texts from a file or the standard input, one at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
import gzip
import json
import os
from pathlib import Path
import sys
from typing import Any
from typing import BinaryIO
from typing import cast

from optuna_xmcnas.data.lines import decode_lines
from optuna_xmcnas.data.lines import error_at
from optuna_xmcnas.exceptions import DataError


STANDARD_INPUT = "-"

_JSON_ENDINGS = (".jsonl", ".json", ".ndjson")


class InputFormat(StrEnum):
    """How a file holds its texts."""

    text = "text"
    jsonl = "jsonl"


@dataclass(frozen=True)
class TextSource:
    """What texts are read from.

    Attributes:
        name: For messages.
        stream: Its lines.
        n_bytes: Its size, if known.
        position: Returns how many bytes were read so far.
        is_keyboard: Whether a person types it.
    """

    name: str
    stream: Iterable[bytes]
    n_bytes: int | None
    position: Callable[[], int]
    is_keyboard: bool = False


@contextmanager
def open_source(file: str) -> Iterator[TextSource]:
    """Open a file, decompressed if its name ends in ``.gz``; ``-`` is the standard input.

    Raises:
        DataError: If it cannot be read.
    """
    if file == STANDARD_INPUT:
        stdin = sys.stdin
        yield TextSource("standard input", stdin.buffer, None, lambda: 0, stdin.isatty())
        return
    with _opened(file) as raw:
        stream = gzip.GzipFile(fileobj=raw) if file.endswith(".gz") else raw
        n_bytes = os.fstat(raw.fileno()).st_size or None  # a pipe has none
        position = raw.tell if raw.seekable() else lambda: 0
        yield TextSource(file, cast("Iterable[bytes]", stream), n_bytes, position)


def format_of(file: str) -> InputFormat:
    """Return the format that the name of a file tells.

    Example:
        >>> format_of("new.jsonl.gz").value, format_of("new.txt").value
        ('jsonl', 'text')
    """
    is_json = file.removesuffix(".gz").endswith(_JSON_ENDINGS)
    return InputFormat.jsonl if is_json else InputFormat.text


def read_texts(
    source: TextSource, field: str | None, kept: deque[dict[str, Any]]
) -> Iterator[str]:
    """Yield the texts of a source, and append what their answers repeat to ``kept``.

    Args:
        source: What to read.
        field: Where a JSON line holds its text; None if a line is a text.
        kept: Gets one entry for each text that was read: its ``"id"``, if it has one.

    Raises:
        DataError: If something cannot be read; the message names the line.
    """
    try:
        for number, line in enumerate(decode_lines(source.stream, source.name), start=1):
            if field is None:
                kept.append({})
                yield line
                continue
            record = _record(line, source.name, number)
            text = _text(record, field, source.name, number)
            kept.append({"id": record["id"]} if "id" in record else {})
            yield text
    except OSError as error:
        raise DataError(f"{source.name} cannot be read: {error.strerror or error}.") from error


def _opened(file: str) -> BinaryIO:
    try:
        return Path(file).open("rb")
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror or error}.") from error


def _record(line: str, name: str, number: int) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:  # also: a number of too many digits
        raise error_at(name, number, f"not valid JSON ({error}).") from error
    if not isinstance(record, dict):
        raise error_at(name, number, f"expected a JSON object; got {line[:60]!r}.")
    return record


def _text(record: dict[str, Any], field: str, name: str, number: int) -> str:
    if field not in record:
        known = ", ".join(map(repr, record)) or "none"
        problem = f"there is no field {field!r}; it has: {known}. Choose with --field."
        raise error_at(name, number, problem)
    text = record[field]
    if not isinstance(text, str):
        problem = f"the field {field!r} must be a string; got {type(text).__name__}."
        raise error_at(name, number, problem)
    return text
