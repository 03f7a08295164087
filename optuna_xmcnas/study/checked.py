"""JSON values out of a storage, which anybody may have written: one of a wrong kind is missing."""

from __future__ import annotations

from collections.abc import Mapping
import math


def count(value: object) -> int | None:
    """Return a whole number from 0 up, or None for anything else."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        return None
    return value


def number(value: object) -> float | None:
    """Return a finite number, or None for anything else.

    Example:
        >>> number(2), number("2"), number(float("nan"))
        (2.0, None, None)
    """
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        found = float(value)
    except OverflowError:  # a whole number of more than 308 digits
        return None
    return found if math.isfinite(found) else None


def numbers(value: object) -> tuple[float, ...] | None:
    """Return a list of finite numbers as a tuple, or None for anything else."""
    if not isinstance(value, list | tuple):
        return None
    found = tuple(one for item in value if (one := number(item)) is not None)
    return found if len(found) == len(value) else None


def numbers_by_name(value: object) -> dict[str, float] | None:
    """Return the finite numbers of a mapping, or None for anything else."""
    if not isinstance(value, Mapping):
        return None
    return {str(n): one for n, item in value.items() if (one := number(item)) is not None}


def text(value: object) -> str | None:
    """Return a text, or None for anything else."""
    return value if isinstance(value, str) else None
