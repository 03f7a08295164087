"""Printing what was found: architectures, and what they are worth."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from optuna_xmcnas.baselines import LINEAR_HINT
from optuna_xmcnas.baselines import linear_is_installed
from optuna_xmcnas.drawing import draw_text
from optuna_xmcnas.drawing import fitting_weights


if TYPE_CHECKING:
    from optuna_xmcnas.genome import Genome
    from optuna_xmcnas.metrics import Interval
    from optuna_xmcnas.workflows import Confirmation
    from optuna_xmcnas.workflows import Confirmed
    from optuna_xmcnas.workflows import LinearVerdict
    from optuna_xmcnas.workflows import ModelEvaluation
    from optuna_xmcnas.workflows import Retrained
    from optuna_xmcnas.workflows import Source
    from optuna_xmcnas.workflows import Verdict


_GROUPS = {
    "head": "head (100 or more)",
    "middle": "middle (10 to 99)",
    "tail": "tail (under 10)",
}
_METRICS = ("P@1", "P@3", "P@5", "nDCG@1", "nDCG@3", "nDCG@5")


def print_verdict(console: Console, verdict: Verdict, n_complete: int) -> None:
    """Print the best architecture and what it is worth."""
    console.print()
    title = f"best of {n_complete} children: trial {verdict.trial}"
    subtitle = f"{verdict.n_parameters:,} trained weights"
    print_genome(console, verdict.genome, verdict.node_weights, title, subtitle)
    table = metrics_table("percent", with_seconds=verdict.linear is not None)
    add_row(table, "validation", verdict.validation)
    if verdict.test is None or verdict.frequent is None:
        console.print(table)
        console.print("The data has no test split.")
        return
    add_row(table, "test", verdict.test, style="bold")
    add_linear_row(table, verdict.linear)
    add_row(table, "frequent labels", verdict.frequent, style="dim")
    console.print(table)
    console.print("frequent labels: the test scores of predicting the five most frequent labels")
    print_worth(console, verdict.test, verdict.linear)


def print_genome(
    console: Console,
    genome: Genome,
    node_weights: Sequence[float] | None,
    title: str,
    subtitle: str | None = None,
) -> None:
    """Print an architecture as a tree, with each node's share in the combination."""
    node_weights = fitting_weights(genome, node_weights)
    drawing = draw_text(genome, node_weights)
    if node_weights is not None:
        drawing += "\n\nnumbers: share of the layer's output in what the attention sees"
    console.print(Panel.fit(drawing, title=title, subtitle=subtitle, title_align="left"))


def print_confirmation(console: Console, confirmation: Confirmation) -> None:
    """Print the networks that were trained again, the best mean first."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), caption="node:op(source)")
    for name in ("trial", "mean P@5", "95 %", "trainings", "in the search"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("architecture", min_width=14)
    for one in confirmation.confirmed:
        half = "" if one.half_width is None else f"± {100 * one.half_width:.2f}"
        table.add_row(
            str(one.contender.trial),
            f"{100 * one.mean:.2f}",
            half,
            str(len(one.values)),
            f"{100 * one.contender.searched:.2f}",
            str(one.contender.genome),
        )
    console.print(table)
    best = confirmation.confirmed[0]
    lucky = max(one.contender.searched for one in confirmation.confirmed)
    console.print(
        f"best: trial {best.contender.trial}, {100 * best.mean:.2f} on average; the best score of "
        f"the search, {100 * lucky:.2f}, was picked from many and is no estimate.",
        soft_wrap=not console.is_terminal,
        highlight=False,
    )
    if confirmation.failed:
        trials = ", ".join(str(one.trial) for one in confirmation.failed)
        console.print(f"[yellow]could not be trained again: {trials}[/]", highlight=False)
    near = [one for one in confirmation.confirmed[1:] if _may_be_as_good(one, best)]
    if near:
        trials = ", ".join(str(one.contender.trial) for one in near)
        console.print(
            f"not told apart from it by these seeds: {trials}",
            soft_wrap=not console.is_terminal,
            highlight=False,
        )


def _may_be_as_good(one: Confirmed, best: Confirmed) -> bool:
    """Return whether two intervals overlap; without an interval nothing is told apart."""
    if one.half_width is None or best.half_width is None:
        return True
    return one.mean + one.half_width >= best.mean - best.half_width


def metrics_table(first: str, *, with_seconds: bool = False) -> Table:
    """Return an empty table with a column per metric."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column(first, no_wrap=True)
    for metric in _METRICS:
        table.add_column(metric, justify="right")
    if with_seconds:
        table.add_column("seconds", justify="right")
    return table


def add_row(
    table: Table,
    name: str,
    metrics: Mapping[str, float],
    *,
    seconds: float | None = None,
    style: str = "",
) -> None:
    """Add a row of metrics, in percent, to a table of `metrics_table`."""
    cells = [f"{100 * metrics[metric]:.2f}" for metric in _METRICS]
    if len(table.columns) > 1 + len(_METRICS):
        cells.append("" if seconds is None else f"{seconds:,.0f}")
    table.add_row(name, *cells, style=style)


def add_linear_row(table: Table, linear: LinearVerdict | None) -> None:
    """Add what a linear model reaches on the same documents, if that is known."""
    if linear is not None:
        add_row(table, "linear trees, test", linear.test, seconds=sum(linear.seconds))


def print_worth(
    console: Console, test: Mapping[str, float] | None, linear: LinearVerdict | None
) -> None:
    """Say whether a network is worth its while: how far it is from a linear model."""
    if test is None:
        return
    if linear is None:
        if not linear_is_installed():
            hint = f"A linear model to compare with: {LINEAR_HINT}"
            console.print(hint, soft_wrap=not console.is_terminal, highlight=False, markup=False)
        return
    points = 100 * (test["P@5"] - linear.test["P@5"])
    way = "ahead of" if points > 0 else "behind"
    console.print(
        f"The network is {abs(points):.2f} points of P@5 {way} the linear trees "
        f"({linear.description}; {linear.seconds[0]:.0f} s to train, {linear.seconds[1]:.0f} s to "
        "predict).",
        soft_wrap=not console.is_terminal,
        highlight=False,
        markup=False,
    )


def print_retrained(console: Console, retrained: Retrained) -> None:
    """Print what a model is worth, each of its members, and the linear baseline."""
    metrics, linear = retrained.model.metrics, retrained.linear
    table = metrics_table("percent", with_seconds=True)
    members = metrics["members"]
    seconds = sum(member["seconds"] for member in members)
    if len(members) > 1:
        for member in members:
            if member["test"] is not None:
                name = f"seed {member['seed']}, test"
                add_row(table, name, member["test"], seconds=member["seconds"], style="dim")
    add_row(table, "validation", metrics["validation"])
    _add_test_rows(table, metrics, linear, seconds)
    console.print(table)
    if len(members) > 1:
        console.print(f"test: the {len(members)} trainings together, by their mean probability")
    if metrics["test"] is None:
        console.print("The data has no test split.")
    print_worth(console, metrics["test"], linear)


def print_transferred(console: Console, source: Source, retrained: Retrained) -> None:
    """Print what an architecture is worth where it was found, and on other texts."""
    metrics, linear = retrained.model.metrics, retrained.linear
    table = metrics_table("percent", with_seconds=True)
    found_on = f"{source.name} (study)"
    if source.validation is not None:
        add_row(table, f"{found_on}, validation", source.validation)
    if source.test is not None:
        add_row(table, f"{found_on}, test", source.test)
    table.add_section()
    add_row(table, f"{retrained.model.name}, validation", metrics["validation"])
    seconds = sum(member["seconds"] for member in metrics["members"])
    _add_test_rows(table, metrics, linear, seconds, of=f"{retrained.model.name}, ")
    console.print(table)
    console.print(
        f"The first rows are of the search's short training on {source.name}; the others of "
        f"training in full on {retrained.model.name}.",
        soft_wrap=not console.is_terminal,
        highlight=False,
        markup=False,
    )
    print_worth(console, metrics["test"], linear)


def _add_test_rows(
    table: Table,
    metrics: Mapping[str, Any],
    linear: LinearVerdict | None,
    seconds: float,
    of: str = "",
) -> None:
    if metrics["test"] is not None:
        add_row(table, f"{of}test", metrics["test"], seconds=seconds, style="bold")
    add_linear_row(table, linear)


def print_evaluation(console: Console, evaluation: ModelEvaluation) -> None:
    """Print metrics with their intervals, then what is reached by label frequency."""
    linear = evaluation.linear
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("percent", "model", *(("linear trees", "difference") if linear else ())):
        table.add_column(name, justify="left" if name.startswith("percent") else "right")
    for name, interval in evaluation.scores.items():
        if name.startswith("RP@"):
            continue
        cells = [_interval(interval)]
        if linear is not None:
            cells += [_interval(linear.scores[name]), _interval(linear.differences[name], "+")]
        table.add_row(name, *cells, end_section=name.endswith("@5"))
    console.print(table)
    console.print(_frequency_table(evaluation))
    if evaluation.n_unknown_labels:
        console.print(
            f"{evaluation.n_unknown_labels} labels of these documents are not known to the model; "
            "they count as misses."
        )
    if linear is None:
        text = f"no linear baseline: {evaluation.why_no_linear}"
        console.print(text, soft_wrap=not console.is_terminal, highlight=False, markup=False)
        return
    train, predict = linear.seconds
    console.print(
        f"linear trees: {linear.description}; {train:.0f} s to train, {predict:.0f} s to predict",
        soft_wrap=not console.is_terminal,
        highlight=False,
        markup=False,
    )


def _frequency_table(evaluation: ModelEvaluation) -> Table:
    linear = evaluation.linear
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("labels by train documents", no_wrap=True)
    names = ["known", "in the split", "recall@1", "recall@3", "recall@5", "part of P@5"]
    for name in [*names, *(["linear recall@5"] if linear else [])]:
        table.add_column(name, justify="right")
    others = linear.groups if linear else evaluation.groups
    for group, other in zip(evaluation.groups, others, strict=True):
        scores = [f"{100 * group.scores[f'recall@{k}']:.2f}" for k in (1, 3, 5)]
        scores.append(f"{100 * group.scores['P@5']:.2f}")
        if linear is not None:
            scores.append(f"{100 * other.scores['recall@5']:.2f}")
        table.add_row(_GROUPS[group.name], f"{group.n_labels:,}", f"{group.n_pairs:,}", *scores)
    return table


def _interval(interval: Interval, sign: str = "") -> str:
    value, low, high = (100 * x for x in (interval.value, interval.low, interval.high))
    return f"{value:{sign}.2f} \\[{low:{sign}.2f}, {high:{sign}.2f}]"
