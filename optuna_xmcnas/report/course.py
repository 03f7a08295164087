"""How a study went: its population, the operations in it, who came from whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from optuna_xmcnas.figures import family_figure
from optuna_xmcnas.figures import operations_figure
from optuna_xmcnas.figures import progress_figure
from optuna_xmcnas.report.amounts import percent
from optuna_xmcnas.report.blocks import Block
from optuna_xmcnas.report.blocks import Chart
from optuna_xmcnas.report.blocks import code
from optuna_xmcnas.report.blocks import name
from optuna_xmcnas.report.blocks import Paragraph
from optuna_xmcnas.report.blocks import Section
from optuna_xmcnas.report.blocks import Table
from optuna_xmcnas.report.blocks import thinned


if TYPE_CHECKING:
    from optuna_xmcnas.analysis import Moment
    from optuna_xmcnas.analysis import Relative
    from optuna_xmcnas.report.findings import Findings


_MOST_ROWS = 100  # of a long table
_MOST_STEPS = 30  # of a line of descent, or of new best scores
_MOST_OPS = 30
_LANDMARKS = (0.5, 0.75, 1.0)  # shares of the study, after its random phase


def progress_section(findings: Findings) -> Section:
    """Return the scores, child by child."""
    population = findings.population
    blocks: list[Block] = [Paragraph(said(population.sentence))]
    if population.moments:
        title = f"{population.measure.name} of children, of the population, and the best so far"
        blocks.append(Chart("progress", title, progress_figure(population).to_json()))
        blocks += [_improvements(findings), _moments(findings)]
    return Section("How the search went", tuple(blocks))


def operations_section(findings: Findings) -> Section:
    """Return the shares of the operations in the population."""
    population = findings.population
    whose = "the population" if population.is_population else "the children that finished last"
    n = len(population.moments)
    if not population.ops:
        text = (
            "No child with a known architecture has finished." if n else "No child has finished."
        )
        return Section("Operations", (Paragraph(text),))
    marks = {max(1, round(share * n)) for share in _LANDMARKS}
    at = sorted(marks | {population.random_until or max(1, n // 4)})
    ops = population.ops[:_MOST_OPS]
    table = Table(
        f"Share of each operation in {whose}",
        ("operation", *(f"after {count:,}" for count in at)),
        tuple(
            (
                code(op),
                *(percent(population.moments[count - 1].shares.get(op, 0.0)) for count in at),
            )
            for op in ops
        ),
        note=f"Shares of all nodes in the last {population.size} finished children. What rises is "
        "what the search finds useful; a share of so few moves by chance alone, too.",
    )
    chart = Chart("operations", f"Operations in {whose}", operations_figure(population).to_json())
    return Section("Operations", (chart, table) if n > 1 else (table,))


def family_section(findings: Findings) -> Section:
    """Return who came from whom."""
    tree = findings.tree
    blocks: list[Block] = [Paragraph(said(tree.sentence))]
    if tree.relatives:
        by_number = {relative.number: relative for relative in tree.relatives}
        line = [by_number[number] for number in tree.line if number in by_number]
        if any(one.parent is not None for one in tree.relatives):
            blocks.append(Chart("family", "Family tree", family_figure(tree).to_json()))
        if len(line) > 1:
            blocks.append(
                _relatives(findings, "The winner and its ancestors, the oldest first", line)
            )
        if tree.mutations:
            blocks.append(
                Table(
                    "Mutations that made finished children",
                    ("mutation", "children"),
                    tuple((code(what), f"{n:,}") for what, n in tree.mutations.items()),
                )
            )
        blocks.append(_relatives(findings, "Children in the tree", tree.relatives, is_folded=True))
    return Section("Family tree", tuple(blocks))


def said(sentence: str) -> str:
    """Return a sentence of an analysis; code in it is kept unless its end is missing."""
    return sentence.replace("`", "'") if sentence.count("`") % 2 else sentence


def origin_of(parent: int | None, mutation: str | None, phase: str) -> str:
    """Return where a genome is from, in short.

    Example:
        >>> origin_of(7, "swap_op", "evolved"), origin_of(None, None, "random")
        ('7 by swap_op', 'random')
    """
    if parent is None:
        return name(phase)
    return f"{parent}" + (f" by {name(mutation)}" if mutation else "")


def _improvements(findings: Findings) -> Table:
    measure = findings.measure
    found: list[tuple[int, Moment]] = []
    for position, moment in enumerate(findings.population.moments, start=1):
        if moment.best_number == moment.number:
            found.append((position, moment))
    rows = [
        (
            f"{position:,}",
            str(moment.number),
            measure.text(moment.value),
            code(moment.genome or ""),
            origin_of(moment.parent, moment.mutation, moment.phase),
        )
        for position, moment in found
    ]
    return Table(
        "Each new best",
        ("finished", "trial", measure.name, "architecture", "from"),
        thinned(rows, _MOST_STEPS),
        note="" if len(rows) <= _MOST_STEPS else f"{_MOST_STEPS} of {len(rows):,}.",
    )


def _moments(findings: Findings) -> Table:
    measure, moments = findings.measure, findings.population.moments
    rows = [
        (
            f"{position:,}",
            "-" if moment.hours is None else f"{moment.hours:.2f}",
            str(moment.number),
            measure.text(moment.value),
            measure.text(moment.best),
            measure.text(moment.mean),
            f"{measure.text(moment.low)} to {measure.text(moment.high)}",
            str(moment.phase),
        )
        for position, moment in enumerate(moments, start=1)
    ]
    spread = f" {_MOST_ROWS} of {len(rows):,}, evenly spread." if len(rows) > _MOST_ROWS else ""
    whose = "population" if findings.population.is_population else "children"
    return Table(
        "Child by child",
        (
            "finished",
            "hours",
            "trial",
            measure.name,
            "best so far",
            f"mean of the {whose}",
            "its middle half",
            "made",
        ),
        thinned(rows, _MOST_ROWS),
        note=f"The {whose}: the last {findings.population.size} that had finished.{spread}",
        is_folded=True,
    )


def _relatives(
    findings: Findings, title: str, relatives: Sequence[Relative], *, is_folded: bool = False
) -> Table:
    measure, tree = findings.measure, findings.tree
    most = _MOST_ROWS if is_folded else _MOST_STEPS
    rows = [
        (
            str(one.number),
            origin_of(one.parent, one.mutation, one.phase),
            measure.text(one.value),
            code(one.genome or ""),
            "yes" if one.is_living else "",
        )
        for one in relatives
    ]
    notes = []
    if len(rows) > most:
        notes.append(f"{most} of {len(rows):,}, evenly spread.")
    if is_folded and tree.n_left_out:
        notes.append(f"{tree.n_left_out:,} finished children are not in the tree.")
    return Table(
        title,
        ("trial", "from", measure.name, "architecture", "in the population"),
        thinned(rows, most),
        note=" ".join(notes),
        is_folded=is_folded,
    )
