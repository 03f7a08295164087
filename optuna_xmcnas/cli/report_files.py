"""Writing reports to files, and what there must not be written over."""

from __future__ import annotations

import os
from pathlib import Path
import secrets
from typing import TYPE_CHECKING

import typer

from optuna_xmcnas.exceptions import DataError


if TYPE_CHECKING:
    from optuna_xmcnas.report import Report


_HTML, _MARKDOWN = frozenset({".html", ".htm"}), frozenset({".md", ".markdown"})
_LONGEST_NAME = 200  # bytes of a file's name: systems allow 255, a temporary one is longer
_HEAD = 2000  # characters in which a report says that it is one


def check_report_file(path: Path, *, overwrite: bool) -> None:
    """Say what is wrong with the file of a report, before there is anything to write.

    Reports may be replaced by newer ones; anything else stays.

    Raises:
        BadParameter: If its name has another ending, or it is a folder.
        DataError: If there is a file that is no report, or no folder.
    """
    if path.suffix.lower() not in _HTML | _MARKDOWN:
        raise typer.BadParameter(
            f"{path} must end in .html or .md, which says what is written.", param_hint="--out"
        )
    if len(path.name.encode()) > _LONGEST_NAME:
        raise typer.BadParameter(
            f"the name of {path} has more than {_LONGEST_NAME} bytes.", param_hint="--out"
        )
    if path.is_dir():
        raise typer.BadParameter(f"{path} is a folder.", param_hint="--out")
    if not path.absolute().parent.is_dir():
        raise DataError(f"there is no folder {path.absolute().parent} to write {path.name} to.")
    if path.exists() and not overwrite and not _is_report(path):
        raise DataError(
            f"{path} is there and is no report of this program; give another --out or --overwrite."
        )


def write_report(path: Path, report: Report) -> int:
    """Write a report, as HTML or Markdown by the ending of the file's name.

    Returns:
        Its size in bytes.

    Raises:
        DataError: If the file cannot be written.
    """
    from optuna_xmcnas.report import report_html
    from optuna_xmcnas.report import report_markdown

    is_html = path.suffix.lower() in _HTML
    text = report_html(report) if is_html else report_markdown(report)
    content = text.encode("utf-8", "replace")
    # in its place in one step: who looks at the old one while it is replaced sees all of it
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise DataError(f"cannot write {path}: {error.strerror or error}.") from error
    return len(content)


def _is_report(path: Path) -> bool:
    from optuna_xmcnas.report.html import MARK as HTML_MARK
    from optuna_xmcnas.report.markdown import MARK as MARKDOWN_MARK

    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}.") from error
    return HTML_MARK in head or head.startswith(MARKDOWN_MARK)
