"""Printing what a search found."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from optuna_xmcnas.analysis import draw_text


if TYPE_CHECKING:
    from optuna_xmcnas.genome import Genome
    from optuna_xmcnas.workflows import Verdict


_METRICS = ("P@1", "P@3", "P@5", "nDCG@1", "nDCG@3", "nDCG@5")


def print_verdict(console: Console, verdict: Verdict, n_complete: int) -> None:
    """Print the best architecture and what it is worth."""
    console.print()
    title = f"best of {n_complete} children: trial {verdict.trial}"
    subtitle = f"{verdict.n_parameters:,} trained weights"
    print_genome(console, verdict.genome, verdict.node_weights, title, subtitle)
    table = metrics_table("percent")
    _add_row(table, "validation", verdict.validation)
    if verdict.test is None or verdict.frequent is None:
        console.print(table)
        console.print("The data has no test split.")
        return
    _add_row(table, "test", verdict.test, style="bold")
    _add_row(table, "frequent labels", verdict.frequent, style="dim")
    console.print(table)
    console.print("frequent labels: the test scores of predicting the five most frequent labels")


def print_genome(
    console: Console,
    genome: Genome,
    node_weights: Sequence[float] | None,
    title: str,
    subtitle: str | None = None,
) -> None:
    """Print an architecture as a tree, with each node's share in the combination."""
    drawing = draw_text(genome, node_weights)
    if node_weights is not None:
        drawing += "\n\nnumbers: share of the layer's output in what the attention sees"
    console.print(Panel.fit(drawing, title=title, subtitle=subtitle, title_align="left"))


def metrics_table(first: str) -> Table:
    """Return an empty table with a column per metric."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column(first, no_wrap=True)
    for metric in _METRICS:
        table.add_column(metric, justify="right")
    return table


def _add_row(table: Table, name: str, metrics: Mapping[str, float], style: str = "") -> None:
    table.add_row(name, *(f"{100 * metrics[metric]:.2f}" for metric in _METRICS), style=style)
