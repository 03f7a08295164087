"""A storage that waits until its server is back."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from contextlib import suppress
import functools
import logging
import math
import random
import threading
import time
from typing import Any
from typing import Concatenate
from typing import final
from typing import ParamSpec
from typing import TypeVar
import uuid

from optuna.distributions import BaseDistribution
from optuna.exceptions import DuplicatedStudyError
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage
from optuna.storages._heartbeat import BaseHeartbeat
from optuna.study import StudyDirection
from optuna.trial import TrialState

from optuna_xmcnas.exceptions import StorageError
from optuna_xmcnas.study.address import Address
from optuna_xmcnas.study.faults import is_fault
from optuna_xmcnas.study.faults import is_transient


_FIRST_WAIT_S = 0.1
_LONGEST_WAIT_S = 15.0
_HURRIED_S = 10.0
_QUIET_S = 0.5  # two workers that disturb each other are no news
_LOGGER = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")


def _patient(
    method: Callable[Concatenate[Any, P], R],
) -> Callable[Concatenate[PatientStorage, P], R]:
    """Return a method that hands a call on to the storage inside, again if need be."""

    @functools.wraps(method, updated=())  # a mark of an abstract method stays behind
    def hand_on(self: PatientStorage, /, *args: P.args, **kwargs: P.kwargs) -> R:
        call: Callable[P, R] = getattr(self._backend, method.__name__)
        return self.insist(functools.partial(call, *args, **kwargs))

    return hand_on


@final
class PatientStorage(BaseStorage):
    """An Optuna storage that outlives the outages of its server.

    A call that fails for a reason that may pass (the server restarts, the network is down, two
    workers wrote at once) is tried again, with growing pauses, until ``patience_s`` seconds have
    gone by. Any other failure of the storage is a `StorageError` at once. What Optuna's storages
    raise about the call itself (``KeyError``, ``DuplicatedStudyError`` and the like) is passed on.

    It does not count as a storage with heartbeats for ``study.optimize``, which would give up the
    trials of silent workers without starting them again.

    Args:
        backend: The storage inside.
        address: Where it is; used in messages.
        patience_s: How long one call may be tried. May be changed at any time, calls that are
            being tried included.
        slow_s: A call that takes longer counts as an outage, also if it succeeds at once.

    Attributes:
        recovered_at: When a call last succeeded after half a second or more of failures, by
            ``time.monotonic()``; minus infinity if there was no outage in this process.

    Example:
        >>> import optuna
        >>> from optuna.storages import InMemoryStorage
        >>> address = Address.parse("study.log")
        >>> storage = PatientStorage(InMemoryStorage(), address, patience_s=5)
        >>> study = optuna.create_study(storage=storage)
        >>> study.ask().number
        0
    """

    def __init__(
        self,
        backend: BaseStorage,
        address: Address,
        *,
        patience_s: float,
        slow_s: float = 30.0,
    ) -> None:
        self._slow_s = slow_s
        self._backend = backend
        self._address = address
        self.patience_s = patience_s
        self.recovered_at = -math.inf
        self._is_silent = False  # whether a warning was given that nobody has taken back
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.recovered_at = -math.inf  # another process has another clock
        self._lock = threading.Lock()

    delete_study = _patient(BaseStorage.delete_study)
    set_study_user_attr = _patient(BaseStorage.set_study_user_attr)
    set_study_system_attr = _patient(BaseStorage.set_study_system_attr)
    get_study_id_from_name = _patient(BaseStorage.get_study_id_from_name)
    get_study_name_from_id = _patient(BaseStorage.get_study_name_from_id)
    get_study_directions = _patient(BaseStorage.get_study_directions)
    get_study_user_attrs = _patient(BaseStorage.get_study_user_attrs)
    get_study_system_attrs = _patient(BaseStorage.get_study_system_attrs)
    get_all_studies = _patient(BaseStorage.get_all_studies)
    create_new_trial = _patient(BaseStorage.create_new_trial)
    set_trial_intermediate_value = _patient(BaseStorage.set_trial_intermediate_value)
    set_trial_user_attr = _patient(BaseStorage.set_trial_user_attr)
    set_trial_system_attr = _patient(BaseStorage.set_trial_system_attr)
    get_trial_id_from_study_id_trial_number = _patient(
        BaseStorage.get_trial_id_from_study_id_trial_number
    )
    get_trial_number_from_id = _patient(BaseStorage.get_trial_number_from_id)
    get_trial_param = _patient(BaseStorage.get_trial_param)
    get_trial = _patient(BaseStorage.get_trial)
    get_all_trials = _patient(BaseStorage.get_all_trials)
    get_n_trials = _patient(BaseStorage.get_n_trials)
    get_best_trial = _patient(BaseStorage.get_best_trial)
    get_trial_params = _patient(BaseStorage.get_trial_params)
    get_trial_user_attrs = _patient(BaseStorage.get_trial_user_attrs)
    get_trial_system_attrs = _patient(BaseStorage.get_trial_system_attrs)
    remove_session = _patient(BaseStorage.remove_session)

    def create_new_study(
        self, directions: Sequence[StudyDirection], study_name: str | None = None
    ) -> int:
        """Create a study; one whose creation was not answered is recognised."""
        name = study_name or f"no-name-{uuid.uuid4()}"  # as Optuna names them
        attempts = 0

        def create() -> int:
            nonlocal attempts
            attempts += 1
            try:
                return self._backend.create_new_study(directions, name)
            except DuplicatedStudyError:
                if attempts == 1:
                    raise
                study_id = self._backend.get_study_id_from_name(name)
                found = self._backend.get_study_directions(study_id)
                if found != list(directions) or self._backend.get_n_trials(study_id):
                    raise  # another one's
                return study_id

        return self.insist(create)

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        """Change the state of a trial; a change that was not answered is recognised."""
        attempts = 0

        def change() -> bool:
            nonlocal attempts
            attempts += 1
            try:
                return self._backend.set_trial_state_values(trial_id, state, values)
            except UpdateFinishedTrialError:
                trial = self._backend.get_trial(trial_id)
                wanted = (state, None if values is None else list(values))
                if attempts == 1 or (trial.state, trial.values) != wanted:
                    raise
                return True

        return self.insist(change)

    def set_trial_param(
        self,
        trial_id: int,
        param_name: str,
        param_value_internal: float,
        distribution: BaseDistribution,
    ) -> None:
        """Write a parameter, also after the restart of a gRPC server in the middle of a trial."""

        def write() -> None:
            backend = self._backend
            setting = (trial_id, param_name, param_value_internal, distribution)
            try:
                backend.set_trial_param(*setting)
            except KeyError:
                # Optuna's cache denies a trial that it has not read: show it all trials.
                for study in backend.get_all_studies():
                    backend.get_all_trials(study._study_id, deepcopy=False)
                backend.set_trial_param(*setting)

        self.insist(write)

    def hurry(self) -> None:
        """Be patient for some seconds only: whoever told us to stop will soon kill us."""
        self.patience_s = min(self.patience_s, _HURRIED_S)

    def record_heartbeat(self, trial_id: int) -> None:
        """Say that a trial's worker is alive, by the clock of a database; else do nothing."""
        backend = self._backend
        if isinstance(backend, BaseHeartbeat):
            self.insist(functools.partial(backend.record_heartbeat, trial_id))

    def stale_trial_ids(self, study_id: int) -> list[int]:
        """Return the running trials whose heartbeats ended, by the clock of a database."""
        backend = self._backend
        if not isinstance(backend, BaseHeartbeat) or backend.get_heartbeat_interval() is None:
            return []
        return self.insist(functools.partial(backend._get_stale_trial_ids, study_id))

    def insist(self, call: Callable[[], R]) -> R:
        """Return what a call on the storage inside returns, tried as patiently as any other.

        Args:
            call: Any use of the storage, a query on its database for instance; may be repeated.

        Raises:
            StorageError: If the storage fails for longer, or for a reason that will not pass.
        """
        began = time.monotonic()
        wait = _FIRST_WAIT_S
        is_repeated = False
        while True:
            try:
                if is_repeated:
                    self._settle()
                result = call()
            except Exception as error:
                if not is_fault(error):
                    raise
                waited = time.monotonic() - began
                if not is_transient(error):
                    raise self._address.unusable(error) from None
                if waited >= self.patience_s:
                    raise self._gave_up(error, waited) from None
                if waited >= _QUIET_S:
                    self._report_silence(error)
            else:
                if is_repeated or time.monotonic() - began > self._slow_s:
                    self._note_answer(began)
                return result
            is_repeated = True
            rest = max(0.0, began + self.patience_s - time.monotonic())
            time.sleep(min(rest, wait * random.uniform(0.5, 1.0)))  # noqa: S311
            wait = min(2 * wait, _LONGEST_WAIT_S)

    def _settle(self) -> None:
        """Take in what a failed attempt may have written.

        A journal raises the verdict on an entry of ours whenever it reads the entry, in whatever
        call that happens; the repeated call must not get the verdict on the attempt before it.
        """
        with suppress(KeyError, ValueError, DuplicatedStudyError, UpdateFinishedTrialError):
            self._backend.get_all_studies()

    def _report_silence(self, error: Exception) -> None:
        with self._lock:
            is_news, self._is_silent = not self._is_silent, True
        if is_news:
            _LOGGER.warning(
                "the storage %s does not answer (%s); trying again for up to %.0f s",
                self._address.shown,
                self._address.reason(error),
                self.patience_s,
            )

    def _note_answer(self, began: float) -> None:
        now = time.monotonic()
        with self._lock:
            if now - began >= _QUIET_S:
                self.recovered_at = now
            is_news, self._is_silent = self._is_silent, False
        if is_news:
            _LOGGER.info("the storage %s answers again", self._address.shown)

    def _gave_up(self, error: Exception, waited: float) -> StorageError:
        return StorageError(
            f"the storage {self._address.shown} did not answer for {waited:.0f} s: "
            f"{self._address.reason(error)}"
        )
