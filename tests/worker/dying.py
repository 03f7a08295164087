"""A worker that is killed at a chosen moment.

``python -m tests.worker.dying URL MOMENT`` works on the study "toy" and is killed while it trains,
tells, fails a lost trial, or holds the lock of a journal file.

``python -m tests.worker.dying TEMPLATE everywhere`` copies a database file, works on the copy, is
killed before its first write, and has another worker finish; then before the second write of
another copy; and so on until a worker survives. It prints how many were killed.
"""

from __future__ import annotations

from collections.abc import Callable
import os
from pathlib import Path
import shutil
import signal
import sys
from typing import Any

import optuna
from optuna import Study
from optuna import Trial
from optuna.trial import TrialState
import sqlalchemy
from sqlalchemy.engine import Engine

from optuna_xmcnas import open_storage
from optuna_xmcnas import work
from tests.soak.invariants import check
from tests.worker.toys import sampler
from tests.worker.toys import settings
from tests.worker.toys import SPACE
from tests.worker.toys import train


N_TRIALS = 12  # enough for the last one to have a parent


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def load(url: str) -> Study:
    return optuna.load_study(study_name="toy", storage=open_storage(url), sampler=sampler())


def die_once(url: str, moment: str) -> None:
    study = load(url)
    objective: Callable[[Trial, Callable[[], bool]], float] = train
    if moment == "training":

        def objective(trial: Trial, should_stop: Callable[[], bool]) -> float:
            score = train(trial, should_stop)
            die()
            return score

    elif moment in ("telling", "failing"):
        fatal = TrialState.COMPLETE if moment == "telling" else TrialState.FAIL
        change = study._storage.set_trial_state_values

        def change_or_die(trial_id: int, state: TrialState, values: Any = None) -> bool:
            if state == fatal:
                die()
            return change(trial_id, state, values)

        study._storage.set_trial_state_values = change_or_die  # type: ignore[method-assign]
    else:
        os.fsync = lambda fd: die()  # the entry is written, the lock is held
    work(study, objective, settings(N_TRIALS))


def die_everywhere(template: Path) -> int:
    n_killed = 0
    while True:
        copy = template.with_name("copy.db")
        shutil.copy(template, copy)
        url = f"sqlite:///{copy}"
        if not _is_killed_at(url, n_killed):
            return n_killed
        n_killed += 1
        study = load(url)
        work(study, train, settings(N_TRIALS))
        check(study, N_TRIALS, SPACE)
        study._storage.remove_session()


def _is_killed_at(url: str, n_writes: int) -> bool:
    pid = os.fork()
    if not pid:
        left = n_writes

        def count(_: object, __: object, statement: str, *___: object) -> None:
            nonlocal left
            if statement.startswith(("INSERT", "UPDATE", "DELETE")):
                if not left:
                    die()
                left -= 1

        study = load(url)
        sqlalchemy.event.listen(Engine, "before_cursor_execute", count)
        work(study, train, settings(N_TRIALS))
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) in (0, -signal.SIGKILL)
    return os.WIFSIGNALED(status)


if __name__ == "__main__":
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if sys.argv[2] == "everywhere":
        sys.stdout.write(f"{die_everywhere(Path(sys.argv[1]))}\n")
    else:
        die_once(*sys.argv[1:])
