"""What the values of a study are, and how they are written."""

from __future__ import annotations

from dataclasses import dataclass
import math
from typing import final
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from optuna_xmcnas.analysis.estimates import Estimate
    from optuna_xmcnas.analysis.estimates import Gap
    from optuna_xmcnas.analysis.history import History


_METRIC = "P@5"


@final
@dataclass(frozen=True, kw_only=True)
class Measure:
    """What the values of a study are.

    Attributes:
        name: How to call it within a sentence.
        is_share: Whether the values are shares, to be written as percentages.
        maximize: Whether a larger value is a better one.
    """

    name: str
    is_share: bool
    maximize: bool

    def text(self, value: float) -> str:
        """Return a value as text.

        Example:
            >>> Measure(name="P@5", is_share=True, maximize=True).text(0.6125)
            '61.25 %'
            >>> Measure(name="value", is_share=False, maximize=False).text(0.00123456)
            '0.001235'
        """
        return f"{100 * value:.2f} %" if self.is_share else f"{value:.4g}"

    def distance(self, distance: float) -> str:
        """Return a difference of two values as text.

        Example:
            >>> Measure(name="P@5", is_share=True, maximize=True).distance(0.0125)
            '1.25 points'
        """
        return f"{100 * distance:.2f} points" if self.is_share else f"{distance:.3g}"

    def between(self, low: float, high: float) -> str:
        """Return two differences of values as text.

        Example:
            >>> Measure(name="P@5", is_share=True, maximize=True).between(0.0125, 0.02)
            '1.25 to 2.00 points'
        """
        if self.is_share:
            return f"{100 * low:.2f} to {self.distance(high)}"
        return f"{self.distance(low)} to {self.distance(high)}"

    def interval(self, estimate: Estimate | Gap) -> str:
        """Return a mean or a difference with half its interval as text.

        Example:
            >>> from optuna_xmcnas.analysis.estimates import estimate
            >>> measure = Measure(name="P@5", is_share=True, maximize=True)
            >>> measure.interval(estimate([0.5, 0.51, 0.52]))
            '51.00 ± 2.48 %'
            >>> measure.interval(estimate([0.5]))
            '50.00 %'
        """
        if estimate.half_width is None:
            return self.text(estimate.mean)
        if self.is_share:
            return f"{100 * estimate.mean:.2f} ± {100 * estimate.half_width:.2f} %"
        return f"{estimate.mean:.4g} ± {estimate.half_width:.2g}"

    def is_better(self, one: float, other: float) -> bool:
        """Return whether one value is better than another."""
        return one > other if self.maximize else one < other


def measure_of(history: History) -> Measure:
    """Return what the values of a study are: P@5 on the validation split, or anything else.

    They are P@5 where the study maximises and the records of its children say the same number.

    Example:
        >>> import optuna
        >>> from optuna_xmcnas.analysis import read_history
        >>> measure_of(read_history(optuna.create_study()))
        Measure(name='value', is_share=False, maximize=False)
    """
    recorded = [
        math.isclose(row.value, row.record.metrics[_METRIC])
        for row in history.complete
        if row.value is not None and row.record is not None and _METRIC in row.record.metrics
    ]
    is_expected = history.config is not None and not history.finished_order
    is_metric = history.maximize and (all(recorded) if recorded else is_expected)
    return Measure(
        name=_METRIC if is_metric else "value", is_share=is_metric, maximize=history.maximize
    )
