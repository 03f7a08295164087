"""Parameters of any kind in numbers."""

from __future__ import annotations

from itertools import product
from math import nan
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.distributions import CategoricalDistribution
from optuna.distributions import FloatDistribution
from optuna.distributions import IntDistribution
import pytest

from optuna_xmcnas.guides import ParameterFeatures


def place(distribution: BaseDistribution, value: Any) -> float:
    """Return the number of a parameter that has one, besides the one that says it is there."""
    there, number = ParameterFeatures({"x": distribution}).row({"x": value})
    assert there == 1
    return float(number)


@pytest.mark.parametrize(
    ("distribution", "value", "expected"),
    [
        (FloatDistribution(-1, 1), -1.0, 0),
        (FloatDistribution(-1, 1), 1.0, 4),
        (FloatDistribution(-1, 1), 0.5, 3),
        (FloatDistribution(1e-4, 1, log=True), 1e-2, 2),
        (FloatDistribution(0, 1, step=0.25), 0.75, 3),
        (FloatDistribution(0.5, 0.5), 0.5, 0),
        (IntDistribution(0, 8), 2, 1),
        (IntDistribution(10, 50, step=20), 30, 2),
        (IntDistribution(1, 256, log=True), 16, 2),
        (IntDistribution(3, 3), 3, 0),
        (IntDistribution(3, 3, log=True), 3, 0),
    ],
)
def test_numbers_have_their_place_in_the_range(
    distribution: BaseDistribution, value: float, expected: float
) -> None:
    assert place(distribution, value) == pytest.approx(expected)


@pytest.mark.parametrize("choices", [("a", "b", "c"), (None, True, 2.5, "x", nan), ("only",)])
def test_each_choice_has_a_number(choices: tuple[Any, ...]) -> None:
    features = ParameterFeatures({"x": CategoricalDistribution(choices)})
    rows = np.stack([features.row({"x": choice}) for choice in choices])
    assert (rows[:, 0] == 1).all()
    assert (rows[:, 1:] == np.eye(len(choices))).all()


@pytest.mark.filterwarnings("ignore:Choices for a categorical distribution")
def test_choices_may_be_unhashable() -> None:
    lists: Any = ([1, 2], [3], {"a": 1})
    features = ParameterFeatures({n: CategoricalDistribution(lists) for n in ("x", "y")})
    row = features.row({"x": [3], "y": {"a": 1}})
    slots, counts = row[features.groups["slots"]], row[features.groups["counts"]]
    assert slots.tolist() == [1, 0, 1, 0, 1, 0, 0, 1]
    assert counts.tolist() == [0, 1, 1]


def test_a_missing_parameter_is_zero_and_a_foreign_one_ignored() -> None:
    features = ParameterFeatures(
        {"x": FloatDistribution(0, 1), "kind": CategoricalDistribution(("a", "b"))}
    )
    assert not features.row({}).any()
    assert not features.row({"foreign": 3}).any()
    present = features.row({"x": 0.0})
    assert present.sum() == 1  # it is there, at the low end


def test_choices_that_several_parameters_share_are_counted() -> None:
    same = CategoricalDistribution(("a", "b"))
    other = CategoricalDistribution(("a", "c"))
    features = ParameterFeatures({"x": same, "y": same, "z": other})
    counts = features.groups["counts"]
    assert features.row({"x": "a", "y": "b", "z": "a"})[counts].tolist() == [1, 1]
    assert features.row({"x": "b", "y": "b", "z": "a"})[counts].tolist() == [0, 2]
    assert features.row({"y": "b"})[counts].tolist() == [0, 1]
    alone = ParameterFeatures({"x": same, "z": other})
    assert len(alone.row({})[alone.groups["counts"]]) == 0


def test_different_parameters_have_different_numbers() -> None:
    distributions: dict[str, BaseDistribution] = {
        "kind": CategoricalDistribution(("a", "b")),
        "n": IntDistribution(0, 3),
        "x": FloatDistribution(0, 1, step=0.5),
    }
    features = ParameterFeatures(distributions)
    all_params = [
        {name: value for name, value in zip(distributions, values, strict=True) if value != "none"}
        for values in product(("a", "b", "none"), (0, 1, 2, 3, "none"), (0.0, 0.5, 1.0, "none"))
    ]
    rows = {features.row(params).tobytes() for params in all_params}
    assert len(rows) == len(all_params) == 3 * 5 * 4


def test_the_order_of_names_does_not_matter() -> None:
    one: dict[str, BaseDistribution] = {
        "b": IntDistribution(0, 3),
        "a": CategoricalDistribution((0, 1)),
    }
    other = dict(reversed(one.items()))
    params = {"a": 1, "b": 2}
    rows = [ParameterFeatures(space).row(params) for space in (one, other)]
    assert rows[0].tolist() == rows[1].tolist()
    assert rows[0].dtype == np.float32
