"""A study in short."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import NormalDist
from typing import TYPE_CHECKING

from optuna_xmcnas.analysis import duration
from optuna_xmcnas.report.amounts import counted
from optuna_xmcnas.report.amounts import large
from optuna_xmcnas.report.blocks import Block
from optuna_xmcnas.report.blocks import code
from optuna_xmcnas.report.blocks import name
from optuna_xmcnas.report.blocks import Paragraph
from optuna_xmcnas.report.blocks import Table


if TYPE_CHECKING:
    from optuna_xmcnas.analysis import History
    from optuna_xmcnas.report.findings import Findings
    from optuna_xmcnas.study import StudyConfig


_METRIC = "P@5"


def summary_of(findings: Findings) -> tuple[Block, ...]:
    """Return what is to be known of a study."""
    return (
        Paragraph(" ".join(_searched(findings))),
        Paragraph(" ".join(_found(findings))),
        Table("At a glance", ("what", "result"), tuple(_figures(findings))),
    )


def luck_of(findings: Findings) -> str:
    """Return how far the winner's score in the search is to be believed."""
    history, measure, noise = findings.history, findings.measure, findings.noise
    n, winner, again = len(history.complete), findings.winner, findings.winner_confirmed
    if winner is None or winner.value is None:
        return ""
    if again is not None:
        found = (
            f"It was chosen among {counted(len(findings.confirmed), 'network')} that were trained "
            f"again with fresh seeds: the mean of its {counted(again.n, 'new training')} is "
            f"{measure.interval(again)}, against {measure.text(winner.value)} in the search"
        )
        if again.half_width is None or not measure.is_better(winner.value, again.mean):
            return f"{found}."
        if abs(winner.value - again.mean) > again.half_width:
            return f"{found}, which was luck in part."
        return f"{found}: a difference within the noise."
    advice = " `optuna-xmcnas confirm` trains the best ones again with fresh seeds."
    if history.config is None:  # nobody knows how to train them
        advice = ""
    if n == 1:
        return "There is nothing yet to compare it with."
    if noise.sd:
        # of so many equally good ones (Blom's approximation of a normal order statistic)
        height = NormalDist().inv_cdf((n - 0.375) / (n + 0.25)) * noise.sd
        return (
            f"As the best of {n:,} noisy scores it is luck in part: were all equally good, the "
            f"best would still be about {measure.distance(height)} above their mean.{advice}"
        )
    return (
        f"As the best of {n:,} noisy scores it is luck in part; how much, nobody has measured."
        f"{advice}"
    )


def linear_sentence(findings: Findings) -> str:
    """Return who is ahead on the test split, the winner or the linear label trees."""
    linear, test = findings.history.linear, findings.winner_on_test
    if linear is None:
        return (
            "No linear baseline is known for this study: `search` trains one when it ends, if the "
            "extra `linear` is installed."
        )
    if _METRIC not in linear.test:
        return "A linear baseline is known, but not its P@5."
    reached = f"Linear label trees on the same documents reach {100 * linear.test[_METRIC]:.2f} %"
    if _METRIC not in test:
        return f"{reached} on the test split; the winner was not judged there."
    gap = test[_METRIC] - linear.test[_METRIC]
    if round(100 * gap, 2) == 0.0:
        return f"{reached}: as much as the winner."
    ahead = "the winner is ahead" if gap > 0 else "the linear trees are ahead"
    return (
        f"{reached}: {ahead} by {100 * abs(gap):.2f} points. `optuna-xmcnas evaluate` gives such "
        "a difference with its interval over the documents."
    )


def _searched(findings: Findings) -> Iterator[str]:
    history, costs = findings.history, findings.costs
    if history.is_of_another_version:
        yield (
            f"Study {code(history.name)} has the settings of another version of this package, "
            "which this one cannot read."
        )
    elif history.config is None:
        yield (
            f"Study {code(history.name)} keeps no settings of a search: it was made by something "
            "else, or nobody has begun it."
        )
    else:
        yield from _settings(history, history.config)
    ends = {"fail": "failed", "lost": "lost with a worker", "interrupted": "interrupted"}
    n = len(history.complete)
    wanted = "" if history.n_wanted in (None, n) else f" of {history.n_wanted:,} wanted"
    times = (
        f"; trainings took {duration(costs.child_seconds)} in all" if costs.child_seconds else ""
    )
    others = "".join(
        f", {counted(costs.states[state], 'trial')} {end}"
        for state, end in ends.items()
        if state in costs.states
    )
    yield f"{counted(n, 'child has', 'children have')} finished{wanted}{others}{times}."


def _settings(history: History, config: StudyConfig) -> Iterator[str]:
    texts = "texts" if history.texts is None else f"the texts of {code(history.texts.name)}"
    yield f"Study {code(history.name)} searched for a network that tags {texts}."
    space = config.space
    sampler = f"The sampler {code(config.sampler_name)} proposed architectures"
    if space is None:
        yield f"{sampler}."
    else:
        yield (
            f"{sampler} of {space.min_layers} to {space.max_layers} layers from "
            f"{counted(len(space.ops), 'operation')}, of which there are {large(space.n_genomes)}."
        )


def _found(findings: Findings) -> Iterator[str]:
    winner, measure, test = findings.winner, findings.measure, findings.winner_on_test
    if winner is None or winner.value is None:
        yield "So there is no winner, and nothing to compare."
        if findings.costs.failures:
            reason, times = next(iter(findings.costs.failures.items()))
            yield f"The most frequent reason of failure ({times:,} times): {name(reason)}"
        return
    where = " on the validation documents" if measure.is_share else ""
    yield (
        f"The winner is trial {winner.number} with {measure.name} "
        f"{measure.text(winner.value)}{where}."
    )
    yield luck_of(findings)
    if _METRIC in test:
        yield (
            "On the test documents, which played no part in the choice, it reaches "
            f"{100 * test[_METRIC]:.2f} %."
        )
    if findings.history.linear is not None:
        yield linear_sentence(findings)


def _figures(findings: Findings) -> Iterator[tuple[str, str]]:
    history, winner, measure = findings.history, findings.winner, findings.measure
    test, linear = findings.winner_on_test.get(_METRIC), history.linear
    yield "children finished", f"{len(history.complete):,}"
    if winner is not None and winner.value is not None:
        where = "validation " if measure.is_share else ""
        yield f"{where}{measure.name} of the winner in the search", measure.text(winner.value)
    if findings.winner_confirmed is not None:
        again = findings.winner_confirmed
        yield f"its mean of {again.n} new trainings", measure.interval(again)
    if test is not None:
        yield "test P@5 of the winner", f"{100 * test:.2f} %"
    if linear is not None and _METRIC in linear.test:
        yield "test P@5 of the linear trees", f"{100 * linear.test[_METRIC]:.2f} %"
        if test is not None:
            yield "winner less linear trees", f"{100 * (test - linear.test[_METRIC]):+.2f} points"
    if winner is not None and winner.genome is not None:
        yield "architecture of the winner", code(winner.genome)
    if findings.costs.child_seconds:
        yield "time of all trainings", duration(findings.costs.child_seconds)
