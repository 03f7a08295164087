from __future__ import annotations

import json
from pathlib import Path
import subprocess
import sys

import pytest

from optuna_xmcnas.data import docstring_scan
from optuna_xmcnas.data.docstring_scan import Docstring
from optuna_xmcnas.data.docstring_scan import scan_file
from optuna_xmcnas.data.docstring_scan import scan_source


SOURCE = b'''"""The   module's
text."""
import does_not_exist
if True:
    def branch():
        """In a branch."""
else:
    def other():
        """In the other."""
try:
    pass
except ImportError:
    async def handler():
        """In a handler."""
class Outer:
    """The class."""
    class Inner:
        def method(self):
            """A method."""
            def local():
                """Not looked at."""
    def silent(self): pass
'''


def test_docstrings_are_found_with_their_scope() -> None:
    assert scan_source(SOURCE) == [
        Docstring([], "", "The module's text."),
        Docstring([], "branch", "In a branch."),
        Docstring([], "other", "In the other."),
        Docstring([], "handler", "In a handler."),
        Docstring([], "Outer", "The class."),
        Docstring(["Outer", "Inner"], "method", "A method."),
    ]


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"x = 1",
        b'"""never ends',
        b'print "old Python", """x"""',
        b'"""null \0 byte"""',
        b'# coding: nonsense\n"""text"""',
        b"\xff'''text'''",
        b'"""deep"""\nx = ' + b"(" * 500 + b")" * 500,
    ],
)
def test_foreign_sources_without_meaning_have_no_docstrings(source: bytes) -> None:
    assert scan_source(source) == []


def test_warnings_about_foreign_sources_are_not_shown() -> None:
    assert scan_source(b'"""Regex \\d."""\nx = "\\w" is 1') == [Docstring([], "", "Regex \\d.")]


def test_declared_encodings_are_understood() -> None:
    assert scan_source('# coding: latin-1\n"""Für."""'.encode("latin-1")) == [
        Docstring([], "", "Für.")
    ]


def test_missing_file_has_no_docstrings(tmp_path: Path) -> None:
    assert scan_file(str(tmp_path / "none.py")) == []


def test_script_answers_for_each_file_in_order(tmp_path: Path) -> None:
    files = [tmp_path / "a.py", tmp_path / "none.py", tmp_path / "b.py"]
    files[0].write_bytes(SOURCE)
    files[2].write_bytes(b'"""\\ud800 B."""')
    done = subprocess.run(
        [sys.executable, "-I", docstring_scan.__file__],
        input=json.dumps([str(file) for file in files]),
        capture_output=True,
        text=True,
        check=True,
    )
    found = [[Docstring(*one) for one in of_file] for of_file in json.loads(done.stdout)]
    assert found == [scan_source(SOURCE), [], [Docstring([], "", "\ud800 B.")]]
