"""A report as Markdown."""

from __future__ import annotations

from collections.abc import Iterator
import re
from typing import assert_never
from typing import TYPE_CHECKING

from optuna_xmcnas.drawing import draw_mermaid
from optuna_xmcnas.drawing import draw_text
from optuna_xmcnas.report.blocks import Chart
from optuna_xmcnas.report.blocks import Drawing
from optuna_xmcnas.report.blocks import Listing
from optuna_xmcnas.report.blocks import Paragraph
from optuna_xmcnas.report.blocks import pieces
from optuna_xmcnas.report.blocks import Table


if TYPE_CHECKING:
    from optuna_xmcnas.report.blocks import Block
    from optuna_xmcnas.report.blocks import Report


MARK = "<!-- optuna_xmcnas report -->"
"""The first line of every report that is Markdown."""

# an underscore within a word means nothing
_FORMATTING = re.compile(r"[\\`*\[\]<>|~&$#]|(?<!\w)_|_(?!\w)")


def report_markdown(report: Report) -> str:
    """Return a report as Markdown with tables, as GitHub and others show it.

    Figures are left out, the tables beside them say the same; the architecture is a text and a
    Mermaid chart.

    Example:
        >>> from optuna_xmcnas.report.blocks import Report, Section
        >>> section = Section("Costs", (Table("Time", ("what", "s"), (("all", "3"),)),))
        >>> print(report_markdown(Report("Study", (), (section,), "us")))
        <!-- optuna_xmcnas report -->
        # Study
        <BLANKLINE>
        ## Costs
        <BLANKLINE>
        **Time**
        <BLANKLINE>
        | what | s |
        |---|--:|
        | all | 3 |
        <BLANKLINE>
        Made by us.
        <BLANKLINE>
    """
    parts = [f"{MARK}\n# {_text(report.title)}", *_blocks(report.summary)]
    for section in report.sections:
        parts += [f"## {_text(section.title)}", *_blocks(section.blocks)]
    parts.append(f"Made by {_text(report.maker)}.")
    return "\n\n".join(parts) + "\n"


def _blocks(blocks: tuple[Block, ...]) -> Iterator[str]:
    for block in blocks:
        text = _block(block)
        if text:
            yield text


def _block(block: Block) -> str:
    match block:
        case Paragraph():
            return f"> **Careful.** {_text(block.text)}" if block.is_warning else _text(block.text)
        case Table():
            return "\n\n".join(_table(block))
        case Chart():
            return ""
        case Drawing():
            caption = f" ({_text(block.caption)})" if block.caption else ""
            return (
                f"**{_text(block.title)}**{caption}\n\n"
                f"{_fence('text', draw_text(block.genome, block.node_weights))}\n\n"
                f"{_fence('mermaid', draw_mermaid(block.genome, block.node_weights))}"
            )
        case Listing():
            title = f"{_text(block.title)}:\n\n" if block.title else ""
            return title + _fence(block.language, block.text)
        case _:
            assert_never(block)


def _table(table: Table) -> Iterator[str]:
    yield f"**{_text(table.title)}**"
    lines = [_row(table.columns), "|" + "|".join(_rules(table)) + "|"]
    lines += [_row(row) for row in table.rows]
    yield "\n".join(lines)
    if table.note:
        yield _text(table.note)


def _rules(table: Table) -> Iterator[str]:
    for is_number in table.is_number:
        yield "--:" if is_number else "---"


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(map(_text, cells)) + " |"


def _text(text: str) -> str:
    parts = [
        f"`{part.replace('|', '/')}`" if is_code else _FORMATTING.sub(r"\\\g<0>", part)
        for part, is_code in pieces(" ".join(text.split("\n")))
    ]
    return "".join(parts)


def _fence(language: str, text: str) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"
