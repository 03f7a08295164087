"""How amounts are written, and which of many are shown: one rule for sentences and reports."""

from __future__ import annotations


_UNITS_S = (("days", 86400.0), ("h", 3600.0), ("min", 60.0))


def duration(seconds: float) -> str:
    """Return a duration in the largest unit that it has two of.

    Example:
        >>> duration(42.0), duration(5400.0), duration(12_600.0)
        ('42.0 s', '90.0 min', '3.5 h')
    """
    for unit, size in _UNITS_S:
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"


def evenly(n: int, most: int) -> list[int]:
    """Return at most so many of the places 0 to n - 1, about equally far apart, with both ends.

    Args:
        n: How many places there are.
        most: At least 2.

    Example:
        >>> evenly(3, 5), evenly(100, 4)
        ([0, 1, 2], [0, 33, 66, 99])
    """
    if n <= most:
        return list(range(n))
    return sorted({round(i * (n - 1) / (most - 1)) for i in range(most)})
