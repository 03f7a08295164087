"""Several workers on this host: started, watched, started again if they die, stopped together."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
import logging
import os
from pathlib import Path
import signal
import subprocess
import time
from typing import final
from typing import TYPE_CHECKING

from optuna.trial import TrialState

from optuna_xmcnas.exceptions import SearchFailedError
from optuna_xmcnas.exceptions import StorageError
from optuna_xmcnas.study import config_of
from optuna_xmcnas.study import Ended
from optuna_xmcnas.study import ended_of
from optuna_xmcnas.worker import Board
from optuna_xmcnas.worker import Ending
from optuna_xmcnas.worker import Interruption
from optuna_xmcnas.workflows.standing import population_size_of
from optuna_xmcnas.workflows.standing import Standing
from optuna_xmcnas.workflows.standing import standing_of


if TYPE_CHECKING:
    from optuna import Study

    from optuna_xmcnas.workflows.observer import SearchObserver


PARENT_VARIABLE = "OPTUNA_XMCNAS_PARENT"
"""Environment variable: a worker of a crew stops when the process of this number is gone."""

_LOGGER = logging.getLogger(__name__)
_RESTARTS = 5  # of one worker without a child of the study finished in between
_FIRST_PAUSE_S = 1.0  # before the first restart; doubled for each further one
_LOOK_EVERY_S = 0.5
_STOPPING_S = 60.0  # workers may finish a step and write a checkpoint
_TAIL_LINES = 12
_WRONG_INPUT = 2  # exit code of a worker whose next start would end in the same way


@dataclass(frozen=True, kw_only=True)
class Crew:
    """How the workers of this host are started.

    Args:
        commands: For each worker, a function that returns its command when it is to start.
        environment: Of all of them, beside what this process has; may hold secrets, which a
            command line would show to everybody on the machine.
        log_dir: Where each writes what it has to say; made if it is missing.
    """

    commands: Sequence[Callable[[], list[str]]]
    environment: Mapping[str, str]
    log_dir: Path


def run_crew(
    study: Study,
    crew: Crew,
    n_trials: int,
    *,
    interruption: Interruption,
    observer: SearchObserver,
) -> Ending:
    """Let a crew of workers train children until the study has as many as wanted.

    Returns:
        Why it ended; ``TIMEOUT`` if the workers ended by themselves before the budget was spent.

    Raises:
        SearchFailedError: If a worker cannot start, or all have died too often; the message holds
            the end of a worker's log.
        StorageError: If the storage fails for longer than it has patience.
    """
    crew.log_dir.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, **crew.environment, PARENT_VARIABLE: str(os.getpid())}
    workers = [
        _WorkerProcess(number, command, environment, crew.log_dir / f"worker-{number}.log")
        for number, command in enumerate(crew.commands, start=1)
    ]
    news = _News(study, observer)
    observer.search_began(news.standing, n_trials)
    try:
        with interruption.allowed():
            for worker in workers:
                worker.start()
            # With the budget spent nobody is needed: whoever still runs waits, or hangs.
            while (
                any(worker.may_run for worker in workers)
                and not interruption.is_wanted
                and news.n_complete < n_trials
            ):
                time.sleep(_LOOK_EVERY_S)
                has_progress = news.read()
                for worker in workers:
                    if worker.look(has_progress=has_progress):
                        observer.worker_restarted(worker.number, worker.last_words)
    except KeyboardInterrupt:  # a further Ctrl-C: at once
        _kill(workers)
        raise
    finally:
        _stop(workers, interruption)
        with suppress(StorageError):  # it has been waited for already
            news.read()
    if news.n_complete >= n_trials:
        return Ending.BUDGET
    if interruption.is_wanted:
        return Ending.INTERRUPTED
    failed = [worker for worker in workers if worker.has_failed]
    if failed:
        raise SearchFailedError(
            f"{len(failed)} of {len(workers)} workers ended with an error, before all children "
            f"were trained.\n{failed[0].report()}"
        )
    return Ending.TIMEOUT


@final
class _WorkerProcess:
    """One worker and its restarts."""

    def __init__(
        self,
        number: int,
        command: Callable[[], list[str]],
        environment: Mapping[str, str],
        log: Path,
    ) -> None:
        self.number = number
        self.last_words = ""
        self.has_failed = False
        self._command = command
        self._environment = environment
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._restarts = 0
        self._start_at: float | None = None  # when it is to be started again

    @property
    def may_run(self) -> bool:
        """Whether it runs, has ended without our having looked, or is to be started again."""
        return self._process is not None or self._start_at is not None

    def start(self) -> None:
        self._start_at = None
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for us; we tell them
            )

    def look(self, *, has_progress: bool) -> bool:
        """Note how the worker does, start it again if it is time; return whether it just died."""
        if has_progress:
            self._restarts = 0
        if self._start_at is not None:
            if time.monotonic() >= self._start_at:
                self.start()
            return False
        if self._process is None or (code := self._process.poll()) is None:
            return False
        self._process = None
        if code == 0:
            return False
        self.last_words = _words(code)
        if code == _WRONG_INPUT or self._restarts == _RESTARTS:
            self.has_failed = True
            _LOGGER.warning(
                "worker %d %s and is not started again; see %s.",
                self.number,
                self.last_words,
                self._log,
            )
            return False
        self._start_at = time.monotonic() + _FIRST_PAUSE_S * 2**self._restarts
        self._restarts += 1
        return True

    def send(self, number: int) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def wait(self, until: float) -> None:
        if self._process is None:
            return
        try:
            self._process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def report(self) -> str:
        tail = self._log.read_text("utf-8", errors="replace").splitlines()[-_TAIL_LINES:]
        lines = "\n".join(f"  {line}" for line in tail)
        return f"Worker {self.number} {self.last_words}; the end of {self._log}:\n{lines}"


@final
class _News:
    """What has happened in a study since we last looked."""

    def __init__(self, study: Study, observer: SearchObserver) -> None:
        self._study = study
        self._observer = observer
        trials = study.get_trials(deepcopy=False)
        self._told = {trial.number for trial in trials if trial.state.is_finished()}
        self._population_size = population_size_of(config_of(study))
        self.standing = self._standing(Board(trials))

    @property
    def n_complete(self) -> int:
        return self.standing.n_complete

    def read(self) -> bool:
        """Tell the observer what is new; return whether any child was completed."""
        board = Board(self._study.get_trials(deepcopy=False))
        before = self.n_complete
        if len(board.of(TrialState.COMPLETE)) != before:
            self.standing = self._standing(board)
        for trial in board.trials:
            if not trial.state.is_finished() or trial.number in self._told:
                continue
            self._told.add(trial.number)
            ended = ended_of(trial)
            if ended is Ended.LOST:
                reason = str(trial.user_attrs.get("failure", "lost"))
                self._observer.child_lost(trial.number, reason)
            elif ended is None:
                self._observer.child_ended(trial, self.standing)
        running = [trial.number for trial in board.of(TrialState.RUNNING)]
        self._observer.others_at_work(running)
        return self.n_complete > before

    def _standing(self, board: Board) -> Standing:
        return standing_of(board.of(TrialState.COMPLETE), self._population_size)


def _stop(workers: Sequence[_WorkerProcess], interruption: Interruption) -> None:
    """Ask all workers to stop, and kill the ones that do not."""
    try:
        with interruption.allowed():
            for worker in workers:
                worker.send(signal.SIGTERM)
            until = time.monotonic() + _STOPPING_S
            for worker in workers:
                worker.wait(until)
    except KeyboardInterrupt:
        _kill(workers)
        raise


def _kill(workers: Sequence[_WorkerProcess]) -> None:
    for worker in workers:
        worker.wait(0.0)


def _words(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
