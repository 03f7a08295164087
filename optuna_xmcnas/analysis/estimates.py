"""Means with intervals."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
import math
from typing import final

from scipy.special import stdtrit


FEWEST = 5
"""Children in a group before a sentence says anything of its mean (ours)."""

CAUTION = (
    "Intervals are of 95 % and take children for independent; those of an evolved population are "
    "related, so that the true ones are wider. Each child was trained once: the noise of training "
    "is inside."
)
"""What to say once wherever such intervals are shown."""

_LEVEL = 0.95
_FEWEST_FOR_INTERVAL = 3  # that of two values is wider than any share (ours)


@final
@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean, and how far it can be trusted.

    Attributes:
        mean: The mean of the values.
        n: How many there are.
        half_width: Half the 95 % interval of the mean, by Student's t; None for one value or two.
        sd: Standard deviation of the values; None for one value.
    """

    mean: float
    n: int
    half_width: float | None
    sd: float | None

    @property
    def low(self) -> float | None:
        """Where the interval begins."""
        return None if self.half_width is None else self.mean - self.half_width

    @property
    def high(self) -> float | None:
        """Where the interval ends."""
        return None if self.half_width is None else self.mean + self.half_width


@final
@dataclass(frozen=True, kw_only=True)
class Gap:
    """A difference of two means.

    Attributes:
        mean: The first mean minus the second.
        half_width: Half its 95 % interval, by Welch's t; None if either mean is of one value.
    """

    mean: float
    half_width: float | None

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.half_width is not None and abs(self.mean) > self.half_width


def estimate(values: Iterable[float]) -> Estimate:
    """Return the mean of values, and its 95 % interval.

    The interval is that of independent values. Children of an evolved population are related, so
    theirs are narrower than they ought to be.

    Raises:
        ValueError: If there are no values.

    Example:
        >>> one = estimate([0.25, 0.5, 0.75])
        >>> one.mean, one.n, one.sd, round(one.half_width, 3)
        (0.5, 3, 0.25, 0.621)
        >>> estimate([0.5]).half_width is None
        True
    """
    known: Sequence[float] = list(values)
    n = len(known)
    if n == 0:
        raise ValueError("a mean needs at least one value; got none.")
    mean = mean_of(known)
    if n == 1:
        return Estimate(mean=mean, n=1, half_width=None, sd=None)
    sd = math.hypot(*(value - mean for value in known)) / math.sqrt(n - 1)  # never overflows
    if n < _FEWEST_FOR_INTERVAL:
        return Estimate(mean=mean, n=n, half_width=None, sd=sd)
    half_width = _quantile(n - 1) * sd / math.sqrt(n)
    return Estimate(mean=mean, n=n, half_width=half_width, sd=sd)


def paired_gap(differences: Iterable[float], *, n_picked_from: int = 1) -> Gap:
    """Return the mean of differences of pairs.

    Args:
        differences: Of each pair.
        n_picked_from: As in `gap_between`.

    Raises:
        ValueError: If there are no differences.

    Example:
        >>> gap = paired_gap([0.25, 0.5, 0.75])
        >>> gap.mean, round(gap.half_width, 3), gap.is_clear
        (0.5, 0.621, False)
    """
    found = estimate(differences)
    if found.half_width is None or found.sd is None:
        return Gap(mean=found.mean, half_width=None)
    width = _quantile(found.n - 1, n_picked_from) * found.sd / math.sqrt(found.n)
    return Gap(mean=found.mean, half_width=width)


def mean_of(values: Sequence[float]) -> float:
    """Return the mean of one value or more, also where their sum is too large for a number.

    Example:
        >>> mean_of([0.25, 0.75]), mean_of([1e308, 1e308])
        (0.5, 1e+308)
    """
    try:
        return math.fsum(values) / len(values)
    except OverflowError:
        return math.fsum(value / len(values) for value in values)


def percent(share: Estimate) -> str:
    """Return the mean of shares with half its interval as text.

    Example:
        >>> percent(estimate([0.25, 0.5, 0.75])), percent(estimate([0.5]))
        ('50.0 ± 62.1 %', '50.0 %')
    """
    half = "" if share.half_width is None else f" ± {100 * share.half_width:.1f}"
    return f"{100 * share.mean:.1f}{half} %"


def gap_between(one: Estimate, other: Estimate, *, n_picked_from: int = 1) -> Gap:
    """Return how far one mean is above another, of other values.

    Args:
        one: The first mean.
        other: The second.
        n_picked_from: From how many pairs of means these were picked for being far apart: the
            interval is wider then (Bonferroni).

    Example:
        >>> gap = gap_between(estimate([3.0, 5.0]), estimate([1.0, 3.0]))
        >>> gap.mean, round(gap.half_width, 2), gap.is_clear
        (2.0, 6.08, False)
    """
    mean = one.mean - other.mean
    if one.sd is None or other.sd is None:
        return Gap(mean=mean, half_width=None)
    scale = max(one.sd, other.sd)
    if scale == 0.0:
        return Gap(mean=mean, half_width=0.0)
    if not math.isfinite(scale):
        return Gap(mean=mean, half_width=None)
    parts = [(one.sd / scale) ** 2 / one.n, (other.sd / scale) ** 2 / other.n]
    variance = sum(parts)
    # Welch and Satterthwaite
    freedom = variance**2 / (parts[0] ** 2 / (one.n - 1) + parts[1] ** 2 / (other.n - 1))
    return Gap(
        mean=mean, half_width=scale * _quantile(freedom, n_picked_from) * math.sqrt(variance)
    )


@lru_cache(maxsize=1024)
def _quantile(freedom: float, n_intervals: int = 1) -> float:
    """Return the t for that many intervals that all hold with 95 %."""
    return float(stdtrit(freedom, 1 - (1 - _LEVEL) / 2 / n_intervals))
