"""Stopping between two steps instead of in the middle of one."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
import os
import signal
import threading
from types import FrameType
from typing import final


_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@final
class Interruption:
    """Notes the wish to stop, for whoever asks at a good moment.

    The first Ctrl-C or SIGTERM is only noted: an exception could leave a trial half told, and a
    child that is asked to stop saves how far it came. A further one means it: it raises
    KeyboardInterrupt, but only where that does no harm.

    Used as a context manager it takes the signals over and gives them back. Outside the main
    thread, where Python allows no handlers, it does nothing.

    Args:
        parent: Number of the process that started us; when it is gone, we are to stop too.
        on_wish: Called at the first signal.

    Attributes:
        was_terminated: Whether the wish came as SIGTERM: from a system, not from a keyboard.
    """

    def __init__(
        self, parent: int | None = None, *, on_wish: Callable[[], None] | None = None
    ) -> None:
        self.was_terminated = False
        self._parent = parent
        self._on_wish = on_wish
        self._is_wished = False
        self._may_raise = False
        self._before: list[object] = []

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            self._before = [signal.signal(number, self._note) for number in _SIGNALS]
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in zip(_SIGNALS, self._before, strict=False):
            signal.signal(number, handler)  # type: ignore[arg-type]  # as it was given to us

    @property
    def is_wanted(self) -> bool:
        """Whether anybody wishes that we stop."""
        return self._is_wished or (self._parent is not None and os.getppid() != self._parent)

    def wish(self) -> None:
        """Ask to stop, as the first signal does."""
        self._is_wished = True

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """Let a second signal raise KeyboardInterrupt in the block."""
        self._may_raise = True
        try:
            yield
        finally:
            self._may_raise = False

    def _note(self, number: int, frame: FrameType | None) -> None:
        is_second = self._is_wished
        self._is_wished = True
        self.was_terminated |= number == signal.SIGTERM
        if is_second and self._may_raise:
            self._may_raise = False  # once: what follows is the cleaning up
            raise KeyboardInterrupt
        if not is_second and self._on_wish is not None:
            self._on_wish()
