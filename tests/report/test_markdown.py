"""A report as Markdown."""

from __future__ import annotations

from itertools import groupby
import re

import pytest

from optuna_xmcnas.report import Report
from optuna_xmcnas.report import report_markdown
from optuna_xmcnas.report.blocks import Paragraph
from optuna_xmcnas.report.blocks import Table
from tests.report.pages import CASES
from tests.report.pages import report_of


def _without_fences(text: str) -> list[str]:
    parts = re.split(r"^(?:`{3,})\w*$", text, flags=re.MULTILINE)
    assert len(parts) % 2 == 1  # every fence ends
    return "".join(parts[::2]).splitlines()


@pytest.mark.parametrize("case", CASES)
def test_tables_have_as_many_cells_in_every_row(case: str) -> None:
    lines = _without_fences(report_markdown(report_of(case)))
    for is_table, rows in groupby(lines, key=lambda line: line.startswith("|")):
        if is_table:
            found = [len(re.findall(r"(?<!\\)\|", row)) for row in rows]
            assert len(set(found)) == 1, found


@pytest.mark.parametrize("case", CASES)
def test_every_section_has_its_heading(case: str) -> None:
    report = report_of(case)
    lines = _without_fences(report_markdown(report))
    assert [line[3:] for line in lines if line.startswith("## ")] == [
        section.title for section in report.sections
    ]


def test_the_winner_is_a_tree_and_a_chart() -> None:
    text = report_markdown(report_of("thirty"))
    assert "```text\nembedding\n" in text
    assert "```mermaid\nflowchart" in text


def test_hostile_texts_format_nothing() -> None:
    text = report_markdown(report_of("failures"))
    outside = re.sub(r"`[^`\n]*`", "", "\n".join(_without_fences(text)))
    assert not re.search(r"(?<!\\)<script", outside)
    assert not re.search(r"(?<!\\)\[d", outside)


def test_what_would_be_formatted_is_escaped() -> None:
    table = Table("a|b", ("x_y", "_z_"), (("`c|d`", "1*2"),))
    text = report_markdown(Report("t", (Paragraph("<b>"), table), (), "us"))
    assert "\\<b\\>" in text
    assert "| x_y | \\_z\\_ |" in text
    assert "| `c/d` | 1\\*2 |" in text
