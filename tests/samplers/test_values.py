"""Single values of a parameter are drawn, changed and recognised."""

from __future__ import annotations

from collections import Counter
from math import exp
from math import log
from math import nan

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.distributions import CategoricalDistribution
from optuna.distributions import FloatDistribution
from optuna.distributions import IntDistribution
import pytest

from optuna_xmcnas.samplers.values import contains
from optuna_xmcnas.samplers.values import different_value
from optuna_xmcnas.samplers.values import random_value
from tests.samplers.distributions import DISTRIBUTIONS


@pytest.fixture(params=DISTRIBUTIONS)
def distribution(request: pytest.FixtureRequest) -> BaseDistribution:
    return DISTRIBUTIONS[request.param]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_random_values_are_of_the_distribution(
    distribution: BaseDistribution, rng: np.random.Generator
) -> None:
    assert all(contains(distribution, random_value(distribution, rng)) for _ in range(50))


def test_a_different_value_is_different_and_of_the_distribution(
    distribution: BaseDistribution, rng: np.random.Generator
) -> None:
    value = random_value(distribution, rng)
    for _ in range(200):
        moved = different_value(distribution, value, rng)
        assert contains(distribution, moved)
        assert type(moved) in {int, float, str, bool, type(None)}
        assert moved is not value
        assert distribution.to_internal_repr(moved) != distribution.to_internal_repr(value)
        value = moved


@pytest.mark.parametrize("name", ["stepped float", "int", "two ints", "stepped int", "choices"])
def test_every_value_is_reached(name: str, rng: np.random.Generator) -> None:
    distribution = DISTRIBUTIONS[name]
    value = random_value(distribution, rng)
    seen = Counter(value := different_value(distribution, value, rng) for _ in range(2000))
    everything = {random_value(distribution, rng) for _ in range(1000)}
    assert set(seen) == everything
    assert min(seen.values()) > 2000 / len(everything) / 3  # the ends are no worse off


@pytest.mark.parametrize("name", ["float", "log float", "many ints", "log int"])
def test_steps_are_mostly_small_on_the_scale_of_the_distribution(
    name: str, rng: np.random.Generator
) -> None:
    distribution = DISTRIBUTIONS[name]
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    scale, back = (log, exp) if distribution.log else (float, float)
    low, high = scale(distribution.low), scale(distribution.high)
    middle = type(distribution.low)(back((low + high) / 2))
    moved = [scale(different_value(distribution, middle, rng)) for _ in range(500)]
    steps = np.array([(m - scale(middle)) / (high - low) for m in moved])
    assert (np.abs(steps) < 0.2).mean() > 0.75
    assert (np.abs(steps) > 0.1).mean() > 0.05
    assert abs((steps > 0).mean() - 0.5) < 4 * 0.0224  # four deviations


def test_a_single_value_stays(rng: np.random.Generator) -> None:
    assert different_value(IntDistribution(3, 3), 3, rng) == 3
    assert different_value(FloatDistribution(0.5, 0.5), 0.5, rng) == 0.5
    assert different_value(CategoricalDistribution(("a",)), "a", rng) == "a"


@pytest.mark.parametrize(
    ("distribution", "value", "expected"),
    [
        (IntDistribution(0, 4), 4, True),
        (IntDistribution(0, 4), 5, False),
        (IntDistribution(0, 4), "many", False),
        (IntDistribution(0, 4), None, False),
        (IntDistribution(0, 4), [1], False),
        (FloatDistribution(0, 1), nan, False),
        (CategoricalDistribution(("a", "b")), "b", True),
        (CategoricalDistribution(("a", "b")), "c", False),
        (CategoricalDistribution(("a", "b")), {"b": 1}, False),
    ],
)
def test_contains_judges_values_of_any_type(
    distribution: BaseDistribution, value: object, expected: bool
) -> None:
    assert contains(distribution, value) == expected
