"""Reports as a browser shows them."""

from __future__ import annotations

from pathlib import Path
import re

import pytest

from optuna_xmcnas.report import compare_studies
from optuna_xmcnas.report import comparison_report
from optuna_xmcnas.report import report_html
from tests.browser import Browser
from tests.browser import chromium
from tests.report.pages import report_of
from tests.report.test_comparison import THREE


# what went wrong, and whether the page is wider than its window, as attributes of its root
_WATCH = """<script>
window.addEventListener("error", function (event) {
  document.documentElement.dataset.error = event.message;
});
document.addEventListener("securitypolicyviolation", function (event) {
  document.documentElement.dataset.refused = event.violatedDirective + " " + event.blockedURI;
});
</script>"""
_MEASURE = """<script>
document.documentElement.dataset.wide =
  document.documentElement.scrollWidth > window.innerWidth ? "yes" : "no";
</script>"""


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    return chromium(tmp_path)


def check(
    browser: Browser, folder: Path, html: str, name: str, *, width: int, is_dark: bool = False
) -> None:
    """Check that a page is drawn without errors, as wide as its window."""
    path = folder / "page.html"
    watched = html.replace("<head>", f"<head>{_WATCH}", 1).replace("</body>", f"{_MEASURE}</body>")
    path.write_text(watched, "utf-8")
    shown = browser.look(path.as_uri(), width=width, height=9000, name=name, is_dark=is_dark)
    root = re.search(r"<html[^>]*>", shown)
    assert root is not None
    assert "data-error" not in root[0]
    assert "data-refused" not in root[0]
    assert 'data-wide="no"' in root[0]
    n_charts = html.count('<figure class="chart"')
    assert (
        len(
            re.findall(
                r'id="chart-\w+"[^>]*class="[^"]*js-plotly-plot|'
                r'class="[^"]*js-plotly-plot[^"]*"[^>]*id="chart-',
                shown,
            )
        )
        == n_charts
    )


@pytest.mark.parametrize(
    ("case", "width"),
    [
        ("one", 800),
        ("judged", 800),
        ("many", 1400),
        ("many", 800),
        ("failures", 800),
        ("tpe", 1400),
    ],
)
def test_a_report_is_drawn_whole(browser: Browser, tmp_path: Path, case: str, width: int) -> None:
    check(browser, tmp_path, report_html(report_of(case)), f"report-{case}-{width}", width=width)


def test_a_report_is_drawn_on_a_dark_page(browser: Browser, tmp_path: Path) -> None:
    html = report_html(report_of("judged"))
    check(browser, tmp_path, html, "report-judged-dark", width=1400, is_dark=True)


def test_a_comparison_is_drawn_whole(browser: Browser, tmp_path: Path) -> None:
    html = report_html(comparison_report(compare_studies(THREE)))
    check(browser, tmp_path, html, "comparison-800", width=800)
