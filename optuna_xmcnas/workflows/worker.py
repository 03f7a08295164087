"""Training children of a study in this process, among any number of other workers."""

from __future__ import annotations

from collections.abc import Callable
import logging
import socket
from typing import final
from typing import TYPE_CHECKING

from optuna import TrialPruned
from optuna.trial import TrialState

from optuna_xmcnas.exceptions import ChildFailedError
from optuna_xmcnas.exceptions import ChildInterruptedError
from optuna_xmcnas.exceptions import StorageError
from optuna_xmcnas.objective import XmcObjective
from optuna_xmcnas.study import config_of
from optuna_xmcnas.study import read_record
from optuna_xmcnas.training import free_space_shortage
from optuna_xmcnas.training import snapshot_bytes
from optuna_xmcnas.worker import Ending
from optuna_xmcnas.worker import Interruption
from optuna_xmcnas.worker import lease_of
from optuna_xmcnas.worker import work
from optuna_xmcnas.workflows.files import sweep
from optuna_xmcnas.workflows.standing import population_size_of
from optuna_xmcnas.workflows.standing import standing_of


if TYPE_CHECKING:
    from optuna import Trial
    from optuna.trial import FrozenTrial

    from optuna_xmcnas.dashboard import Showcase
    from optuna_xmcnas.genome import Genome
    from optuna_xmcnas.worker import Board
    from optuna_xmcnas.worker import Loss
    from optuna_xmcnas.worker import WorkSettings
    from optuna_xmcnas.workflows.observer import SearchObserver
    from optuna_xmcnas.workflows.session import Session


_LOGGER = logging.getLogger(__name__)
_LEAST_FREE_BYTES = 64 * 2**20
_MANY_ON_SQLITE = 4  # workers; from there on they wait for each other's locks (ours)


def run_worker(
    session: Session,
    settings: WorkSettings,
    *,
    interruption: Interruption,
    observer: SearchObserver,
    deadline: float | None = None,
    checkpoint_every_s: float = 300.0,
    is_sqlite: bool = False,
    showcase: Showcase | None = None,
) -> Ending:
    """Train children until the study has as many as wanted, or somebody stops us.

    Args:
        session: The study and the data.
        settings: Budget, retries, patience.
        interruption: Asked before each step of a training.
        observer: Who watches.
        deadline: By ``time.monotonic()``; no child begins later.
        checkpoint_every_s: Seconds of training that may be lost when a worker is killed.
        is_sqlite: Whether to warn of too many workers for SQLite.
        showcase: What shows the search in optuna-dashboard; None shows nothing.

    Raises:
        SearchFailedError: If too many children failed one after another.
        StorageError: If the storage fails for longer than it has patience, or the disk is full.
    """
    session.folder.mkdir(parents=True, exist_ok=True)
    watcher = _Watcher(session, observer, is_sqlite, showcase, interruption)
    running: Trial | None = None

    def began(number: int, genome: Genome) -> None:
        observer.child_began(number, genome)
        if showcase is not None and running is not None:
            showcase.child_began(running, genome)

    objective = XmcObjective(
        session.data,
        space=session.settings.space,
        child=session.settings.child,
        training=session.settings.training,
        keep_best_in=session.folder,
        checkpoints_in=session.folder,
        checkpoint_every_s=checkpoint_every_s,
        origin=session.origin,
        on_child=began,
        on_evaluation=observer.child_evaluated,
    )
    shortage: str | None = None

    def run(trial: Trial, should_stop: Callable[[], bool]) -> float:
        nonlocal running, shortage
        running = trial
        shortage = free_space_shortage(session.folder, watcher.bytes_needed)
        if shortage is not None:  # the child is put back, for a worker that has a place for it
            interruption.wish()
            raise ChildInterruptedError(shortage)
        if showcase is None:
            return objective(trial, should_stop)
        try:
            score = objective(trial, should_stop)
        except (ChildFailedError, ChildInterruptedError, TrialPruned):
            showcase.child_ended(trial)
            raise
        showcase.child_ended(trial, score)
        return score

    complete = session.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    standing = standing_of(complete, watcher.population_size)
    observer.search_began(standing, settings.n_trials)
    ending = work(
        session.study,
        run,
        settings,
        interruption=interruption,
        deadline=deadline,
        observer=watcher,
    )
    if showcase is not None and ending is not Ending.INTERRUPTED and not interruption.is_wanted:
        showcase.study_changed(session.study, force=True)
    if shortage is not None:
        raise StorageError(shortage)
    return ending


@final
class _Watcher:
    """Passes on what happens to the worker, and keeps its folder tidy."""

    def __init__(
        self,
        session: Session,
        observer: SearchObserver,
        is_sqlite: bool,
        showcase: Showcase | None,
        interruption: Interruption,
    ) -> None:
        self._session = session
        self._observer = observer
        self._showcase = showcase
        self._interruption = interruption
        self._may_warn = is_sqlite
        self.bytes_needed = _LEAST_FREE_BYTES
        self.population_size = population_size_of(config_of(session.study))

    def trial_ended(self, trial: FrozenTrial, board: Board) -> None:
        sweep(self._session.folder, board.trials, board.owed())
        record = read_record(trial)
        if record is not None and record.n_parameters is not None:
            n_bytes = snapshot_bytes(
                record.n_parameters,
                is_averaged=self._session.settings.training.average_from_epoch is not None,
            )
            self.bytes_needed = max(self.bytes_needed, n_bytes)
        standing = standing_of(board.of(TrialState.COMPLETE), self.population_size)
        self._observer.child_ended(trial, standing)
        if self._showcase is not None and not self._interruption.is_wanted:
            self._showcase.study_changed(self._session.study)
        self._warn_of_sqlite(board)

    def trial_lost(self, loss: Loss) -> None:
        self._observer.child_lost(loss.trial.number, loss.reason)

    def waiting(self, board: Board) -> None:
        running = board.of(TrialState.RUNNING)
        self._observer.others_at_work([trial.number for trial in running])

    def _warn_of_sqlite(self, board: Board) -> None:
        leases = [lease_of(trial) for trial in board.of(TrialState.RUNNING)]
        others = {lease.host for lease in leases if lease is not None} - {socket.gethostname()}
        if not self._may_warn or (len(leases) < _MANY_ON_SQLITE and not others):
            return
        self._may_warn = False
        _LOGGER.warning(
            "%s share an SQLite file: it is locked as a whole for every write, and its locks do "
            "not hold on network file systems. Use PostgreSQL, MySQL or Redis.",
            f"{1 + len(others)} hosts" if others else f"{1 + len(leases)} workers",
        )
