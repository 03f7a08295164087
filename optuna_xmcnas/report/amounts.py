"""Amounts in words."""

from __future__ import annotations

import math


_UNITS_B = (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3))


def memory(n_bytes: float) -> str:
    """Return an amount of memory.

    Example:
        >>> memory(1_500_000_000)
        '1.50 GB'
    """
    for unit, size in _UNITS_B:
        if n_bytes >= size:
            return f"{n_bytes / size:.2f} {unit}"
    return f"{n_bytes:.0f} B"


def large(count: float) -> str:
    """Return a count of something that there is much of.

    Example:
        >>> large(812), large(1_234_567), large(4_200_000_000_000)
        ('812', '1.23 million', 'about 4 x 10^12')
    """
    if count >= 1e9:
        exponent = math.floor(math.log10(count))
        return f"about {int(count) // 10**exponent} x 10^{exponent}"
    return f"{count / 1e6:.2f} million" if count >= 1e6 else f"{count:,.0f}"


def counted(n: int, one: str, more: str | None = None) -> str:
    """Return a number of things.

    Example:
        >>> counted(1, "child", "children"), counted(2_000, "trial")
        ('1 child', '2,000 trials')
    """
    return f"{n:,} {one if n == 1 else more or one + 's'}"


def percent(share: float | None) -> str:
    """Return a share in percent; a dash if nobody knows it.

    Example:
        >>> percent(0.6125), percent(None)
        ('61.25 %', '-')
    """
    return "-" if share is None else f"{100 * share:.2f} %"


def points(difference: float) -> str:
    """Return a difference of two shares, with its sign.

    Example:
        >>> points(0.021)
        '+2.10'
    """
    return f"{100 * difference:+.2f}"
