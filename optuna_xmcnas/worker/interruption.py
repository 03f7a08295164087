"""Stopping between two steps instead of in the middle of one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import signal
import threading
from types import FrameType
from typing import final


_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@final
class Interruption:
    """Turns the wish to stop into an exception only where one does no harm.

    While a study is read or written, Ctrl-C and SIGTERM are only noted: an exception there could
    leave a trial half told. While a child trains they raise KeyboardInterrupt at once.

    Used as a context manager it takes the signals over and gives them back. Outside the main
    thread, where Python allows no handlers, it does nothing.
    """

    def __init__(self) -> None:
        self.is_wanted = False
        self._may_raise = False
        self._before: list[object] = []

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            self._before = [signal.signal(number, self._note) for number in _SIGNALS]
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in zip(_SIGNALS, self._before, strict=False):
            signal.signal(number, handler)  # type: ignore[arg-type]  # as it was given to us

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """Let a signal raise KeyboardInterrupt in the block; one noted before raises at once."""
        self._may_raise = True
        try:
            if self.is_wanted:
                raise KeyboardInterrupt
            yield
        finally:
            self._may_raise = False

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.is_wanted = True
        if self._may_raise:
            self._may_raise = False  # once: what follows is the cleaning up
            raise KeyboardInterrupt
