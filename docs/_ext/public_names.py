"""Lists the names of the package, and finds the page of a name, wherever it is written from.

In ``reference/index.md`` the lines ``<!-- names -->`` and ``<!-- parts -->`` are replaced by
tables. Types in signatures
are known by the file that defines them, and the package offers some names of its parts once more;
both lead to the name that the part lists as public.
"""

from __future__ import annotations

from collections.abc import Sequence
import importlib
import inspect
from pathlib import Path
import re
from types import ModuleType
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from docutils.nodes import Element
    from docutils.nodes import TextElement
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment


_PACKAGE = "optuna_xmcnas"
_PAGE = "reference/index"
_NAMES = "<!-- names -->"
_PARTS = "<!-- parts -->"
_ROLE = re.compile(r":\w+:`~?(?:\w+\.)*(\w+)`")


def setup(app: Sphinx) -> dict[str, bool]:
    """Have Sphinx call this extension for each page and each reference that leads nowhere."""
    app.connect("source-read", _write_tables)
    app.connect("missing-reference", _find)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _write_tables(app: Sphinx, page: str, source: list[str]) -> None:
    if page == _PAGE:
        package = importlib.import_module(_PACKAGE)
        names = [_row(package, name) for name in package.__all__]
        pages = sorted(Path(app.srcdir, "reference").glob("*.md"))
        parts = [_part_row(page.stem) for page in pages if page.stem not in ("cli", "index")]
        source[0] = source[0].replace(_NAMES, _table("name", names))
        source[0] = source[0].replace(_PARTS, _table("part", parts))


def _table(heading: str, rows: Sequence[str]) -> str:
    return "\n".join([f"| {heading} | what it is |", "|---|---|", *rows])


def _part_row(name: str) -> str:
    part = importlib.import_module(f"{_PACKAGE}.{name}")
    sentence = (part.__doc__ or "").partition("\n")[0].rstrip(":.")
    return f"| [{_PACKAGE}.{name}]({name}.md) | {sentence} |"


def _row(package: ModuleType, name: str) -> str:
    thing = getattr(package, name)
    sentence = (inspect.getdoc(thing) or "").partition("\n")[0]
    sentence = _ROLE.sub(r"`\1`", sentence)
    return f"| {{py:obj}}`{name} <{_home(thing)}>` | {sentence} |"


def _home(thing: object) -> str:
    """Return the name that the part of a thing lists."""
    part = getattr(thing, "__module__", "").split(".")[1]
    return f"{_PACKAGE}.{part}.{getattr(thing, '__name__', '')}"


def _find(
    app: Sphinx, environment: BuildEnvironment, node: pending_xref, content: TextElement
) -> Element | None:
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"]
    python = environment.domains.python_domain
    name = target.rpartition(".")[2]
    parts = target.split(".")
    candidates = []
    if parts[0] == _PACKAGE and len(parts) > 2:
        candidates.append(f"{_PACKAGE}.{parts[1]}.{name}")
    if parts[0] == _PACKAGE and len(parts) == 2:
        candidates.append(_home(getattr(importlib.import_module(_PACKAGE), name, None)))
    if len(parts) == 1:
        candidates.extend(
            full
            for full in python.objects
            if full.startswith(_PACKAGE) and full.endswith("." + name)
        )
    for candidate in candidates:
        if candidate in python.objects:
            return python.resolve_xref(
                environment, node["refdoc"], app.builder, "obj", candidate, node, content
            )
    return None
