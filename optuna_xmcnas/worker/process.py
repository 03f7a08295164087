"""Which process holds a trial, so that others on the same machine can see that it is gone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import os
from pathlib import Path
from typing import Any


_PROC = Path("/proc")
_START_TIME = 19  # place of a process's start time after its name in /proc/<pid>/stat (proc(5))


@dataclass(frozen=True)
class ProcessId:
    """One process of one machine, told from later ones with the same number.

    Args:
        machine: Equal for processes that can see each other: the boot of the system and the
            namespace of process numbers; empty where the system does not tell.
        pid: Number of the process.
        started: When it started, in clock ticks after the boot; empty where not told.
    """

    machine: str
    pid: int
    started: str

    def to_record(self) -> dict[str, Any]:
        """Return it as JSON-serialisable values."""
        return {"machine": self.machine, "pid": self.pid, "started": self.started}

    @classmethod
    def from_record(cls, record: object) -> ProcessId | None:
        """Return what a record says, or None if it says nothing that can be trusted."""
        if not isinstance(record, Mapping):
            return None
        machine, pid, started = (record.get(name) for name in ("machine", "pid", "started"))
        if not isinstance(machine, str) or not isinstance(started, str):
            return None
        return cls(machine, pid, started) if isinstance(pid, int) and pid > 0 else None


def this_process() -> ProcessId:
    """Return the process that we are."""
    return ProcessId(_machine(), os.getpid(), _started(os.getpid()) or "")


def is_gone(process: ProcessId) -> bool:
    """Return whether a process is certainly no longer there.

    Returns:
        False also where nobody can tell from here: on another machine, in another container, or
        where the system has no ``/proc``.

    Example:
        >>> is_gone(this_process())
        False
    """
    if not is_here(process):
        return False
    started = _started(process.pid)
    return not _exists(process.pid) if started is None else started != process.started


def is_here(process: ProcessId) -> bool:
    """Return whether a process is, or was, one that can be seen from this one."""
    return bool(process.machine and process.started) and process.machine == _machine()


def _machine() -> str:
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot} {os.readlink(_PROC / 'self/ns/pid')}"
    except OSError:
        return ""


def _started(pid: int) -> str | None:
    """Return when a process started; empty if it waits to be reaped, None if it is not shown."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text("utf-8", errors="replace")
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[2].split()  # a name may hold blanks and brackets
    return "" if state in ("Z", "X") else fields[_START_TIME - 1]


def _exists(pid: int) -> bool:
    """Return whether there is a process; a system may hide those of other users in /proc."""
    try:
        os.kill(pid, 0)  # sends nothing
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
