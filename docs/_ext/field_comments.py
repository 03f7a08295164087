"""Documents each field of a dataclass, and each member of an enumeration, with its class.

What is said of a field is a line of ``Attributes:`` in the docstring of the class or, for
settings, the comment at the end of the field's line, which is where one looks for unit and origin
in the source. Fields are what the class is called with, so they are shown as its parameters.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
import dataclasses
from enum import Enum
import functools
import inspect
import io
import re
import tokenize
from typing import Any
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from sphinx.application import Sphinx


_SECTION = re.compile(r"(Raises|Returns|Example|Examples|Note):")
_ATTRIBUTE = re.compile(r" {4}(\w+)(?: \([^)]*\))?: (.*)")
_NO_TYPE = ["..", ""]  # napoleon takes what stands before a colon in the first line for a type


def setup(app: Sphinx) -> dict[str, bool]:
    """Have Sphinx call this extension for each documented thing."""
    app.connect("autodoc-process-docstring", _describe, priority=400)  # before napoleon
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _describe(
    app: Sphinx, what: str, name: str, thing: Any, options: object, lines: list[str]
) -> None:
    if what in ("attribute", "property") and any(lines):
        lines[:0] = _NO_TYPE
    if what != "class" or not inspect.isclass(thing):
        return
    if issubclass(thing, Enum):
        comments = _comments(thing)
        members = [f"* ``{member.name}``: {comments.get(member.name, '')}" for member in thing]
        lines += [*(line.rstrip(": ") for line in members), ""]
    elif dataclasses.is_dataclass(thing):
        kept, attributes = _without_attributes(lines)
        said = {**_comments(thing), **attributes}
        fields = [field.name for field in dataclasses.fields(thing) if field.name in said]
        if fields and "Args:" not in kept:
            described = [f"    {field}: {_sentence(said[field])}" for field in fields]
            place = next((i for i, line in enumerate(kept) if _SECTION.fullmatch(line)), len(kept))
            lines[:] = [*kept[:place], "", "Args:", *described, "", *kept[place:]]


def _sentence(comment: str) -> str:
    return comment[0].upper() + comment[1:] + "." * (not comment.endswith("."))


def _without_attributes(lines: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Return a docstring without its section ``Attributes:``, and what that says of each name."""
    kept: list[str] = []
    found: dict[str, str] = {}
    is_inside = False
    name = ""
    for line in lines:
        if line == "Attributes:":
            is_inside = True
        elif is_inside and line.startswith(" "):
            if match := _ATTRIBUTE.fullmatch(line):
                name = match[1]
                found[name] = match[2]
            else:
                found[name] += " " + line.strip()
        elif is_inside and line:
            is_inside = False
            kept.append(line)
        elif not is_inside:
            kept.append(line)
    return kept, found


@functools.cache
def _comments(owner: type[Any]) -> dict[str, str]:
    """Return the comment of each field that has one: on its last line, and lines below it."""
    try:
        source = inspect.cleandoc("\n" + inspect.getsource(owner))
    except (OSError, TypeError):
        return {}
    body = ast.parse(source).body[0]
    assert isinstance(body, ast.ClassDef)
    comments = {
        token.start[0]: (token.start[1], token.string.removeprefix("#").strip())
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    lines = source.splitlines()
    found = {}
    for statement in body.body:
        if isinstance(statement, ast.Assign):
            target = statement.targets[0]
        elif isinstance(statement, ast.AnnAssign):
            target = statement.target
        else:
            continue
        parts = []
        first, last = statement.lineno, statement.end_lineno or statement.lineno
        parts.extend(comments[line][1] for line in range(first, last + 1) if line in comments)
        below = last + 1
        while parts and below in comments and lines[below - 1].lstrip().startswith("#"):
            parts.append(comments[below][1])
            below += 1
        if parts and isinstance(target, ast.Name):
            found[target.id] = " ".join(parts)
    return found
