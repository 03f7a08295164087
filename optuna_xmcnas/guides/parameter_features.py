"""What the parameters of any search space are in numbers."""

from __future__ import annotations

from collections.abc import Mapping
import math
from typing import Any
from typing import final

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.distributions import CategoricalDistribution
from optuna.distributions import FloatDistribution
from optuna.distributions import IntDistribution


_RANGE = 4.0  # length of a number's whole range, where two categories are 1.4 apart (ours)


@final
class ParameterFeatures:
    """Numbers by which a model can compare trials of a search space.

    * ``slots``: for each parameter one number per choice (categorical), or its place in its range,
      from 0 to 4 and on the logarithmic scale if the distribution is on it; and one that says
      whether the trial has the parameter at all, for conditional spaces. Of a parameter that it
      has not, the rest is zero.
    * ``counts``: where several parameters have the same choices, how often each choice occurs.

    Args:
        distributions: The search space by parameter name.

    Example:
        >>> from optuna.distributions import CategoricalDistribution, FloatDistribution
        >>> choices = CategoricalDistribution(["relu", "tanh"])
        >>> space = {"a": choices, "b": choices, "x": FloatDistribution(1, 100, log=True)}
        >>> ParameterFeatures(space).row({"a": "tanh", "b": "tanh", "x": 10.0})
        array([1., 0., 1., 1., 0., 1., 1., 2., 0., 2.], dtype=float32)
    """

    def __init__(self, distributions: Mapping[str, BaseDistribution]) -> None:
        self._distributions = dict(sorted(distributions.items()))
        self._starts: dict[str, int] = {}
        width = 0
        for name, distribution in self._distributions.items():
            self._starts[name] = width
            width += 1 + _width(distribution)
        n_slots = width
        alike: list[tuple[CategoricalDistribution, list[str]]] = []
        for name, distribution in self._distributions.items():
            if isinstance(distribution, CategoricalDistribution):
                for other, names in alike:
                    if other == distribution:
                        names.append(name)
                        break
                else:  # choices need not be hashable
                    alike.append((distribution, [name]))
        self._counters: dict[str, int] = {}  # parameter -> where its choices are counted
        for distribution, names in alike:
            if len(names) > 1:
                self._counters |= dict.fromkeys(names, width)
                width += len(distribution.choices)
        self._width = width
        self.groups: Mapping[str, slice] = {
            "slots": slice(0, n_slots),
            "counts": slice(n_slots, width),
        }

    def row(self, params: Mapping[str, Any]) -> np.ndarray:
        """Return the numbers of a trial's parameters, float32 (F,); foreign names are ignored."""
        row = np.zeros(self._width, dtype=np.float32)
        for name, start in self._starts.items():
            if name not in params:
                continue
            distribution = self._distributions[name]
            row[start] = 1
            if isinstance(distribution, CategoricalDistribution):
                choice = int(distribution.to_internal_repr(params[name]))
                row[start + 1 + choice] = 1
                if name in self._counters:
                    row[self._counters[name] + choice] += 1
            else:
                row[start + 1] = _RANGE * _share(distribution, params[name])
        return row


def _width(distribution: BaseDistribution) -> int:
    if isinstance(distribution, CategoricalDistribution):
        return len(distribution.choices)
    return 1


def _share(distribution: BaseDistribution, value: float) -> float:
    """Return where a number is in its range, from 0 to 1."""
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    if distribution.low == distribution.high:
        return 0.0
    scale = math.log if distribution.log else float
    low, high = scale(distribution.low), scale(distribution.high)
    return (scale(value) - low) / (high - low)
