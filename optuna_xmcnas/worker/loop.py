"""The worker: begins trials, runs an objective on them and ends them, among any number of others.

Everything that workers must know of each other is in the study's trials; see
``docs/guides/workers.md``.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
import logging
import math
import random
import time
from typing import final
from typing import Protocol
from typing import TYPE_CHECKING

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState

from optuna_xmcnas.exceptions import ChildFailedError
from optuna_xmcnas.exceptions import ChildInterruptedError
from optuna_xmcnas.exceptions import SearchFailedError
from optuna_xmcnas.exceptions import StorageError
from optuna_xmcnas.samplers import RegularizedEvolutionSampler
from optuna_xmcnas.samplers.storage import ENDED_KEY
from optuna_xmcnas.samplers.storage import FIXED_PARAMS_KEY
from optuna_xmcnas.study import Ended
from optuna_xmcnas.study import Retry
from optuna_xmcnas.study import RETRY_KEY
from optuna_xmcnas.study import retry_of
from optuna_xmcnas.worker.board import Board
from optuna_xmcnas.worker.board import losses_of
from optuna_xmcnas.worker.interruption import Interruption
from optuna_xmcnas.worker.lease import BID_PREFIX
from optuna_xmcnas.worker.lease import keep
from optuna_xmcnas.worker.lease import LEASE_KEY
from optuna_xmcnas.worker.lease import lease_of
from optuna_xmcnas.worker.lease import new_lease
from optuna_xmcnas.worker.trials import claim
from optuna_xmcnas.worker.trials import create_running
from optuna_xmcnas.worker.trials import fail_trial
from optuna_xmcnas.worker.trials import number_of
from optuna_xmcnas.worker.trials import read_trial
from optuna_xmcnas.worker.trials import recovered_at
from optuna_xmcnas.worker.trials import set_failure
from optuna_xmcnas.worker.trials import stale_trial_numbers
from optuna_xmcnas.worker.trials import start
from optuna_xmcnas.worker.trials import with_id
from optuna_xmcnas.worker.watch import Loss
from optuna_xmcnas.worker.watch import Watch


if TYPE_CHECKING:
    from optuna import Study
    from optuna import Trial
    from optuna.trial import FrozenTrial


_LOGGER = logging.getLogger(__name__)
_INHERITED = (FIXED_PARAMS_KEY, ":proposal")  # ends of the names of system attributes
_BEATS = 10  # of a lease in a grace period
_LONGEST_PAUSE_S = 2.0  # between two looks at a study in which there is nothing to begin
_NAP_S = 0.1  # how long a signal may wait


Objective = Callable[["Trial", Callable[[], bool]], float]
"""A trial, and a function that tells whether to stop -> the score.

If told to stop it should save what it has and raise ChildInterruptedError, as soon as it can.
"""


class Ending(Enum):
    """Why a worker ended."""

    BUDGET = "the study has all the children that were wanted"
    TIMEOUT = "its time was over"
    INTERRUPTED = "it was told to stop"


@dataclass(frozen=True, kw_only=True)
class WorkSettings:
    """How a worker shares a study with others.

    Raises:
        ValueError: If a number is out of range.

    Example:
        >>> WorkSettings(n_trials=0)
        Traceback (most recent call last):
        ...
        ValueError: `n_trials` must be at least 1; got 0.
    """

    n_trials: int  # complete trials in the study, over all workers and runs
    retries: int = 1  # of the child of a worker that died
    grace_s: float = 300.0  # a worker silent for so long is taken for dead
    max_failures: int = 5  # children of one worker, or of several, that may fail in a row
    stall_s: float = math.inf  # an objective that has not asked whether to stop for so long hangs

    def __post_init__(self) -> None:
        for name, least in (("n_trials", 1), ("retries", 0), ("max_failures", 1)):
            if (found := getattr(self, name)) < least:
                raise ValueError(f"`{name}` must be at least {least}; got {found}.")
        if not self.grace_s >= 1:
            raise ValueError(f"`grace_s` must be at least 1 second; got {self.grace_s}.")
        if not self.stall_s > 0:
            raise ValueError(f"`stall_s` must be above 0 seconds; got {self.stall_s}.")


class WorkObserver(Protocol):
    """Somebody who watches a worker; all methods return at once."""

    def trial_ended(self, trial: FrozenTrial, board: Board) -> None:
        """A trial of ours is complete, pruned or failed; the board knows it."""

    def trial_lost(self, loss: Loss) -> None:
        """A trial of another worker was failed, because that worker is dead."""

    def waiting(self, board: Board) -> None:
        """All children that are wanted are in training elsewhere; one of them may yet fail."""


@final
class SilentWorkObserver:
    """Watches and says nothing."""

    def trial_ended(self, trial: FrozenTrial, board: Board) -> None:
        """Do nothing."""

    def trial_lost(self, loss: Loss) -> None:
        """Do nothing."""

    def waiting(self, board: Board) -> None:
        """Do nothing."""


def work(
    study: Study,
    objective: Objective,
    settings: WorkSettings,
    *,
    interruption: Interruption | None = None,
    deadline: float | None = None,
    observer: WorkObserver | None = None,
) -> Ending:
    """Run an objective on trials of a study until the study has as many results as wanted.

    Any number of workers may do this at once, on any number of machines. A child begins only
    while complete and running trials together are fewer than wanted, so the study ends with
    exactly that many complete ones. The trial of a worker that died is failed by the others, and
    its child is tried again; what the dead one reports later, if it only seemed dead, is dropped.

    An exception of the objective fails its trial and the worker goes on; the trial's user
    attribute ``failure`` says why.

    Args:
        study: With any sampler, on any storage. Of Optuna's samplers, those with the same seed
            propose the same children in each process; ours do not.
        objective: What to run.
        settings: Budget, retries, patience.
        interruption: Asked before each trial, and given to the objective, whether to stop.
        deadline: By ``time.monotonic()``; no trial begins later.
        observer: Who watches.

    Raises:
        SearchFailedError: If too many children failed one after another.
        StorageError: If the storage fails for longer than it has patience.

    Example:
        >>> import optuna
        >>> from optuna_xmcnas import RegularizedEvolutionSampler
        >>> optuna.logging.set_verbosity(optuna.logging.WARNING)
        >>> study = optuna.create_study(sampler=RegularizedEvolutionSampler(seed=0))
        >>> def objective(trial, should_stop):
        ...     return trial.suggest_float("x", -1, 1) ** 2
        >>> work(study, objective, WorkSettings(n_trials=5))
        <Ending.BUDGET: 'the study has all the children that were wanted'>
        >>> len(study.trials)
        5
    """
    worker = _Worker(
        study, objective, settings, interruption or Interruption(), deadline, observer
    )
    return worker.run()


@final
class _Worker:
    def __init__(
        self,
        study: Study,
        objective: Objective,
        settings: WorkSettings,
        interruption: Interruption,
        deadline: float | None,
        observer: WorkObserver | None,
    ) -> None:
        self._study = study
        self._objective = objective
        self._settings = settings
        self._interruption = interruption
        self._deadline = deadline
        self._observer = observer or SilentWorkObserver()
        self._lease = new_lease()
        self._watch = Watch(self._lease.worker, settings.grace_s)
        self._joined_at = 0  # so many trials there were when we came

    def run(self) -> Ending:
        board = self._board()
        self._joined_at = len(board.trials)
        while True:
            trial = self._next_trial(board)
            if isinstance(trial, Ending):
                return trial
            if trial is not None and not self._train(trial):
                return Ending.INTERRUPTED
            board = self._board()
            if trial is not None:
                self._observer.trial_ended(board.trials[trial.number], board)

    def _next_trial(self, board: Board) -> Trial | Ending | None:
        """Return a trial to run, why there is none, or None to be asked again."""
        board = self._fail_lost(board)
        self._stop_after_failures(board)
        n_wanted = self._settings.n_trials
        if len(board.of(TrialState.COMPLETE)) >= n_wanted:
            return Ending.BUDGET
        if self._interruption.is_wanted:
            return Ending.INTERRUPTED
        if self._deadline is not None and time.monotonic() > self._deadline:
            return Ending.TIMEOUT
        if board.n_spoken_for() >= n_wanted:
            self._observer.waiting(board)
            self._pause()
            return None
        return self._begin(board)

    def _begin(self, board: Board) -> Trial | None:
        """Begin a trial: one that is owed, else one that waits, else a new one."""
        owed = board.owed()
        if not owed and (waiting := board.of(TrialState.WAITING)):
            return self._begin_waiting(waiting[0])
        inherited = _inherited(owed[0]) if owed else {}
        created = create_running(self._study, {**inherited, LEASE_KEY: self._lease.to_record()})
        # With fewer trials before ours than are wanted, whatever became of them, none is too many.
        if not owed and number_of(self._study, created) < self._settings.n_trials:
            return start(self._study, created)
        # Two workers that begin at the same moment see each other here, and the later one yields,
        # before it has a genome: one that nobody trains must not count as tried.
        board = self._board()
        trial = with_id(board.trials, created)
        is_too_many = board.n_spoken_for(before=trial.number) >= self._settings.n_trials
        if is_too_many or board.has_earlier_twin(trial.number):
            fail_trial(self._study, trial, ENDED_KEY, Ended.UNNEEDED.to_record())
            self._pause()
            return None
        return start(self._study, created)

    def _begin_waiting(self, waiting: FrozenTrial) -> Trial | None:
        bid_key = f"{BID_PREFIX}{self._lease.worker}"
        claimed = claim(self._study, waiting, bid_key, LEASE_KEY, self._lease.to_record())
        if claimed is None:
            return None
        if self._board().n_spoken_for() > self._settings.n_trials:
            # Somebody began a new trial meanwhile; what a person wished for is kept for later.
            fail_trial(self._study, waiting, ENDED_KEY, Ended.INTERRUPTED.to_record())
            self._pause()
            return None
        return start(self._study, claimed)

    def _train(self, trial: Trial) -> bool:
        """Run the objective on a trial and end the trial; return whether to go on."""
        interval_s, asked_at = self._settings.grace_s / _BEATS, time.monotonic()

        def is_moving() -> bool:
            return time.monotonic() - asked_at <= self._settings.stall_s

        with keep(self._study, trial, self._lease, interval_s, is_moving=is_moving) as held:

            def should_stop() -> bool:
                nonlocal asked_at
                asked_at = time.monotonic()
                return held.is_lost or self._interruption.is_wanted

            try:
                with self._interruption.allowed():
                    value = self._objective(trial, should_stop)
            except ChildInterruptedError:
                if not held.is_lost or self._interruption.is_wanted:
                    self._put_back(trial)
                    return False
            except KeyboardInterrupt:
                self._put_back(trial)
                if not self._interruption.is_wanted:
                    raise  # nobody noted it: it was meant for the program around us
                return False
            except optuna.TrialPruned:
                self._tell(trial, TrialState.PRUNED)
            except UpdateFinishedTrialError:
                pass  # others took us for dead: the trial is theirs now
            except StorageError:
                raise  # nothing can be told; the others will find our trial without a worker
            except Exception as error:
                self._note_failure(trial, error)
                self._tell(trial, TrialState.FAIL)
            else:
                self._tell(trial, TrialState.COMPLETE, value)
        return True

    def _put_back(self, trial: Trial) -> None:
        try:
            fail_trial(self._study, trial, ENDED_KEY, Ended.INTERRUPTED.to_record())
        except StorageError as error:
            _LOGGER.warning("trial %d is left to be found by others: %s", trial.number, error)

    def _tell(self, trial: Trial, state: TrialState, value: float | None = None) -> None:
        """End a trial, unless it has been ended already."""
        try:
            self._study.tell(trial, value, state=state, skip_if_finished=True)
        except UpdateFinishedTrialError:
            _LOGGER.info("trial %d was ended by another worker.", trial.number)
        except ValueError as error:  # the objective returned what is no score
            if state == TrialState.FAIL:
                raise
            self._note_failure(trial, error)
            self._tell(trial, TrialState.FAIL)

    def _note_failure(self, trial: Trial, error: Exception) -> None:
        is_expected = isinstance(error, ChildFailedError)
        reason = str(error) if is_expected else f"{type(error).__name__}: {error}"
        if not is_expected:
            _LOGGER.warning("trial %d failed.", trial.number, exc_info=error)
        set_failure(self._study, read_trial(self._study, trial), reason)

    def _fail_lost(self, board: Board) -> Board:
        """Fail the trials of dead workers; return the board as it then is."""
        running = board.of(TrialState.RUNNING)
        stale = stale_trial_numbers(self._study, running)
        losses = self._watch.lost(running, stale, recovered_at(self._study))
        for loss in losses:
            set_failure(self._study, loss.trial, f"lost: {loss.reason}")
            now = read_trial(self._study, loss.trial)
            if lease_of(now) != lease_of(loss.trial):  # it lives: the storage was stuck
                self._watch.forget(loss.trial)
                continue
            # One that was killed before it could yield to its twin was nobody's child either.
            is_nobody = loss.is_orphan or board.has_earlier_twin(loss.trial.number)
            ended = Ended.UNNEEDED if is_nobody else Ended.LOST
            if fail_trial(self._study, loss.trial, ENDED_KEY, ended.to_record()):
                _LOGGER.info("trial %d is lost: %s.", loss.trial.number, loss.reason)
                if ended is Ended.LOST:
                    self._observer.trial_lost(loss)
        return self._board() if losses else board

    def _stop_after_failures(self, board: Board) -> None:
        """End if our own children fail one after another, or those of several workers.

        One machine that is broken, and fails children faster than others train them, must not
        end the others.
        """
        most = self._settings.max_failures
        failed = board.failures_in_a_row(since=self._joined_at)
        if len(failed) < most or len({_worker_of(trial) for trial in failed}) < 2:
            failed = board.failures_in_a_row(since=self._joined_at, of=self._lease.worker)
        if len(failed) < most:
            return
        last = failed[0]
        raise SearchFailedError(
            f"{len(failed)} children failed one after another; the last one, trial {last.number}: "
            f"{last.user_attrs.get('failure', 'no reason is known')}"
        )

    def _board(self) -> Board:
        return Board(self._study.get_trials(deepcopy=False), self._settings.retries)

    def _pause(self) -> None:
        """Wait a while, of random length so that workers do not stay in step."""
        longest = min(_LONGEST_PAUSE_S, self._settings.grace_s / _BEATS)
        until = time.monotonic() + random.uniform(0.25, 1.0) * longest  # noqa: S311  # no secret
        while time.monotonic() < until and not self._interruption.is_wanted:
            time.sleep(_NAP_S)


def _worker_of(trial: FrozenTrial) -> str | None:
    lease = lease_of(trial)
    return None if lease is None else lease.worker


def _inherited(trial: FrozenTrial) -> dict[str, object]:
    """Return what a new trial takes over from the one whose child it tries again."""
    before = retry_of(trial)
    origin = trial.number if before is None else before.origin
    retry = Retry(origin=origin, of=trial.number, losses=losses_of(trial))
    attrs = {n: v for n, v in trial.system_attrs.items() if n.endswith(_INHERITED)}
    if RegularizedEvolutionSampler.proposal_of(trial) is None and trial.params:
        # Another sampler leaves no proposal, only what it has chosen so far.
        wished = attrs.get(FIXED_PARAMS_KEY)
        wished = wished if isinstance(wished, Mapping) else {}
        attrs[FIXED_PARAMS_KEY] = {**wished, **trial.params}
    return {**attrs, RETRY_KEY: retry.to_record()}
