"""Scores and operations of the population, after each finished child."""

from __future__ import annotations

from bisect import bisect_left
from bisect import insort
from collections import Counter
from collections import deque
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
import math
from typing import final
from typing import TYPE_CHECKING

from optuna_xmcnas.analysis.estimates import mean_of
from optuna_xmcnas.analysis.history import Phase
from optuna_xmcnas.analysis.measure import Measure
from optuna_xmcnas.analysis.measure import measure_of


if TYPE_CHECKING:
    from optuna_xmcnas.analysis.history import History
    from optuna_xmcnas.analysis.history import Row


_WINDOW = 20  # children that stand for the population where nobody said how large it is (ours)


@final
@dataclass(frozen=True, kw_only=True)
class Moment:
    """What there was when a child had finished.

    Attributes:
        number: The trial that finished.
        value: Its value.
        phase: Where its genome is from.
        genome: Its genome as text; None if nobody wrote it down.
        mutation: What was done to its parent's genome.
        parent: Number of the parent's trial.
        hours: Hours since the first trial began; None if the clocks do not say.
        best: The best value so far.
        best_number: The trial that has it.
        mean: Mean value of the population.
        low: A quarter of the population is at most this.
        high: A quarter of the population is at least this.
        shares: Share of each op among the nodes of the population's genomes; empty without any.
    """

    number: int
    value: float
    phase: Phase
    genome: str | None
    mutation: str | None
    parent: int | None
    hours: float | None
    best: float
    best_number: int
    mean: float
    low: float
    high: float
    shares: Mapping[str, float]


@final
@dataclass(frozen=True, kw_only=True)
class PopulationOverTime:
    """A population, child by child.

    Attributes:
        measure: What the values are.
        moments: One for each finished child, in finishing order.
        size: How many of the children finished last are the population.
        is_population: Whether they breed; if not, they only stand for the present.
        random_until: How many children finished before the first mutant did; 0 where nothing
            was drawn at random.
        ops: All operations there were, those of the largest share in the end first.
        sentence: What it shows.
    """

    measure: Measure
    moments: tuple[Moment, ...]
    size: int
    is_population: bool
    random_until: int
    ops: tuple[str, ...]
    sentence: str


def population_over_time(history: History) -> PopulationOverTime:
    """Return how the values and the operations of a population changed.

    The population are the children that finished last, as many as the study's settings say; where
    they say nothing, the last 20 stand for it.

    Example:
        >>> import optuna
        >>> from optuna_xmcnas.analysis import read_history
        >>> population_over_time(read_history(optuna.create_study())).sentence
        'No child has finished.'
    """
    measure = measure_of(history)
    size = history.population_size or _WINDOW
    moments = tuple(_moments(history, measure, size))
    ops = {op for moment in moments for op in moment.shares}
    last = moments[-1].shares if moments else {}
    random_until = _random_until(history)
    return PopulationOverTime(
        measure=measure,
        moments=moments,
        size=size,
        is_population=history.population_size is not None,
        random_until=random_until,
        ops=tuple(sorted(ops, key=lambda op: (-last.get(op, 0.0), op))),
        sentence=_sentence(
            moments, measure, size, random_until, history.population_size is not None
        ),
    )


def _moments(history: History, measure: Measure, size: int) -> Iterator[Moment]:
    begun = [row.began for row in history.rows if row.began is not None]
    begin = min(begun, default=None)
    living: deque[tuple[float, tuple[str, ...]]] = deque()
    values: list[float] = []  # of the living, sorted
    ops: Counter[str] = Counter()
    best: Row | None = None
    for row in history.complete:
        value = row.value or 0.0
        own = () if row.genome is None else tuple(node.op for node in row.genome.nodes)
        living.append((value, own))
        insort(values, value)
        ops.update(own)
        if len(living) > size:
            gone, its = living.popleft()
            del values[bisect_left(values, gone)]
            ops.subtract(its)
        if best is None or measure.is_better(value, best.value or 0.0):
            best = row
        total = ops.total()
        hours = None
        if begin is not None and row.ended is not None:
            hours = max(0.0, (row.ended - begin).total_seconds() / 3600)
        yield Moment(
            number=row.number,
            value=value,
            phase=row.phase,
            genome=None if row.genome is None else str(row.genome),
            mutation=row.mutation,
            parent=row.parent,
            hours=hours,
            best=best.value or 0.0,
            best_number=best.number,
            mean=mean_of(values),
            low=_quantile(values, 0.25),
            high=_quantile(values, 0.75),
            shares={op: count / total for op, count in ops.items() if count},
        )


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Return the value that a share of sorted values is below, between two of them in proportion.

    Example:
        >>> _quantile([1.0, 2.0, 4.0], 0.75)
        3.0
    """
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def _random_until(history: History) -> int:
    phases = [row.phase for row in history.complete]
    before = phases.index(Phase.EVOLVED) if Phase.EVOLVED in phases else len(phases)
    return before if Phase.RANDOM in phases[:before] else 0


def _sentence(
    moments: Sequence[Moment],
    measure: Measure,
    size: int,
    random_until: int,
    is_population: bool,
) -> str:
    if not moments:
        return "No child has finished."
    last = moments[-1]
    best = f"{measure.text(last.best)} (trial {last.best_number})"
    if len(moments) == 1:
        return f"One child has finished: {measure.name} {best}."
    if len(moments) <= size:
        found = f"The best {measure.name} of {len(moments)} finished children is {best}, "
        found += f"their mean {measure.text(last.mean)}."
        if random_until == len(moments):
            found += " All were drawn at random or given; evolution has not begun."
        return found
    whose = "of the population" if is_population else f"of the {size} that finished last"
    if not 0 < random_until < len(moments):
        return (
            f"The best {measure.name} of {len(moments)} finished children is {best}, "
            f"the mean {whose} {measure.text(last.mean)}."
        )
    start = moments[random_until - 1]
    return (
        f"The best {measure.name} was {measure.text(start.best)} after the random phase "
        f"({random_until} children) and is {best} after {len(moments)}; the mean {whose} was "
        f"{measure.text(start.mean)} and is {measure.text(last.mean)}."
    )
