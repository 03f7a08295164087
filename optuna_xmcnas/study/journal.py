"""Journals: a file or a Redis server that keeps what was done to the studies, entry by entry.

Both can be read by Optuna's own tools and by optuna-dashboard.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
import fcntl
import json
import logging
import os
import time
from typing import Any
from typing import final
from typing import TYPE_CHECKING

from optuna.storages.journal import BaseJournalBackend
from optuna.storages.journal import JournalFileBackend

from optuna_xmcnas.exceptions import StorageError


if TYPE_CHECKING:
    from redis import Redis


_LOGGER = logging.getLogger(__name__)
_STARTS_WITH = b'{"op_code":'  # each line that Optuna writes
_BLOCK = 4096  # bytes read at once when looking for the end of the last line
_BATCH = 1000  # entries asked for at once
_TIMEOUT_S = 30.0  # for one answer of Redis
_CONNECT_S = 10.0
_LOCK_S = 30.0  # as long as Optuna's lock file is respected
_LENGTH_KEY = ":log_number"  # number of the newest entry; Optuna's key with an empty prefix
_ENTRY_KEY = ":log:{}"
_APPEND = """
redis.call('setnx', KEYS[1], -1)
for _, entry in ipairs(ARGV) do
    local number = redis.call('incr', KEYS[1])
    redis.call('set', string.format(':log:%d', number), entry)
end
"""


@final
class CarefulJournalFile(JournalFileBackend):
    """A journal in a file that keeps no half-written entries.

    What a writer left behind that died or found the disk full is cut off before the next entry;
    without that, the next entry would be glued to it and nobody could read the file any more.

    Args:
        path: Path of the file; made if it is new.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     journal = CarefulJournalFile(f"{folder}/study.log")
        ...     journal.append_logs([{"op_code": 1}])
        ...     list(journal.read_logs(0))
        [{'op_code': 1}]
    """

    def __init__(self, path: str) -> None:
        super().__init__(os.path.abspath(path))

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:  # type: ignore[override]
        """Yield the entries from a number on."""
        number = log_number_from
        try:
            for log in super().read_logs(log_number_from):
                yield log
                number += 1
        except ValueError as error:
            raise StorageError(
                f"the journal {self._file_path} is damaged in line {number + 1} ({error}); "
                "remove that line if nothing but its end is missing."
            ) from None

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Write entries, all of them or none."""
        lines = [json.dumps(log, separators=(",", ":")) + "\n" for log in logs]
        with self._locked():
            # Not made again if somebody removed it: what is in it would be missing.
            descriptor = os.open(self._file_path, os.O_RDWR | os.O_APPEND)
            try:
                _lock(descriptor)
                _append(descriptor, "".join(lines).encode())
            finally:
                os.close(descriptor)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._lock.acquire()
        try:
            yield
        finally:
            try:
                self._lock.release()
            except RuntimeError:  # others took this process for dead; its entry is written
                _LOGGER.warning("the lock of %s was taken away meanwhile", self._file_path)


def is_journal(path: str) -> bool:
    """Return whether a file begins as a journal does; an empty one may become one."""
    with open(path, "rb") as file:
        start = file.read(len(_STARTS_WITH))
    return _STARTS_WITH.startswith(start)


@final
class RedisJournal(BaseJournalBackend):
    """A journal on a Redis server, under the keys that Optuna's own backend uses.

    Unlike Optuna's it keeps no snapshots, which are pickles: what a server sends is never
    unpickled. It asks for many entries at once, and does not wait for ever for one that is gone.

    Args:
        url: Address as ``redis.Redis.from_url`` reads it.
        missing_s: How long to wait for an entry that is announced and not there.
    """

    def __init__(self, url: str, *, missing_s: float = 10.0) -> None:
        self._url = url
        self._missing_s = missing_s
        self._redis = _connect(url)

    def __getstate__(self) -> dict[str, Any]:
        return {"url": self._url, "missing_s": self._missing_s}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self._url = state["url"]
        self._missing_s = state["missing_s"]
        self._redis = _connect(self._url)

    def holds_entries(self) -> bool:
        """Return whether anybody has written to this journal."""
        return self._length() > 0

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """Yield the entries from a number on."""
        length = self._length()
        if length < log_number_from:
            raise StorageError(
                f"the Redis server has lost its journal: {log_number_from} entries were read "
                f"from it, now it has {length}. Was it emptied, or restarted without "
                "persistence? (appendonly yes keeps its data)"
            )
        for start in range(log_number_from, length, _BATCH):
            numbers = range(start, min(start + _BATCH, length))
            for number, text in zip(numbers, self._entries(numbers), strict=True):
                try:
                    log = json.loads(text)
                except ValueError as error:
                    if number + 1 == length:
                        return  # may be half of one; whoever comes next decides
                    raise StorageError(
                        f"entry {number} of the journal on the Redis server is damaged: {error}"
                    ) from None
                yield log

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Write entries, each with its number in one step."""
        self._redis.eval(_APPEND, 1, _LENGTH_KEY, *(json.dumps(log) for log in logs))

    def _length(self) -> int:
        newest: Any = self._redis.get(_LENGTH_KEY)
        try:
            return 0 if newest is None else int(newest) + 1
        except ValueError:
            raise StorageError(
                f"the key {_LENGTH_KEY!r} on the Redis server holds {newest!r:.40}, which is no "
                "number: something else uses this database; choose another one (redis://host/1)."
            ) from None

    def _entries(self, numbers: range) -> list[str | bytes]:
        """Return entries; one that is announced before it is written is waited for."""
        keys = [_ENTRY_KEY.format(number) for number in numbers]
        deadline = time.monotonic() + self._missing_s
        delay = 0.05
        while True:
            entries: Any = self._redis.mget(keys)
            missing = [
                number for number, text in zip(numbers, entries, strict=True) if text is None
            ]
            if not missing:
                return list(entries)
            if time.monotonic() > deadline:
                raise StorageError(
                    f"entry {missing[0]} of the journal on the Redis server is missing. Did the "
                    "server drop it (maxmemory-policy must be noeviction), or lose it in a "
                    "restart?"
                )
            time.sleep(delay)
            delay = min(2 * delay, 1.0)


def _connect(url: str) -> Redis:
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    # The client repeats nothing by itself: it could write an entry twice without telling.
    return Redis.from_url(
        url,
        socket_timeout=_TIMEOUT_S,
        socket_connect_timeout=_CONNECT_S,
        retry=Retry(NoBackoff(), 0),
    )


def _lock(descriptor: int) -> None:
    """Lock an open file as well, until it is closed, where its file system can.

    Two processes that give up on a dead one's lock file at the same moment may both take theirs
    for the only one; what one writes must not be cut off by the other.
    """
    until = time.monotonic() + _LOCK_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # somebody writes, or was stopped while writing
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        except OSError:
            return
        else:
            return


def _append(descriptor: int, data: bytes) -> None:
    end = _end_of_last_line(descriptor)
    os.ftruncate(descriptor, end)
    written = 0
    try:
        while written < len(data):
            written += os.write(descriptor, data[written:])
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, end)
        raise


def _end_of_last_line(descriptor: int) -> int:
    end = os.fstat(descriptor).st_size
    while end > 0:
        start = max(0, end - _BLOCK)
        newline = os.pread(descriptor, end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0
