"""How a training went: the validation scores along it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from optuna_xmcnas.study.checked import count
from optuna_xmcnas.study.checked import numbers


_MOST_POINTS = 200  # kept of a curve: MySQL refuses texts of 64 KiB


@dataclass(frozen=True)
class CurvePoint:
    """One evaluation on the validation split.

    Attributes:
        epoch: Passes over the documents so far; not a whole number within one.
        step: Optimiser steps so far.
        p_at_5: P@5, a share from 0 to 1.
        ndcg_at_5: nDCG@5, likewise.
    """

    epoch: float
    step: int
    p_at_5: float
    ndcg_at_5: float


def curve_to_record(curve: Sequence[CurvePoint]) -> list[list[float]]:
    """Return a curve as JSON values; a long one is thinned, its ends stay.

    Example:
        >>> curve_to_record([CurvePoint(1.0, 125, 0.312345678, 0.4)])
        [[1.0, 125, 0.312346, 0.4]]
    """
    kept = list(curve)
    if len(kept) > _MOST_POINTS:
        step = (len(kept) - 1) / (_MOST_POINTS - 1)
        kept = [kept[round(i * step)] for i in range(_MOST_POINTS)]
    return [
        [round(point.epoch, 4), point.step, round(point.p_at_5, 6), round(point.ndcg_at_5, 6)]
        for point in kept
    ]


def curve_from_record(record: object) -> tuple[CurvePoint, ...] | None:
    """Return the curve that was written down, or None if it cannot be trusted.

    Example:
        >>> curve_from_record([[1.0, 125, 0.3, 0.4]])
        (CurvePoint(epoch=1.0, step=125, p_at_5=0.3, ndcg_at_5=0.4),)
        >>> curve_from_record([[1.0, "125", 0.3, 0.4]]) is None
        True
    """
    if not isinstance(record, list | tuple):
        return None
    points = []
    for entry in record:
        values = numbers(entry)
        if values is None or len(values) != 4 or (step := count(entry[1])) is None:
            return None
        points.append(CurvePoint(values[0], step, values[2], values[3]))
    return tuple(points)
