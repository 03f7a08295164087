"""A training's curve fits into an attribute and is read back."""

from __future__ import annotations

import json

import pytest

from optuna_xmcnas.study import CurvePoint
from optuna_xmcnas.study.curve import curve_from_record
from optuna_xmcnas.study.curve import curve_to_record


def _curve(n: int) -> list[CurvePoint]:
    return [CurvePoint(i / 4, 25 * i, 0.5 / (i + 1), 0.25) for i in range(n)]


def test_curve_is_read_back() -> None:
    curve = [CurvePoint(0.25, 25, 0.125, 0.5), CurvePoint(0.5, 50, 0.25, 0.625)]
    assert curve_from_record(json.loads(json.dumps(curve_to_record(curve)))) == tuple(curve)


def test_long_curve_is_thinned_between_its_ends() -> None:
    record = curve_to_record(_curve(10_000))
    assert len(record) == 200
    assert len(json.dumps(record)) < 10_000
    steps = [entry[1] for entry in record]
    assert (steps[0], steps[-1]) == (0, 25 * 9_999)
    assert steps == sorted(set(steps))


@pytest.mark.parametrize(
    "record",
    [None, 3, "curve", [1], [[1, 2, 3]], [[1.0, 2.5, 0.1, 0.1]], [[1.0, 2, None, 0.1]]],
)
def test_anything_else_is_no_curve(record: object) -> None:
    assert curve_from_record(record) is None


@pytest.mark.parametrize("place", [1, 200, 201, 398])
def test_long_curve_keeps_its_best_evaluations(place: int) -> None:
    curve = [
        CurvePoint(i / 4, i, 0.5 + (i == place), 0.5 + (i == 399 - place)) for i in range(400)
    ]
    record = curve_to_record(curve)
    assert len(record) == 200
    steps = {entry[1] for entry in record}
    assert {0, place, 399 - place, 399} <= steps
