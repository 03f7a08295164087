"""What a study has cost, how noisy its scores are, and what it is compared with."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from typing import TYPE_CHECKING

from optuna_xmcnas.analysis import duration
from optuna_xmcnas.report.amounts import counted
from optuna_xmcnas.report.amounts import large
from optuna_xmcnas.report.amounts import memory
from optuna_xmcnas.report.amounts import percent
from optuna_xmcnas.report.blocks import Block
from optuna_xmcnas.report.blocks import code
from optuna_xmcnas.report.blocks import name
from optuna_xmcnas.report.blocks import Paragraph
from optuna_xmcnas.report.blocks import Section
from optuna_xmcnas.report.blocks import Table
from optuna_xmcnas.report.course import said
from optuna_xmcnas.report.summary import linear_sentence


if TYPE_CHECKING:
    from optuna_xmcnas.analysis import History
    from optuna_xmcnas.analysis import Spread
    from optuna_xmcnas.report.findings import Findings


_STATES = {"complete": "finished", "fail": "failed", "unneeded": "not needed"}
_MOST_NETWORKS = 20
_MOST_REASONS = 15
_MOST_DEVICES = 15
_MOST_VALUES = 10


def noise_section(findings: Findings) -> Section:
    """Return how much the scores of one network differ from training to training."""
    noise, measure = findings.noise, findings.measure
    blocks: list[Block] = [Paragraph(said(noise.sentence))]
    if noise.sd is not None:
        rows = [("standard deviation of one training", measure.distance(noise.sd))]
        if noise.low is not None and noise.high is not None:
            ends = f"{measure.distance(noise.low)} to {measure.distance(noise.high)}"
            rows.append(("its 95 % interval", ends))
        rows.append(("networks trained more than once", f"{noise.n_networks:,}"))
        rows.append(("trainings of them", f"{noise.n_trainings:,}"))
        # two independent trainings differ with the variance of both
        rows.append(
            (
                "what two trainings of one network differ by, 95 %",
                measure.distance(2.77 * noise.sd),
            )
        )
        blocks.append(Table("Noise of the scores", ("what", "value"), tuple(rows)))
        sources = [("search", findings.history), ("confirmation", findings.confirmation)]
        repeats = [row for where, one in sources if one for row in _repeats(findings, where, one)]
        if repeats:
            table = Table(
                "Networks that were trained more than once",
                ("architecture", "where", "trainings", "values"),
                tuple(repeats[:_MOST_NETWORKS]),
                note=""
                if len(repeats) <= _MOST_NETWORKS
                else f"{_MOST_NETWORKS} of {len(repeats)}.",
                is_folded=True,
            )
            blocks.append(table)
    return Section("How noisy the scores are", tuple(blocks))


def linear_section(findings: Findings) -> Section:
    """Return what the linear baseline reaches."""
    blocks: list[Block] = [Paragraph(linear_sentence(findings))]
    linear, test = findings.history.linear, findings.winner_on_test
    if linear is not None:
        blocks.append(Paragraph(f"The baseline: {name(linear.description)}."))
        metrics = list(dict.fromkeys([*linear.test, *test]))
        blocks.append(
            Table(
                "Test metrics",
                ("metric", "linear trees", "winner"),
                tuple(
                    (name(one), percent(linear.test.get(one)), percent(test.get(one)))
                    for one in metrics
                ),
            )
        )
        blocks.append(
            Table(
                "Times of the linear trees",
                ("what", "time"),
                (
                    ("training", duration(linear.train_seconds)),
                    ("prediction of the test split", duration(linear.predict_seconds)),
                ),
            )
        )
    return Section("Linear baseline", tuple(blocks))


def costs_section(findings: Findings) -> Section:
    """Return times, memory, devices and failures."""
    costs = findings.costs
    blocks: list[Block] = [Paragraph(said(costs.sentence))]
    rows = [
        (f"trials {_STATES.get(state, state)}", f"{n:,}") for state, n in costs.states.items() if n
    ]
    rows.append(("different children", f"{costs.n_children:,}"))
    rows.append(("all trainings", duration(costs.child_seconds)))
    if costs.wall_seconds is not None:
        rows.append(("from the first trial to the last", duration(costs.wall_seconds)))
    if costs.seconds is not None:
        half = costs.seconds.half_width
        more = "" if half is None else f" ± {duration(half)}"
        rows.append(("a training, mean", f"{duration(costs.seconds.mean)}{more}"))
    rows += [("trained weights", text) for text in _spread(costs.n_parameters, large)]
    rows += [("peak memory", text) for text in _spread(costs.peak_memory_bytes, memory)]
    blocks.append(Table("Costs", ("what", "amount"), tuple(rows)))
    if costs.devices:
        blocks.append(
            Table(
                "Devices",
                ("device", "trials"),
                tuple(
                    (name(one), f"{n:,}") for one, n in [*costs.devices.items()][:_MOST_DEVICES]
                ),
            )
        )
    if costs.failures:
        reasons = [*costs.failures.items()]
        left = len(reasons) - _MOST_REASONS
        blocks.append(
            Table(
                "Failures, by reason",
                ("reason", "trials"),
                tuple((name(reason), f"{n:,}") for reason, n in reasons[:_MOST_REASONS]),
                note=f"{counted(left, 'more reason')} not shown." if left > 0 else "",
            )
        )
    else:
        blocks.append(Paragraph("No child failed."))
    return Section("Costs and failures", tuple(blocks))


def _repeats(findings: Findings, where: str, history: History) -> Iterator[tuple[str, ...]]:
    groups: dict[str, list[float]] = {}
    genomes: dict[str, str] = {}
    for row in history.complete:
        if row.identity is not None and row.value is not None:
            groups.setdefault(row.identity, []).append(row.value)
            genomes.setdefault(row.identity, str(row.genome))
    for identity, values in sorted(groups.items(), key=lambda item: -len(item[1])):
        if len(values) > 1:
            shown = ", ".join(findings.measure.text(value) for value in values[:_MOST_VALUES])
            more = ", ..." if len(values) > _MOST_VALUES else ""
            yield code(genomes[identity]), where, str(len(values)), shown + more


def _spread(spread: Spread | None, text: Callable[[float], str]) -> Iterator[str]:
    if spread is not None:
        ends = f"{text(spread.least)} to {text(spread.greatest)}"
        yield f"{ends}, half of the children below {text(spread.median)}"
