"""Whose turn it is to refresh the figures of a study, among all of its workers."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from datetime import UTC
import math
import time
from typing import Any
from typing import final
from typing import TYPE_CHECKING
import uuid


if TYPE_CHECKING:
    from optuna import Study


_KEY = "xmcnas:figures"
_FORMAT = 1
_SHARE = 50  # a refresh that took t seconds is followed by none for 50 t: at most 2 % of our time
_NEWS = 0.01  # a new child is worth a refresh if it is one of so many: figures show no more
_STALE_S = 1800.0  # for so long; then any new child is
_LONGEST_PAUSE_S = 3600.0  # after a storage that was away, or in the claim of another


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A worker's word that it refreshes the figures, in an attribute of the study.

    Args:
        worker: Which one.
        time: When, by its clock. For people: clocks differ, so nobody computes with it.
        n_finished: So many trials were finished, and are in the figures.
        best: Number of the best of them; None if none has a value.
        pause_s: Nobody needs to refresh them for so long.
    """

    worker: str
    time: str
    n_finished: int
    best: int | None
    pause_s: float

    def to_record(self) -> dict[str, Any]:
        """Return it as a JSON-serialisable study attribute."""
        return {
            "format": _FORMAT,
            "worker": self.worker,
            "time": self.time,
            "n_finished": self.n_finished,
            "best": self.best,
            "pause_s": self.pause_s,
        }

    @classmethod
    def from_record(cls, record: object) -> Claim | None:
        """Return the claim in a study attribute, or None if there is none that can be trusted."""
        if not isinstance(record, Mapping) or record.get("format") != _FORMAT:
            return None
        worker, moment = record.get("worker"), record.get("time")
        n_finished, pause_s = record.get("n_finished"), record.get("pause_s")
        if not isinstance(worker, str) or not isinstance(moment, str):
            return None
        if type(n_finished) is not int or not isinstance(pause_s, int | float):
            return None
        best = record.get("best")
        return cls(
            worker=worker,
            time=moment,
            n_finished=n_finished,
            best=best if type(best) is int else None,
            pause_s=pause_s,
        )


@final
class Turn:
    """Decides when this worker refreshes the figures of one study.

    Other workers' claims are as old as the time since we first saw them, by our own clock. So
    clocks may differ, and a claim whose worker died, or one from the future, blocks nobody for
    longer than any other. Two workers that claim within the same few milliseconds may both have
    their turn.

    Args:
        every_s: Seconds between two refreshes of the study, whoever does them.
        clock: Of this process; never goes back.
    """

    def __init__(self, every_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._every_s = every_s
        self._clock = clock
        self._worker = uuid.uuid4().hex[:12]
        self._look_at = -math.inf
        self._seen: object = None  # the last claim, as it stands in the study
        self._seen_at = -math.inf
        self._began_at = -math.inf
        self._took_s = 0.0
        self._owes = False  # whether our last claim says more than was drawn

    @property
    def may_be(self) -> bool:
        """Whether it may be our turn, as far as our own clock knows; asks no storage."""
        return self._clock() >= self._look_at

    def begin(self) -> None:
        """Note that we begin to look whether it is our turn, and to do what it asks for."""
        self._began_at = self._clock()
        self._look_at = self._began_at + self._every_s  # also if anything fails

    def take(
        self, study: Study, n_finished: int, best: int | None = None, *, force: bool = False
    ) -> bool:
        """Claim the turn; return whether it is ours.

        Args:
            study: Whose figures.
            n_finished: Finished trials that we know of; if a claim knows of as many, there is
                nothing to do.
            best: The best of them.
            force: Take it however short ago the last one was.
        """
        claim = self._look(study)
        has_failed = self._owes and claim is not None and claim.worker == self._worker
        if claim is not None and claim.n_finished >= n_finished and not has_failed:
            return False
        if not force and (rest := self._rest_s(claim, n_finished, best)) > 0:
            self._look_at = self._clock() + min(rest, self._every_s)
            return False
        own = Claim(
            worker=self._worker,
            time=datetime.now(UTC).isoformat(timespec="milliseconds"),
            n_finished=n_finished,
            best=best,
            pause_s=max(self._every_s, min(_SHARE * self._took_s, _LONGEST_PAUSE_S)),
        )
        study.set_user_attr(_KEY, own.to_record())
        claim = self._look(study)
        is_ours = self._owes = claim is not None and claim.worker == self._worker
        return is_ours or (force and claim is not None and claim.n_finished < n_finished)

    @contextmanager
    def uncounted(self) -> Iterator[None]:
        """Leave what is done inside, once in a process, out of the time of the turn."""
        began = self._clock()
        try:
            yield
        finally:
            self._began_at += self._clock() - began

    def end(self, *, is_drawn: bool = True) -> None:
        """Note that our turn is over.

        Args:
            is_drawn: Whether the figures are as claimed.
        """
        now = self._clock()
        self._owes = self._owes and not is_drawn
        self._took_s = now - self._began_at
        pause_s = min(_SHARE * self._took_s, _LONGEST_PAUSE_S)
        self._look_at = now + max(self._every_s, pause_s)

    def _look(self, study: Study) -> Claim | None:
        found = study.user_attrs.get(_KEY)
        if found != self._seen:
            self._seen, self._seen_at = found, self._clock()
        return Claim.from_record(found)

    def _rest_s(self, claim: Claim | None, n_finished: int, best: int | None) -> float:
        """Return for how long the figures may stay as they are."""
        if self._seen is None:
            return 0.0
        pause_s = self._every_s  # if the claim is of another version
        if claim is not None:
            pause_s = min(max(pause_s, claim.pause_s), _LONGEST_PAUSE_S)
            is_much = n_finished - claim.n_finished >= _NEWS * n_finished
            if not is_much and best == claim.best:
                pause_s = max(pause_s, _STALE_S)
        return self._seen_at + pause_s - self._clock()
