"""Single values of a parameter: whether one is possible, a random one, another one."""

from __future__ import annotations

import math
from typing import Any
from typing import TYPE_CHECKING

from optuna.distributions import CategoricalDistribution
from optuna.distributions import FloatDistribution
from optuna.distributions import IntDistribution
from optuna.samplers import RandomSampler


if TYPE_CHECKING:
    import numpy as np
    from optuna.distributions import BaseDistribution


def contains(distribution: BaseDistribution, value: object) -> bool:
    """Return whether a value, of whatever type, is one of a distribution."""
    try:
        return distribution._contains(distribution.to_internal_repr(value))
    except (TypeError, ValueError):
        return False


def plain(distribution: BaseDistribution, value: object) -> Any:
    """Return a value as Optuna would keep it, 3 for 3.0; None if it is not of the distribution."""
    if not contains(distribution, value):
        return None
    return distribution.to_external_repr(distribution.to_internal_repr(value))


def random_value(distribution: BaseDistribution, rng: np.random.Generator) -> Any:
    """Return a value drawn as Optuna's random sampler draws it."""
    sampler = RandomSampler(seed=int(rng.integers(2**32)))
    return sampler.sample_independent(None, None, "", distribution)  # type: ignore[arg-type]  # neither study nor trial is read


def different_value(distribution: BaseDistribution, value: Any, rng: np.random.Generator) -> Any:
    """Return another value of a distribution, near the old one where values have an order.

    Numbers take a Cauchy-distributed step (Yao, Liu and Lin, 1999), mostly small and now and then
    across the whole range, on the logarithmic scale if the distribution is on it, reflected at
    the ends. Half of the steps are below 3 % of the range: our choice, by measurement.
    """
    if isinstance(distribution, CategoricalDistribution):
        others = list(distribution.choices)
        del others[int(distribution.to_internal_repr(value))]
        return others[int(rng.integers(len(others)))] if others else value
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    if distribution.single():
        return value
    moved = value
    while moved == value:  # a coarse scale rounds small steps to none
        moved = _moved(distribution, value, 0.03 * float(rng.standard_cauchy()))
    return moved


def _moved(distribution: IntDistribution | FloatDistribution, value: float, by: float) -> Any:
    """Return the value a share ``by`` of the range away."""
    half = (distribution.step or 0) / 2  # so that the ends are as wide as the values between
    low, high = distribution.low - half, distribution.high + half
    scale, back = (math.log, math.exp) if distribution.log else (float, float)
    share = (scale(value) - scale(low)) / (scale(high) - scale(low)) + by
    share = abs(share) % 2  # reflected at the ends
    share = min(share, 2 - share)
    moved = back(scale(low) + share * (scale(high) - scale(low)))
    if distribution.step is not None:
        steps = round((moved - distribution.low) / distribution.step)
        moved = distribution.low + steps * distribution.step
    moved = min(max(moved, distribution.low), distribution.high)
    return int(moved) if isinstance(distribution, IntDistribution) else float(moved)
