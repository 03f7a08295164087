"""Amounts in words: shares, durations, sizes."""

from __future__ import annotations


_MINUTE_S, _HOUR_S, _DAY_S = 60.0, 3600.0, 86400.0


def percent(share: float | None) -> str:
    """Return a share in percent, without the sign.

    Example:
        >>> percent(0.41234), percent(None)
        ('41.23', '-')
    """
    return "-" if share is None else f"{100 * share:.2f}"


def duration(seconds: float) -> str:
    """Return a duration in words.

    Example:
        >>> duration(0.0123), duration(90.0), duration(5400.0), duration(200_000.0)
        ('12 ms', '90 s', '1.5 h', '2.3 days')
    """
    if seconds < 1.0:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 2 * _MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < _HOUR_S:
        return f"{seconds / _MINUTE_S:.0f} min"
    return f"{seconds / _HOUR_S:.1f} h" if seconds < _DAY_S else f"{seconds / _DAY_S:.1f} days"


def size(n_bytes: int) -> str:
    """Return a size in memory in words.

    Example:
        >>> size(3 * 2**20), size(5 * 2**29)
        ('3 MiB', '2.50 GiB')
    """
    return f"{n_bytes / 2**30:,.2f} GiB" if n_bytes >= 2**30 else f"{n_bytes / 2**20:,.0f} MiB"
