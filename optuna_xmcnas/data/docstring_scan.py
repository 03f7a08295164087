"""Finds the docstrings in Python source files, without importing what it reads.

Also a script: it takes a JSON list of file names on standard input and writes a JSON list of what
`scan_file` returns for each. So several of them can run beside each other, in processes that know
nothing of the caller's: it imports the standard library only.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from collections.abc import Iterator
import json
import sys
from typing import NamedTuple
import warnings


class Docstring(NamedTuple):
    """One docstring and where it stands within its module."""

    scope: list[str]  # the classes around it, outermost first
    name: str  # of the class or function; "" for that of the module
    text: str  # white space collapsed


def scan_file(path: str) -> list[Docstring]:
    """Return the docstrings of a file's module, classes, functions and methods.

    What stands in a function is not looked at. A file that cannot be read or parsed has none: it
    is someone else's, for instance a template or for another version of Python.
    """
    try:
        with open(path, "rb") as stream:
            return scan_source(stream.read())
    except OSError:
        return []


def scan_source(source: bytes) -> list[Docstring]:
    r"""Return the docstrings in the source text of a module; see `scan_file`.

    Example:
        >>> source = b"class A:\n    def b(self):\n        '''Says  hello.'''"
        >>> scan_source(source)
        [Docstring(scope=['A'], name='b', text='Says hello.')]
    """
    if b'"""' not in source and b"'''" not in source:
        return []  # a fifth of the files: not worth parsing for a docstring in plain quotes
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes and the like in foreign sources
            module = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found = [Docstring([], "", _text(module))] if _text(module) else []
    found.extend(_scan_body(module.body, []))
    return found


def _scan_body(body: Iterable[ast.stmt], scope: list[str]) -> Iterator[Docstring]:
    for statement in body:
        if isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if text := _text(statement):
                yield Docstring(scope, statement.name, text)
            if isinstance(statement, ast.ClassDef):
                yield from _scan_body(statement.body, [*scope, statement.name])
        elif isinstance(statement, ast.If | ast.Try | ast.With):  # e.g. `if sys.platform == ...`
            yield from _scan_body(_branches(statement), scope)


def _branches(statement: ast.If | ast.Try | ast.With) -> Iterator[ast.stmt]:
    yield from statement.body
    if isinstance(statement, ast.Try):
        for handler in statement.handlers:
            yield from handler.body
        yield from statement.finalbody
    if not isinstance(statement, ast.With):
        yield from statement.orelse


def _text(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    return " ".join((ast.get_docstring(node, clean=False) or "").split())


if __name__ == "__main__":
    json.dump([scan_file(path) for path in json.load(sys.stdin)], sys.stdout)
