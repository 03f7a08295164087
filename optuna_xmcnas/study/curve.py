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
    """Return a curve as JSON values; a long one is thinned.

    Its ends stay, and so do its first best P@5 and its first best nDCG@5.

    Example:
        >>> curve_to_record([CurvePoint(1.0, 125, 0.312345678, 0.4)])
        [[1.0, 125, 0.312346, 0.4]]
    """
    kept = list(curve)
    if len(kept) > _MOST_POINTS:
        kept = [kept[place] for place in _places(kept)]
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


def _places(curve: Sequence[CurvePoint]) -> list[int]:
    """Return which points of a long curve are kept: evenly spread ones, the ends and the best."""
    last = len(curve) - 1
    wanted = {
        0,
        last,
        max(range(len(curve)), key=lambda place: curve[place].p_at_5),
        max(range(len(curve)), key=lambda place: curve[place].ndcg_at_5),
    }
    found = {round(i * last / (_MOST_POINTS - 1)) for i in range(_MOST_POINTS)}
    for place in sorted(wanted - found):  # it takes the place of its neighbour
        found.remove(min(found - wanted, key=lambda other: abs(other - place)))
        found.add(place)
    return sorted(found)
