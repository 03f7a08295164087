"""Telling which running trials have lost their workers."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterable
from dataclasses import dataclass
import math
import time
from typing import final
from typing import TYPE_CHECKING

from optuna_xmcnas.worker.lease import Lease
from optuna_xmcnas.worker.lease import lease_of
from optuna_xmcnas.worker.process import is_gone
from optuna_xmcnas.worker.process import is_here


if TYPE_CHECKING:
    from optuna.trial import FrozenTrial


@dataclass(frozen=True)
class Loss:
    """A running trial that nobody trains any more.

    Args:
        trial: The trial.
        reason: What shows it.
        is_orphan: Whether it never had a worker; nobody died.
    """

    trial: FrozenTrial
    reason: str
    is_orphan: bool = False


@final
class Watch:
    """Watches the leases of running trials; one per worker, asked before each new child.

    A trial is lost if its process is gone from this machine, or if its lease has stood still for
    the grace period while we watched; three of them if we can see the process. Where a database
    with Optuna's heartbeat has not heard of it either, half of it is enough. A trial without a
    lease is somebody else's: only the heartbeat can end it.

    Args:
        worker: Our own name; a running trial of ours beside the one in hand is an orphan, made by
            a request whose answer was lost.
        grace_s: Seconds.
        clock: Seconds that never go back.
    """

    def __init__(
        self, worker: str, grace_s: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._worker = worker
        self._grace_s = grace_s
        self._clock = clock
        self._seen: dict[int, tuple[Lease | bool, float]] = {}  # by trial number: sign, since when

    def lost(
        self,
        running: Iterable[FrozenTrial],
        stale: Collection[int],
        recovered_at: float = -math.inf,
    ) -> list[Loss]:
        """Return the running trials that have lost their workers.

        Args:
            running: All running trials but the one in our own hands.
            stale: Numbers of those that the database's own heartbeat gives up.
            recovered_at: When the storage came back from an outage, by our clock: while it was
                away nobody's lease could beat, so the silence is counted from there.
        """
        now = self._clock()
        seen: dict[int, tuple[Lease | bool, float]] = {}
        losses = []
        for trial in running:
            lease, is_stale = lease_of(trial), trial.number in stale
            sign = is_stale if lease is None else lease  # a change of it is a sign of life
            before, since = self._seen.get(trial.number, (None, now))
            since = since if before == sign else now
            seen[trial.number] = (sign, since)
            reason = self._reason(lease, now - max(since, recovered_at), is_stale)
            if reason is not None:
                is_orphan = lease is not None and lease.worker == self._worker
                losses.append(Loss(trial, reason, is_orphan))
        self._seen = seen
        return losses

    def forget(self, trial: FrozenTrial) -> None:
        """Take note that a trial's worker is alive after all."""
        self._seen.pop(trial.number, None)

    def _reason(self, lease: Lease | None, silent_s: float, is_stale: bool) -> str | None:
        # Not at first sight: a database's clock can jump, when another server takes its place.
        is_given_up = is_stale and silent_s > self._grace_s / 2
        if lease is None:
            return "the database has had no heartbeat of its worker" if is_given_up else None
        who = f"its worker on {lease.host} (process {lease.process.pid})"
        if lease.worker == self._worker:
            return "it was begun twice: the storage failed while it answered"
        if is_gone(lease.process):
            return f"{who} is gone"
        if is_here(lease.process):  # it is there: hung, or its writes do not get through
            is_given_up = silent_s > 3 * self._grace_s
        elif silent_s > self._grace_s:
            is_given_up = True
        return f"{who} has been silent for {silent_s:.0f} seconds" if is_given_up else None
