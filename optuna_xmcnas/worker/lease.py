"""The lease of a running trial: who trains it, and a number that grows while that worker lives.

No clock is written or compared: whoever watches a lease measures, by a clock of its own, how long
the number has stood still. Workers whose clocks differ by hours therefore agree on who is dead.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import replace
import logging
import secrets
import socket
import threading
from typing import Any
from typing import final
from typing import TYPE_CHECKING

from optuna.exceptions import UpdateFinishedTrialError

from optuna_xmcnas.worker.process import ProcessId
from optuna_xmcnas.worker.process import this_process
from optuna_xmcnas.worker.trials import record_heartbeat
from optuna_xmcnas.worker.trials import set_system_attr


if TYPE_CHECKING:
    from optuna import Study
    from optuna import Trial
    from optuna.trial import FrozenTrial


LEASE_KEY = "xmcnas:lease"
BID_PREFIX = "xmcnas:bid:"  # of the leases of workers that claim the same waiting trial
_FORMAT = 1
_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Lease:
    """Who holds a running trial.

    Args:
        worker: Name of the worker, unlike that of any other.
        host: Name of its machine, for people.
        process: The process.
        beat: Grows as long as the worker lives.
    """

    worker: str
    host: str
    process: ProcessId
    beat: int = 0

    def to_record(self) -> dict[str, Any]:
        """Return the lease as a JSON-serialisable trial attribute."""
        return {
            "format": _FORMAT,
            "worker": self.worker,
            "host": self.host,
            "process": self.process.to_record(),
            "beat": self.beat,
        }

    @classmethod
    def from_record(cls, record: object) -> Lease | None:
        """Return the lease in a trial attribute, or None if there is none to be trusted.

        Example:
            >>> lease = new_lease()
            >>> Lease.from_record(lease.to_record()) == lease
            True
            >>> Lease.from_record({"format": 99}) is None
            True
        """
        if not isinstance(record, Mapping) or record.get("format") != _FORMAT:
            return None
        worker, host, beat = (record.get(name) for name in ("worker", "host", "beat"))
        process = ProcessId.from_record(record.get("process"))
        if process is None or not isinstance(worker, str) or not isinstance(host, str):
            return None
        if not isinstance(beat, int):
            return None
        return cls(worker=worker, host=host, process=process, beat=beat)


def new_lease() -> Lease:
    """Return the lease of a new worker in this process."""
    return Lease(worker=secrets.token_hex(6), host=socket.gethostname(), process=this_process())


def lease_of(trial: FrozenTrial) -> Lease | None:
    """Return the lease of a trial; None if no worker of ours began it.

    Of a trial that was claimed and whose winner has not written its lease yet it is one of the
    bids, under a name that is nobody's: whose bid won cannot be seen.
    """
    lease = Lease.from_record(trial.system_attrs.get(LEASE_KEY))
    if lease is not None:
        return lease
    for name, record in sorted(trial.system_attrs.items()):
        if name.startswith(BID_PREFIX) and (bid := Lease.from_record(record)) is not None:
            return replace(bid, worker=f"{bid.worker} bids")
    return None


@final
class HeldLease:
    """A lease that is being kept.

    Attributes:
        is_lost: Whether others have ended the trial; whatever is found for it counts no more.
    """

    def __init__(self) -> None:
        self.is_lost = False


@contextmanager
def keep(
    study: Study,
    trial: Trial,
    lease: Lease,
    interval_s: float,
    *,
    is_moving: Callable[[], bool] = lambda: True,
) -> Iterator[HeldLease]:
    """Let the lease of a trial beat in a thread of its own while the block runs.

    Args:
        study: Its study.
        trial: The trial.
        lease: Of the worker that holds it.
        interval_s: Seconds between two beats.
        is_moving: Whether the block does anything; a worker that hangs is not to be waited for.
    """
    held = HeldLease()
    over = threading.Event()

    def beat() -> None:
        now = lease
        while not over.wait(interval_s):
            if not is_moving():
                continue
            now = replace(now, beat=now.beat + 1)
            try:
                set_system_attr(study, trial, LEASE_KEY, now.to_record())
                record_heartbeat(study, trial)
            except UpdateFinishedTrialError:
                held.is_lost = not over.is_set()
                return
            except Exception as error:  # the worker itself will meet it; the thread goes on
                _LOGGER.debug("no beat of trial %d: %s", trial.number, error)

    thread = threading.Thread(target=beat, name=f"lease of trial {trial.number}", daemon=True)
    thread.start()
    try:
        yield held
    finally:
        over.set()  # it is not waited for: it may be waiting for the storage itself
