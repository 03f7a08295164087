"""Scores by number of layers (XMC-NAS, ICONIP 2020, section 3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import final
from typing import TYPE_CHECKING

from optuna_xmcnas.analysis.estimates import Estimate
from optuna_xmcnas.analysis.estimates import estimate
from optuna_xmcnas.analysis.estimates import FEWEST
from optuna_xmcnas.analysis.estimates import gap_between
from optuna_xmcnas.analysis.measure import Measure
from optuna_xmcnas.analysis.measure import measure_of


if TYPE_CHECKING:
    from optuna_xmcnas.analysis.history import History


@final
@dataclass(frozen=True, kw_only=True)
class LayerScore:
    """The values of children with as many layers.

    Attributes:
        n_layers: How many nodes their genomes have.
        score: Their values.
        best: The best of them.
    """

    n_layers: int
    score: Estimate
    best: float


@final
@dataclass(frozen=True, kw_only=True)
class LayerScores:
    """Values by number of layers.

    Attributes:
        measure: What the values are.
        groups: The fewest layers first.
        n_children: How many children there are in all.
        sentence: What it shows.
    """

    measure: Measure
    groups: tuple[LayerScore, ...]
    n_children: int
    sentence: str


def scores_by_layers(history: History) -> LayerScores:
    """Return the mean value of children by their number of layers.

    Example:
        >>> import optuna
        >>> from optuna_xmcnas.analysis import read_history
        >>> scores_by_layers(read_history(optuna.create_study())).sentence
        'No child has finished.'
    """
    measure = measure_of(history)
    values: dict[int, list[float]] = {}
    for row in history.complete:
        if row.genome is not None and row.value is not None:
            values.setdefault(row.genome.n_layers, []).append(row.value)
    pick = max if measure.maximize else min
    groups = tuple(
        LayerScore(n_layers=n, score=estimate(values[n]), best=pick(values[n]))
        for n in sorted(values)
    )
    return LayerScores(
        measure=measure,
        groups=groups,
        n_children=sum(group.score.n for group in groups),
        sentence=_sentence(groups, measure),
    )


def _sentence(groups: Sequence[LayerScore], measure: Measure) -> str:
    if not groups:
        return "No child has finished."
    enough = [group for group in groups if group.score.n >= FEWEST]
    if len(enough) < 2:
        return (
            f"Too few children to compare numbers of layers: {_counts(groups)}; at least two "
            f"numbers with {FEWEST} children each are needed."
        )
    ordered = sorted(enough, key=lambda group: group.score.mean, reverse=measure.maximize)
    pairs = list(combinations(ordered, 2))
    gaps = {
        pair: gap_between(pair[0].score, pair[1].score, n_picked_from=len(pairs)) for pair in pairs
    }
    clear = [pair for pair in pairs if gaps[pair].is_clear]
    if not clear:
        return (
            f"Mean {measure.name} is best with {_described(ordered[0], measure)} and worst with "
            f"{_described(ordered[-1], measure)}: no clear difference, chance alone can make it."
        )
    one, other = max(clear, key=lambda pair: abs(gaps[pair].mean))
    return (
        f"Mean {measure.name} is clearly better with {_described(one, measure)} than with "
        f"{_described(other, measure)}, by {measure.distance(abs(gaps[one, other].mean))}."
    )


def _described(group: LayerScore, measure: Measure) -> str:
    return f"{_layers(group)} ({measure.interval(group.score)}, {group.score.n} children)"


def _layers(group: LayerScore) -> str:
    return f"{group.n_layers} layer" + ("" if group.n_layers == 1 else "s")


def _counts(groups: Sequence[LayerScore]) -> str:
    return ", ".join(f"{group.score.n} with {_layers(group)}" for group in groups)
