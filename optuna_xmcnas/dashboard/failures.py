"""What goes wrong while a search is shown: logged once, and ignored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import logging
from typing import final


_LOGGER = logging.getLogger(__name__)
_LONGEST_REASON = 300  # characters; a database may answer with a whole statement


@final
class Failures:
    """Lets nothing that goes wrong reach the search, and says so once for each kind.

    Example:
        >>> logging.getLogger("optuna_xmcnas").setLevel(logging.ERROR)
        >>> with Failures().ignored("the picture is not shown"):
        ...     raise PermissionError("read-only")
    """

    def __init__(self) -> None:
        self._known: set[tuple[str, type[Exception]]] = set()

    @contextmanager
    def ignored(self, consequence: str) -> Iterator[None]:
        """Ignore whatever goes wrong inside, but for a wish to stop (``KeyboardInterrupt``).

        Args:
            consequence: What people will miss.
        """
        try:
            yield
        except Exception as error:  # of a disk, a server, a library: a search goes on without it
            kind = (consequence, type(error))
            if kind not in self._known:
                self._known.add(kind)
                reason = f"{type(error).__name__}: {error}"[:_LONGEST_REASON]
                _LOGGER.warning("%s, and the search goes on: %s", consequence, reason)
            _LOGGER.debug("%s", consequence, exc_info=True)
