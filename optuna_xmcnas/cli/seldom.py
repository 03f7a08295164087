"""Lines that are printed now and then, where there is no terminal to show how things go."""

from __future__ import annotations

from collections.abc import Callable
import time
from typing import final


@final
class Seldom:
    """Says when there may be another line.

    Args:
        every_s: Seconds between two lines, at least; also before the first.
        clock: Returns seconds.

    Example:
        >>> times = iter([0.0, 4.0, 11.0, 12.0])
        >>> seldom = Seldom(10.0, clock=lambda: next(times))
        >>> seldom.is_due(), seldom.is_due(), seldom.is_due()
        (False, True, False)
    """

    def __init__(self, every_s: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._every_s = every_s
        self._clock = clock
        self._since = clock()

    def begin(self) -> None:
        """Count from now on."""
        self._since = self._clock()

    def is_due(self) -> bool:
        """Return whether a line may be printed now; if so, it counts as printed."""
        now = self._clock()
        if now - self._since < self._every_s:
            return False
        self._since = now
        return True
