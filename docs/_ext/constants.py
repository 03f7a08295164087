"""Gives the constants of a part an entry at the end of its page.

`automodule` leaves out what a part lists but another file defines, unless it is a class or a
function. The documentation of a constant is the text below it or the comment beside it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
import importlib
import inspect
from pathlib import Path
import re
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from sphinx.application import Sphinx


_PACKAGE = "optuna_xmcnas"
_LONGEST_VALUE = 80  # characters


def setup(app: Sphinx) -> dict[str, bool]:
    """Have Sphinx call this extension for each page it reads."""
    app.connect("source-read", _write_constants)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _write_constants(app: Sphinx, page: str, source: list[str]) -> None:
    match = re.fullmatch(r"reference/(\w+)", page)
    if match and f"automodule:: {_PACKAGE}.{match[1]}" in source[0]:
        entries = [line for entry in _entries(f"{_PACKAGE}.{match[1]}") for line in entry]
        if entries:
            lines = ["", "## Constants and types", "", "```{eval-rst}", *entries, "```", ""]
            source[0] += "\n".join(lines)


def _entries(part_name: str) -> Iterator[list[str]]:
    part = importlib.import_module(part_name)
    for name in part.__all__:
        thing = getattr(part, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            continue
        value, text = _definition(part.__file__ or "", name)
        head = [f".. py:data:: {name}"]  # of the module that the page is about
        if len(value) <= _LONGEST_VALUE:
            head.append(f"   :value: {value}")
        yield [*head, "", *(f"   {line}" for line in text.splitlines()), ""]


@cache
def _definition(part_file: str, name: str) -> tuple[str, str]:
    """Return the source of a constant's value, and what is said of it."""
    for file in sorted(Path(part_file).parent.glob("*.py")):
        text = file.read_text("utf-8")
        statements = ast.parse(text).body
        for statement, below in zip(statements, [*statements[1:], None], strict=True):
            if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
                continue
            targets = (
                statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            )
            if not any(isinstance(one, ast.Name) and one.id == name for one in targets):
                continue
            value = ast.unparse(statement.value)
            if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
                return value, inspect.cleandoc(str(below.value.value))
            _, _, comment = text.splitlines()[(statement.end_lineno or 1) - 1].partition("  # ")
            return value, comment[:1].upper() + comment[1:] + "." * bool(comment)
    raise LookupError(f"no file of {part_file} defines {name}")
