"""The analyses of XMC-NAS (ICONIP 2020, sections 3.3 and 4), from the trials of a study."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from optuna_xmcnas.analysis import depth_weights
from optuna_xmcnas.analysis import embedding_readers
from optuna_xmcnas.analysis import paired_weights
from optuna_xmcnas.analysis import position_weights
from optuna_xmcnas.analysis import scores_by_layers
from optuna_xmcnas.figures import bilstm_figure
from optuna_xmcnas.figures import convergence_figure
from optuna_xmcnas.figures import depth_weights_figure
from optuna_xmcnas.figures import layers_figure
from optuna_xmcnas.figures import paired_weights_figure
from optuna_xmcnas.figures import weights_figure
from optuna_xmcnas.report.blocks import Block
from optuna_xmcnas.report.blocks import Chart
from optuna_xmcnas.report.blocks import code
from optuna_xmcnas.report.blocks import name
from optuna_xmcnas.report.blocks import Paragraph
from optuna_xmcnas.report.blocks import Section
from optuna_xmcnas.report.blocks import Table
from optuna_xmcnas.report.blocks import thinned
from optuna_xmcnas.report.course import said


if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from optuna_xmcnas.analysis import Estimate
    from optuna_xmcnas.analysis import Gap
    from optuna_xmcnas.analysis import LearningCurve
    from optuna_xmcnas.analysis import Measure
    from optuna_xmcnas.report.findings import Findings


_SHORT = 20  # rows of a table that is not folded
_MOST_CELLS = 150
_MOST_POINTS = 30  # of a learning curve


def pairs_section(findings: Findings) -> Section:
    """Return the weight of each operation beside each other one (figure 3)."""
    pairs = paired_weights(findings.history)
    blocks: list[Block] = [Paragraph(said(pairs.sentence))]
    if pairs.cells:
        cells = sorted(pairs.cells.values(), key=lambda cell: (-cell.n, cell.op, cell.other))
        rows = tuple(
            (
                code(cell.op),
                code(cell.other),
                f"{cell.n:,}",
                _share(cell.share),
                _share(cell.weight),
            )
            for cell in cells
        )
        blocks.append(
            Chart(
                "pairs",
                "Share of an operation beside another",
                _json(paired_weights_figure(pairs)),
            )
        )
        blocks.append(
            Table(
                "Pairs of operations that read the embedding",
                ("operation", "beside", "children", "share of both", "weight among all nodes"),
                rows[:_MOST_CELLS],
                note=f"From {pairs.n_children:,} children; means with 95 % intervals. Beside "
                "itself, an operation's share is that of the heavier node.",
                is_folded=len(rows) > _SHORT,
            )
        )
    return Section("Operations side by side on the embedding (XMC-NAS, figure 3)", tuple(blocks))


def depth_section(findings: Findings) -> Section:
    """Return the weights by distance from the embedding (figure 4), and by position."""
    depth = depth_weights(findings.history)
    blocks: list[Block] = [Paragraph(said(depth.sentence))]
    if depth.by_distance:
        chart = Chart("depth", "Weights by distance", _json(depth_weights_figure(depth)))
        blocks.append(chart)
        note = (
            f"From {depth.n_children:,} children; means with 95 % intervals. Equal: what a node "
            "would weigh if all of its child weighed the same."
        )
        for title, rows in (
            ("Weight by distance from the embedding", depth.by_distance),
            ("The same for each operation", depth.by_op),
        ):
            table = Table(
                title,
                ("distance", "operation", "children", "weight", "equal"),
                tuple(
                    (
                        str(one.distance),
                        "all" if one.op is None else code(one.op),
                        f"{one.weight.n:,}",
                        _share(one.weight),
                        f"{100 * one.equal:.1f} %",
                    )
                    for one in rows[:_MOST_CELLS]
                ),
                note=note,
                is_folded=len(rows) > _SHORT,
            )
            blocks.append(table)
    blocks += _positions(findings)
    return Section("Weights by depth (XMC-NAS, figure 4)", tuple(blocks))


def layers_section(findings: Findings) -> Section:
    """Return the mean score by number of layers."""
    layers = scores_by_layers(findings.history)
    blocks: list[Block] = [Paragraph(said(layers.sentence))]
    if layers.groups:
        title = f"{layers.measure.name} by number of layers"
        blocks.append(Chart("layers", title, _json(layers_figure(layers))))
        blocks.append(
            Table(
                title,
                ("layers", "children", "mean", "best"),
                tuple(
                    (
                        str(one.n_layers),
                        f"{one.score.n:,}",
                        layers.measure.interval(one.score),
                        layers.measure.text(one.best),
                    )
                    for one in layers.groups
                ),
                note="Means with 95 % intervals. Children of an evolved population are related, "
                "so the intervals are narrower than they ought to be.",
            )
        )
    return Section("Number of layers", tuple(blocks))


def bilstm_section(findings: Findings) -> Section:
    """Return the scores with and without a BiLSTM on the embedding."""
    readers = embedding_readers(findings.history)
    blocks: list[Block] = [Paragraph(said(readers.sentence))]
    measure = readers.measure
    groups = [("with", readers.having, readers.values[0])]
    groups.append(("without", readers.lacking, readers.values[1]))
    rows = [
        (
            f"{how} {code(readers.op)} on the embedding",
            f"{score.n:,}",
            measure.interval(score),
            measure.text((max if measure.maximize else min)(value for _, value in values)),
        )
        for how, score, values in groups
        if score is not None
    ]
    if rows:
        if readers.gap is not None:
            rows.append(("difference of the means", "", _gap(measure, readers.gap), ""))
        title = f"{measure.name} with and without a BiLSTM on the embedding"
        blocks.append(Chart("bilstm", title, _json(bilstm_figure(readers))))
        blocks.append(Table(title, ("children", "number", "mean", "best"), tuple(rows)))
    return Section("BiLSTM on the embedding", tuple(blocks))


def convergence_section(findings: Findings) -> Section:
    """Return the learning curves of the winner and of AttentionXML-1 (figure 6)."""
    convergence = findings.convergence
    blocks: list[Block] = [Paragraph(said(convergence.sentence))]
    if convergence.curves:
        cut = [name(curve.name) for curve in convergence.curves if curve.is_whole is False]
        figure = _json(convergence_figure(convergence))
        blocks.append(Chart("convergence", "P@5 and nDCG@5 on validation by epoch", figure))
        blocks.append(
            Table(
                "Learning curves",
                ("whose", "trial", "evaluations", "best P@5", "at epoch", "nDCG@5 there"),
                tuple(
                    (
                        name(curve.name),
                        "-" if curve.trial is None else str(curve.trial),
                        f"{len(curve.points):,}",
                        f"{100 * curve.best.p_at_5:.2f} %",
                        f"{curve.best.epoch:.4g}",
                        f"{100 * curve.best.ndcg_at_5:.2f} %",
                    )
                    for curve in convergence.curves
                ),
                note=""
                if not cut
                else f"Taken up after a break, without the beginning: {', '.join(cut)}.",
            )
        )
        blocks.append(
            Table(
                "Their points",
                ("whose", "epoch", "step", "P@5", "nDCG@5"),
                tuple(row for curve in convergence.curves for row in _points(curve)),
                note=f"At most {_MOST_POINTS} of each, evenly spread.",
                is_folded=True,
            )
        )
    return Section("Convergence by epoch (XMC-NAS, figure 6)", tuple(blocks))


def _positions(findings: Findings) -> Iterator[Block]:
    positions = position_weights(findings.history)
    if not positions.cells:
        return
    yield Paragraph(said(positions.sentence))
    figure = _json(weights_figure(positions))
    yield Chart("weights", "Mean weight of each operation in each position", figure)
    numbers = range(1, positions.n_positions + 1)
    rows = []
    for whole in positions.by_op[:_MOST_CELLS]:
        cells = [positions.cells.get((whole.op, position)) for position in numbers]
        texts = [
            "-" if cell is None else f"{_share(cell.weight)} ({cell.weight.n})" for cell in cells
        ]
        rows.append((code(whole.op), f"{whole.weight.n:,}", _share(whole.weight), *texts))
    yield Table(
        "Weight by operation and position",
        ("operation", "children", "all positions", *(f"node {number}" for number in numbers)),
        tuple(rows),
        note="Means with 95 % intervals, and in brackets the number of children.",
        is_folded=True,
    )


def _points(curve: LearningCurve) -> tuple[tuple[str, ...], ...]:
    rows = [
        (
            name(curve.name),
            f"{point.epoch:.4g}",
            f"{point.step:,}",
            f"{100 * point.p_at_5:.2f} %",
            f"{100 * point.ndcg_at_5:.2f} %",
        )
        for point in curve.points
    ]
    return thinned(rows, _MOST_POINTS)


def _share(share: Estimate) -> str:
    half = "" if share.half_width is None else f" ± {100 * share.half_width:.1f}"
    return f"{100 * share.mean:.1f}{half} %"


def _gap(measure: Measure, gap: Gap) -> str:
    factor, unit, digits = (100.0, " points", ".2f") if measure.is_share else (1.0, "", ".3g")
    half = "" if gap.half_width is None else f" ± {factor * gap.half_width:{digits}}"
    return f"{factor * gap.mean:+{digits}}{half}{unit}"


def _json(figure: Figure) -> str:
    return str(figure.to_json())
