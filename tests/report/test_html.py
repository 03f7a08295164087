"""A report as HTML."""

from __future__ import annotations

from html.parser import HTMLParser
import json

import pytest

from optuna_xmcnas.report import build_report
from optuna_xmcnas.report import report_html
from tests.report.pages import CASES
from tests.report.pages import HOSTILE
from tests.report.pages import report_of


_VOID = {"meta", "link", "br", "img", "input", "hr"}
_LOADING = {"src", "href", "srcset", "data", "action", "poster", "xlink:href"}


class Page(HTMLParser):
    """What a page has: headings, scripts, addresses; unbalanced elements raise."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[str] = []
        self.scripts: list[str] = []
        self.figures: list[str] = []
        self.addresses: list[str] = []
        self.handlers: list[str] = []
        self.text: list[str] = []
        self._kind: str | None = None
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.addresses += [str(found[name]) for name in _LOADING & set(found)]
        self.handlers += [name for name in found if name.startswith("on")]
        if tag not in _VOID:
            self.open.append(tag)
        if tag == "script":
            self._kind = found.get("type") or "code"
            (self.figures if found.get("type") else self.scripts).append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [str(value) for name, value in attrs if name in _LOADING]

    def handle_data(self, data: str) -> None:
        last = self.open[-1] if self.open else ""
        if last == "script":
            (self.scripts if self._kind == "code" else self.figures)[-1] += data
        elif last in ("h1", "h2"):
            self.headings.append(data)
        elif last != "style":
            self.text.append(data)


@pytest.mark.parametrize("case", CASES)
def test_pages_are_whole_and_load_nothing(case: str) -> None:
    report = report_of(case)
    html = report_html(report)
    page = Page(html)
    assert page.headings[1:] == [section.title for section in report.sections]
    assert all(address.startswith(("#", "data:,")) for address in page.addresses)
    assert page.handlers == []
    assert "default-src 'none'" in html
    assert len(html.encode("utf-8", "replace")) < 7_000_000
    for figure in page.figures:
        assert json.loads(figure)["data"]


def test_plotly_is_there_once_where_there_is_a_figure() -> None:
    page = Page(report_html(report_of("thirty")))
    assert [len(script) > 1_000_000 for script in page.scripts] == [True, False]
    assert Page(report_html(report_of("none"))).scripts == []


def test_names_and_reasons_cannot_bring_elements_with_them() -> None:
    html = report_html(report_of("failures"))
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html
    assert "<script>alert('x')" in "".join(Page(html).text)
    assert HOSTILE not in html


def test_links_of_the_contents_lead_to_the_sections() -> None:
    html = report_html(report_of("none"))
    targets = [one for one in Page(html).addresses if one.startswith("#")]
    assert len(targets) == 14
    assert all(f'<section id="{target[1:]}">' in html for target in targets)


def test_the_winner_is_drawn_within_the_page() -> None:
    drawings = report_html(report_of("judged")).split('<figure class="drawing">')[1:]
    assert [drawing.strip().startswith("<svg xmlns=") for drawing in drawings] == [True]


def test_a_password_is_not_shown() -> None:
    report = build_report(CASES["judged"](), storage="postgresql+psycopg2://ann:secret@host/db")
    html = report_html(report)
    assert "secret" not in html
    assert "ann:***@host" in html
