"""Who is in the population, and who breeds: pure functions over finished trials.

Regularized evolution (Real et al., AAAI 2019): the population is a queue of the trials finished
last, the winner of a random sample breeds, the oldest leaves.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from datetime import datetime
from itertools import accumulate
from typing import Any
from typing import TYPE_CHECKING

from optuna.study import StudyDirection


if TYPE_CHECKING:
    import numpy as np
    from optuna.distributions import BaseDistribution


@dataclass(frozen=True, kw_only=True)
class Member:
    """A finished trial, as far as evolution needs it."""

    number: int
    age: int | None  # reading of the logical clock when it finished; None: it has none
    completed: datetime | None  # the worker's wall clock; used only where there is no age
    values: tuple[float, ...]
    params: dict[str, Any] = field(hash=False)
    distributions: dict[str, BaseDistribution] = field(hash=False)


def youngest(members: Sequence[Member], size: int) -> list[Member]:
    """Return the members that finished last, oldest first.

    Finishing is ordered by the logical clock, ties by trial number. A member without a reading
    (added from outside, or by another sampler) stands right after the last reading taken before
    it was completed, by the wall clock.
    """
    dated = sorted(
        (member.completed.timestamp(), member.age)
        for member in members
        if member.age is not None and member.completed is not None
    )
    moments = [moment for moment, _ in dated]
    readings = list(accumulate((age for _, age in dated), max))  # the largest up to each moment

    def order(member: Member) -> tuple[int, bool, float, int]:
        if member.age is not None:
            return (member.age, False, 0.0, member.number)
        if member.completed is None:
            return (-1, True, 0.0, member.number)
        moment = member.completed.timestamp()
        earlier = bisect_right(moments, moment)
        return (readings[earlier - 1] if earlier else -1, True, moment, member.number)

    return sorted(members, key=order)[-size:]


def tournament(
    population: Sequence[Member],
    sample_size: int,
    directions: Sequence[StudyDirection],
    rng: np.random.Generator,
) -> Member:
    """Return the best of a random sample, drawn with replacement.

    Of several equally good ones the first drawn wins. With several objectives, good means a low
    rank in the non-dominated sorting of the sample (Deb et al., 2002).
    """
    drawn = [population[int(i)] for i in rng.integers(len(population), size=sample_size)]
    losses = [_losses(member.values, directions) for member in drawn]
    if len(directions) == 1:
        return drawn[min(range(sample_size), key=lambda i: losses[i][0])]
    front = (
        member
        for member, loss in zip(drawn, losses, strict=True)
        if not any(_dominates(other, loss) for other in losses)
    )
    return next(front)  # domination has no cycles, so somebody is not dominated


def _losses(values: Sequence[float], directions: Sequence[StudyDirection]) -> list[float]:
    return [
        -value if direction == StudyDirection.MAXIMIZE else value
        for value, direction in zip(values, directions, strict=True)
    ]


def _dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    pairs = list(zip(one, other, strict=True))
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)
