"""A comparison of studies as a report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from optuna_xmcnas.report.amounts import counted
from optuna_xmcnas.report.amounts import percent
from optuna_xmcnas.report.blocks import Block
from optuna_xmcnas.report.blocks import Chart
from optuna_xmcnas.report.blocks import code
from optuna_xmcnas.report.blocks import name
from optuna_xmcnas.report.blocks import Paragraph
from optuna_xmcnas.report.blocks import Report
from optuna_xmcnas.report.blocks import Section
from optuna_xmcnas.report.blocks import Table
from optuna_xmcnas.report.build import MAKER
from optuna_xmcnas.report.comparison import FEWEST_SEEDS
from optuna_xmcnas.report.race_chart import race_figure


if TYPE_CHECKING:
    from optuna_xmcnas.analysis import Estimate
    from optuna_xmcnas.analysis import Measure
    from optuna_xmcnas.report.comparison import Comparison
    from optuna_xmcnas.report.comparison import Group


def comparison_report(comparison: Comparison) -> Report:
    """Return a comparison as a report."""
    n = sum(len(group.studies) for group in comparison.groups)
    return Report(
        title=f"{counted(n, 'study', 'studies')} side by side",
        summary=tuple(_summary(comparison)),
        sections=(
            _race(comparison),
            Section("Differences", tuple(_differences(comparison))),
            Section("The studies", (_studies(comparison),)),
        ),
        maker=MAKER,
    )


def verdict_of(comparison: Comparison) -> str:
    """Return in a sentence or two which samplers are ahead of which, if that can be said."""
    measure, last = comparison.measure, comparison.budgets[-1]
    best = comparison.groups[0]
    if len(comparison.groups) == 1:
        return (
            f"After {counted(last, 'child', 'children')}, the {len(best.studies)} studies of "
            f"{name(best.label)} have reached {measure.name} {measure.interval(best.at[-1])}."
        )
    level = [group for group in comparison.groups if group.at[-1].mean == best.at[-1].mean]
    if len(level) > 1:
        return (
            f"After {counted(last, 'child', 'children')}, "
            f"{' and '.join(name(group.label) for group in level)} have the same mean of the best "
            f"{measure.name} so far: {measure.interval(best.at[-1])}; none is ahead."
        )
    text = (
        f"After {counted(last, 'child', 'children')}, {name(best.label)} has the best mean of the "
        f"best {measure.name} so far: {measure.interval(best.at[-1])} "
        f"({counted(len(best.studies), 'study', 'studies')})."
    )
    clear = [one for one in comparison.differences if one.gap.is_clear]
    if not comparison.differences:
        return (
            f"{text} Whether that is more than luck cannot be said: {FEWEST_SEEDS} seeds of "
            "each sampler are the least."
        )
    if not clear:
        return f"{text} No two samplers are clearly apart: each difference may be luck."
    pairs = "; ".join(
        f"{name(ahead)} is ahead of {name(behind)}"
        for ahead, behind in (
            (one.one, one.other) if measure.is_better(one.gap.mean, 0.0) else (one.other, one.one)
            for one in clear
        )
    )
    return f"{text} Clearly apart: {pairs}."


def _summary(comparison: Comparison) -> Iterator[Block]:
    yield Paragraph(verdict_of(comparison))
    for mismatch in comparison.mismatches:
        yield Paragraph(f"Not the same in all studies: {name(mismatch)}", is_warning=True)
    for note in comparison.notes:
        yield Paragraph(name(note))
    measure, last = comparison.measure, comparison.budgets[-1]
    yield Table(
        "By sampler",
        (
            "sampler",
            "studies",
            "children",
            f"best {measure.name} after {last:,}",
            "test P@5",
            "child-hours",
            f"children until {measure.text(comparison.level)}",
        ),
        tuple(
            (
                name(group.label),
                str(len(group.studies)),
                _children(group),
                measure.interval(group.at[-1]),
                _test(group),
                _plain(group.child_hours, 2),
                _until(group),
            )
            for group in comparison.groups
        ),
        note="Means over the studies of a sampler, with 95 % intervals (Student's t) where there "
        "are two or more. The last column: how many children it took to be as good as the sampler "
        f"with the worst mean is after {last:,}; a mean is given only where all studies of the "
        "sampler were. Child-hours: the time of all trainings of a study, failed ones included, "
        "on whatever devices it had.",
    )


def _race(comparison: Comparison) -> Section:
    measure = comparison.measure
    title = f"Best {measure.name} so far, by finished children"
    return Section(
        "Best so far",
        (
            Chart("race", title, str(race_figure(comparison).to_json())),
            Table(
                title,
                ("children", *(name(group.label) for group in comparison.groups)),
                tuple(
                    (
                        f"{budget:,}",
                        *(measure.interval(group.at[place]) for group in comparison.groups),
                    )
                    for place, budget in enumerate(comparison.budgets)
                ),
                note="Means over the studies of a sampler with 95 % intervals, the bands of the "
                "figure. A line ends where the shortest of its studies does, the table "
                "where the shortest of all does.",
            ),
        ),
    )


def _differences(comparison: Comparison) -> Iterator[Block]:
    measure = comparison.measure
    if not comparison.differences:
        yield Paragraph(
            f"There are fewer than {FEWEST_SEEDS} studies of each of two samplers, so no "
            "difference can be told from luck."
        )
        return
    yield Table(
        f"Differences of the best {measure.name} after "
        f"{counted(comparison.budgets[-1], 'child', 'children')}",
        ("sampler", "less", "difference", "95 % interval", "clear", "how"),
        tuple(
            (
                name(one.one),
                name(one.other),
                measure.distance(one.gap.mean),
                "-"
                if one.gap.half_width is None
                else f"{_bare(measure, one.gap.mean - one.gap.half_width)} to "
                f"{measure.distance(one.gap.mean + one.gap.half_width)}",
                "yes" if one.gap.is_clear else "no",
                "same seeds" if one.is_matched else "means",
            )
            for one in comparison.differences
        ),
        note="Same seeds: studies of one seed were set against each other (paired t). Means: "
        "Welch's t. " + _certainty(len(comparison.differences)),
    )


def _certainty(n: int) -> str:
    if n == 1:
        return "Of twenty such intervals one leaves out the truth."
    return (
        f"The intervals are widened for {n} pairs (Bonferroni): in one of twenty such comparisons "
        "one or more of them leave out the truth."
    )


def _studies(comparison: Comparison) -> Table:
    measure = comparison.measure
    return Table(
        "All studies",
        (
            "study",
            "sampler",
            "seed",
            "children",
            f"best {measure.name}",
            "test P@5",
            "child-hours",
        ),
        tuple(
            (
                code(study.name),
                name(group.label),
                "-" if study.seed is None else str(study.seed),
                f"{len(study.best_so_far):,}",
                measure.text(study.best_so_far[-1]),
                percent(study.test),
                f"{study.child_hours:.2f}",
            )
            for group in comparison.groups
            for study in group.studies
        ),
    )


def _bare(measure: Measure, distance: float) -> str:
    return measure.distance(distance).removesuffix(" points")


def _children(group: Group) -> str:
    counts = [len(study.best_so_far) for study in group.studies]
    least, most = min(counts), max(counts)
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def _test(group: Group) -> str:
    if group.test is None:
        return "-"
    half = "" if group.test.half_width is None else f" ± {100 * group.test.half_width:.2f}"
    known = "" if group.test.n == len(group.studies) else f" ({group.test.n} judged)"
    return f"{100 * group.test.mean:.2f}{half} %{known}"


def _until(group: Group) -> str:
    if group.children_to_level is not None:
        return _plain(group.children_to_level, 1)
    n_reached = sum(study.children_to_level is not None for study in group.studies)
    return f"- ({n_reached} of {len(group.studies)})" if n_reached else "never"


def _plain(found: Estimate, digits: int) -> str:
    half = "" if found.half_width is None else f" ± {found.half_width:.{digits}f}"
    return f"{found.mean:.{digits}f}{half}"
