"""Writes the pages of the command line from the program's own options.

In ``reference/cli.md`` the line ``<!-- commands -->`` is replaced by a section for each command.
"""

from __future__ import annotations

from collections.abc import Iterator
import re
from typing import Any
from typing import TYPE_CHECKING

import typer
from typer.main import get_group

from optuna_xmcnas.cli.app import app as program


if TYPE_CHECKING:
    from sphinx.application import Sphinx


_PAGE = "reference/cli"
_MARKER = "<!-- commands -->"
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def setup(app: Sphinx) -> dict[str, bool]:
    """Have Sphinx call this extension for each page it reads."""
    app.connect("source-read", _write_commands)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _write_commands(app: Sphinx, page: str, source: list[str]) -> None:
    if page == _PAGE:
        before, marker, after = source[0].partition(_MARKER)
        assert marker, f"{_PAGE}.md has no line {_MARKER}"
        source[0] = before + "\n".join(_commands()) + after


def _commands() -> Iterator[str]:
    """Yield the lines of all sections, the options of the program itself last."""
    group = get_group(program)
    context = typer.Context(group, info_name=program.info.name)
    for name, command in group.commands.items():
        yield from _section(name, command, typer.Context(command, info_name=name, parent=context))
    yield from ("## All commands", "", "These stand before the name of the command.", "")
    yield from _options(group, context, program.info.name or "")


def _section(name: str, command: Any, context: typer.Context) -> Iterator[str]:
    whole = f"{program.info.name} {name}"
    usage = " ".join([whole, *command.collect_usage_pieces(context)])
    yield from (f"## {name}", "", "```text", _PLACEHOLDER.sub(_upper, usage), "```", "")
    yield from (_markdown(command.help or ""), "")
    yield from _options(command, context, whole)


def _upper(match: re.Match[str]) -> str:
    return match[1].upper()


def _options(command: Any, context: typer.Context, whole: str) -> Iterator[str]:
    """Yield the options of a command, by the headings that they have in its help."""
    panels: dict[str, list[tuple[str, str]]] = {}
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is None or "--help" in parameter.opts:
            continue
        is_argument = parameter.param_type_name == "argument"
        panel = parameter.rich_help_panel or ("Arguments" if is_argument else "Options")
        usage, text = record
        if is_argument:
            usage = usage.partition(" <")[0]
            usage = usage.upper() if usage.islower() else usage
        panels.setdefault(panel, []).append((usage, text))
    yield from (f"```{{program}} {whole}", "```", "")
    for panel, records in panels.items():
        yield from (f"```{{rubric}} {panel}", "```", "")
        for usage, text in records:
            yield from (f"````{{option}} {usage}", "", _markdown(text), "````", "")


def _markdown(text: str) -> str:
    """Return plain help text as Markdown that shows it as it is, code in backticks excepted."""
    parts = text.split("`")
    parts[::2] = [re.sub(r"([\\*_<>\[\]])", r"\\\1", part) for part in parts[::2]]
    return "`".join(parts)
