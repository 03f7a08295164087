"""Lines of a text file, plain or gzip, with errors that name the file and the line."""

from __future__ import annotations

import gzip
from pathlib import Path
import re
from typing import IO
from typing import TYPE_CHECKING
import zlib

from optuna_xmcnas.exceptions import DataError


if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Iterator


LARGEST_NUMBER = 2**31 - 1  # of a count or an index in a file


def error_at(path: Path | str, number: int, problem: str) -> DataError:
    """Return an error that says where a file is wrong; lines are counted from 1."""
    return DataError(f"{path}, line {number}: {problem}")


def parse_number(text: str, path: Path | str, number: int, expected: str) -> int:
    """Return a count or an index, written in the digits 0 to 9 alone.

    `int` would also take ``1_0`` and other digits, and fails on very long ones.

    Args:
        text: What stands in the file.
        path: The file.
        number: Of the line.
        expected: What should stand there, in words.

    Raises:
        DataError: If it is no such number, or larger than `LARGEST_NUMBER`.

    Example:
        >>> parse_number("12", "rows.txt", 1, expected="a row number")
        12
    """
    if not re.fullmatch(r"[0-9]+", text):
        raise error_at(path, number, f"expected {expected}; got {text[:60]!r}.")
    digits = text.lstrip("0") or "0"
    if len(digits) > len(str(LARGEST_NUMBER)) or int(digits) > LARGEST_NUMBER:
        raise error_at(
            path, number, f"the number {text[:30]} is too large; allowed: 0..{LARGEST_NUMBER}."
        )
    return int(digits)


def read_lines(path: Path) -> Iterator[str]:
    r"""Yield the lines of a UTF-8 file, without their ends; a name in ``.gz`` is decompressed.

    Only ``\n`` ends a line: `str.splitlines` also cuts at U+2028, U+0085 and others, which stand
    within documents and would shift texts against labels. A ``\r`` before the end is dropped.

    Raises:
        DataError: If the file cannot be read, is no valid UTF-8 or a damaged gzip file.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            yield from decode_lines(stream, path)
    except OSError as error:
        if isinstance(error, gzip.BadGzipFile):
            raise DataError(f"{path} is not a gzip file: {error}") from error
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error


def decode_lines(stream: IO[bytes] | Iterable[bytes], path: Path | str) -> Iterator[str]:
    """Yield the lines of an open binary file; see `read_lines`."""
    number = 0
    try:
        for number, raw in enumerate(stream, start=1):
            line = raw.decode("utf-8").removesuffix("\n").removesuffix("\r")
            yield line.removeprefix("\ufeff") if number == 1 else line  # byte order mark
    except UnicodeDecodeError as error:
        raise error_at(path, number, f"not valid UTF-8 ({error.reason}).") from error
    except (EOFError, zlib.error) as error:
        raise error_at(
            path, number + 1, f"the compressed file is truncated or damaged ({error})."
        ) from error
