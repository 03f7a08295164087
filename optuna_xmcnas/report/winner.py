"""The winner, and those that came near it."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from typing import TYPE_CHECKING

from optuna_xmcnas.analysis import duration
from optuna_xmcnas.drawing import fitting_weights
from optuna_xmcnas.drawing import trial_caption
from optuna_xmcnas.report.amounts import large
from optuna_xmcnas.report.amounts import memory
from optuna_xmcnas.report.amounts import percent
from optuna_xmcnas.report.amounts import points
from optuna_xmcnas.report.blocks import Block
from optuna_xmcnas.report.blocks import code
from optuna_xmcnas.report.blocks import Drawing
from optuna_xmcnas.report.blocks import Listing
from optuna_xmcnas.report.blocks import name
from optuna_xmcnas.report.blocks import Paragraph
from optuna_xmcnas.report.blocks import Section
from optuna_xmcnas.report.blocks import Table
from optuna_xmcnas.report.course import origin_of
from optuna_xmcnas.report.summary import luck_of


if TYPE_CHECKING:
    from optuna_xmcnas.analysis import Row
    from optuna_xmcnas.report.findings import Findings


_BEST = 10
_COLUMNS = ("P@1", "P@3", "P@5", "nDCG@5")
_MOST_METRICS = 24
_DRAWING = (
    "Each node reads the output that its line comes from; the numbers are the shares of the nodes "
    "in what the labels are read from, and the thick path leads to the largest."
)


def winner_section(findings: Findings) -> Section:
    """Return the winner: drawn, as text, with all that is known of it."""
    return Section("The winner", tuple(_winner(findings)))


def best_section(findings: Findings) -> Section:
    """Return the best ten trials."""
    history, measure = findings.history, findings.measure
    sign = 1.0 if history.maximize else -1.0
    rows = sorted(history.complete, key=lambda row: (-sign * (row.value or 0.0), row.number))
    if not rows:
        return Section("The best ten", (Paragraph("No child has finished."),))
    shown = rows[:_BEST]
    metrics = [one for one in _COLUMNS if any(_metric(row, one) is not None for row in shown)]
    names = metrics if measure.is_share else [measure.name]
    judged = ["test P@5"] if any(row.number in history.test for row in shown) else []
    table = Table(
        "Best trials, by their score in the search",
        ("trial", *names, *judged, "architecture", "weights", "time", "from"),
        tuple(
            (
                str(row.number),
                *(_score(findings, row, metric) for metric in names),
                *(percent(history.test.get(row.number, {}).get("P@5")) for _ in judged),
                code(row.genome or ""),
                _parameters(row),
                _time(row),
                origin_of(row.parent, row.mutation, row.phase),
            )
            for row in shown
        ),
        note="An architecture lists its nodes as number:operation(source); 0 is the embedding. "
        "Each score is of one training: neighbours in this table may well be equally good.",
    )
    return Section("The best ten", (table,))


def _winner(findings: Findings) -> Iterator[Block]:
    winner, measure = findings.winner, findings.measure
    if winner is None or winner.value is None:
        yield Paragraph("No child has finished, so nothing was won.")
        return
    record = winner.record
    if record is None:
        yield Paragraph(
            f"Trial {winner.number} has the value {measure.text(winner.value)}. Nobody wrote down "
            "its architecture: it was added by another program, or by another version of this one."
        )
        return
    yield Paragraph(_DRAWING)
    parent = findings.row(record.parent)
    yield Drawing(
        genome=record.genome,
        node_weights=fitting_weights(record.genome, record.node_weights),
        parent=None if parent is None else parent.genome,
        title=f"trial {winner.number} · {measure.name} {measure.text(winner.value)}",
        caption=trial_caption(record.parent, record.mutation),
    )
    yield Table("What is known of it", ("what", "value"), tuple(_facts(winner)))
    yield from _metrics(findings, record.metrics)
    if findings.confirmed:
        yield Paragraph(luck_of(findings))
        yield _confirmed(findings)
    yield Listing("json", record.genome.to_json(), "Its genome; `--genome FILE` reads it back")


def _facts(winner: Row) -> Iterator[tuple[str, str]]:
    record = winner.record
    if record is None:
        return
    yield "trial", str(winner.number)
    yield "architecture", code(record.genome)
    origin = trial_caption(record.parent, record.mutation)
    yield "from", name(origin) or f"{winner.phase}: no parent"
    if record.seed is not None:
        yield "seed of its training", str(record.seed)
    if record.n_parameters is not None:
        yield "trained weights", large(record.n_parameters)
    if record.seconds is not None:
        yield "time of its training", duration(record.seconds)
    if record.epochs is not None:
        yield "epochs begun", str(record.epochs)
    if record.stop_reason is not None:
        yield "why its training ended", name(record.stop_reason)
    if record.peak_memory_bytes is not None:
        yield "peak memory", memory(record.peak_memory_bytes)
    if record.device is not None:
        yield "device", name(record.device)


def _metrics(findings: Findings, validation: Mapping[str, float]) -> Iterator[Block]:
    test, linear = findings.winner_on_test, findings.history.linear
    of_linear: Mapping[str, float] = {} if linear is None else linear.test
    columns = {"validation": validation, "test": test, "linear trees, test": of_linear}
    known = {title: metrics for title, metrics in columns.items() if metrics}
    names = list(dict.fromkeys([*validation, *test]))
    if not names:
        return
    gaps = ["winner less linear, points"] if test and of_linear else []
    yield Table(
        "Its metrics",
        ("metric", *known, *gaps),
        tuple(
            (
                name(metric),
                *(percent(metrics.get(metric)) for metrics in known.values()),
                *(_gap(test.get(metric), of_linear.get(metric)) for _ in gaps),
            )
            for metric in names[:_MOST_METRICS]
        ),
        note=""
        if test
        else "The winner was not judged on the test split: `search` does that when it ends.",
    )


def _confirmed(findings: Findings) -> Table:
    measure = findings.measure
    return Table(
        "Networks that were trained again with fresh seeds",
        ("trial", "architecture", "in the search", "new trainings", "their mean"),
        tuple(
            (
                str(one.row.number),
                code(one.row.genome or ""),
                measure.text(one.row.value or 0.0),
                str(one.score.n),
                measure.interval(one.score),
            )
            for one in findings.confirmed[:_BEST]
        ),
        note="Means with 95 % intervals (Student's t). The score of the search is not in the "
        "mean: the network was chosen for it.",
    )


def _metric(row: Row, metric: str) -> float | None:
    return None if row.record is None else row.record.metrics.get(metric)


def _gap(one: float | None, other: float | None) -> str:
    return "-" if one is None or other is None else points(one - other)


def _score(findings: Findings, row: Row, metric: str) -> str:
    if not findings.measure.is_share:
        return "-" if row.value is None else findings.measure.text(row.value)
    return percent(_metric(row, metric))


def _parameters(row: Row) -> str:
    n = None if row.record is None else row.record.n_parameters
    return "-" if n is None else f"{n / 1e6:.2f} M"


def _time(row: Row) -> str:
    seconds = None if row.record is None else row.record.seconds
    return "-" if seconds is None else duration(seconds)
