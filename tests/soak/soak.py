"""A soak run: workers on one storage that are killed at random moments, until the budget is spent.

``test_soak.py`` runs a short form. The long form, from the root of the repository, with a server
that is restarted twice (the database must be empty, or hold no study "soak")::

    python -m tests.soak.soak --storage postgresql+psycopg2://user@host/database \
        --workers 4 --trials 100 --kills 40 \
        --restarts 2 --restart-command "pg_ctlcluster 15 main restart -m fast"

Eight workers with children of some milliseconds, none of them killed::

    python -m tests.soak.soak --storage postgresql+psycopg2://user@host/database \
        --workers 8 --trials 400 --kills 0 --seconds-per-child 0.005

It ends with a line of counts, and exit code 0, if the study is whole.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
import functools
import math
import os
from pathlib import Path
import random
import shlex
import signal
import subprocess
import sys
import time

import optuna
from optuna import Study
from optuna.trial import TrialState

from optuna_xmcnas import open_storage
from optuna_xmcnas.worker import lease_of
from tests.soak.invariants import check
from tests.soak.soak_worker import SPACE
from tests.soak.soak_worker import STUDY


ROOT = Path(__file__).parent.parent.parent
_LOOK_S = 0.05
_SHARE_AT_WORK = 0.8  # of the kills; a worker takes longer to start than to train a toy child
_START_S = 30.0  # after an outage; a worker that began to start in it may end so much later
_LONGEST_S = 900.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is done to whom."""

    n_workers: int
    n_trials: int  # grows as long as there are kills left
    n_kills: int
    n_outages: int = 0
    seconds_per_child: float = 0.4
    seconds_per_kill: float = 1.0  # on average between two of them
    seed: int = 0
    lock: Path | None = None  # nobody is killed while this file exists


@dataclass(frozen=True, kw_only=True)
class Report:
    """What was done, and what came of it."""

    trials: Counter[str]
    n_kills: int
    n_kills_at_work: int  # of workers that held a trial
    n_outages: int
    n_refused: int  # workers that could not start while the server was away, and were restarted
    seconds: float


def soak(url: str, plan: Plan, outage: Callable[[], object] = lambda: None) -> Report:
    """Make a study, have workers fill it while they are killed, and check it.

    Args:
        url: Address of a storage without a study of this name.
        plan: What is done to whom.
        outage: Makes the server go away and come back.
    """
    study = optuna.create_study(study_name=STUDY, storage=open_storage(url), direction="maximize")
    driver = _Driver(url, study, plan, outage)
    try:
        return driver.run()
    finally:
        driver.end()


class _Driver:
    def __init__(self, url: str, study: Study, plan: Plan, outage: Callable[[], object]) -> None:
        self._url = url
        self._study = study
        self._plan = plan
        self._outage = outage
        self._rng = random.Random(plan.seed)
        self._n_trials = plan.n_trials
        self._n_kills = 0
        self._n_kills_at_work = 0
        self._n_outages = 0
        self._n_refused = 0
        self._refused_until = -math.inf
        self._workers: list[subprocess.Popen[bytes]] = []

    def run(self) -> Report:
        began = time.monotonic()
        self._workers = [self._start() for _ in range(self._plan.n_workers)]
        next_kill = time.monotonic() + 1.0 + self._pause()
        while not self._is_over():
            assert time.monotonic() < began + _LONGEST_S, "the workers do not come to an end"
            time.sleep(_LOOK_S)
            if self._n_outages < self._plan.n_outages and self._is_time_for_outage():
                self._n_outages += 1
                self._outage()
                self._refused_until = time.monotonic() + _START_S
            is_time = self._n_kills < self._plan.n_kills and time.monotonic() > next_kill
            if is_time and self._kill_one():
                next_kill = time.monotonic() + self._pause()
        return Report(
            trials=check(self._study, self._n_trials, SPACE),
            n_kills=self._n_kills,
            n_kills_at_work=self._n_kills_at_work,
            n_outages=self._n_outages,
            n_refused=self._n_refused,
            seconds=time.monotonic() - began,
        )

    def end(self) -> None:
        for worker in self._workers:
            worker.kill()
            worker.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        settings = [self._url, str(self._n_trials), str(self._plan.seconds_per_child)]
        return subprocess.Popen(
            [sys.executable, "-m", "tests.soak.soak_worker", *settings],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )

    def _pause(self) -> float:
        return self._rng.uniform(0.2, 1.8) * self._plan.seconds_per_kill

    def _is_over(self) -> bool:
        if time.monotonic() < self._refused_until:
            self._restart_refused()
        codes = [worker.poll() for worker in self._workers]
        assert set(codes) <= {None, 0}, f"a worker ended by itself with {codes}"
        if None in codes:
            return False
        n_left = self._plan.n_kills - self._n_kills
        n_left += self._plan.n_outages - self._n_outages
        if n_left:
            self._n_trials += 2 * n_left + self._plan.n_workers
            self._workers = [self._start() for _ in self._workers]
        return not n_left

    def _restart_refused(self) -> None:
        """Start workers again that found no server, as whatever supervises them does."""
        for number, worker in enumerate(self._workers):
            if worker.poll() == 1:
                self._n_refused += 1
                self._workers[number] = self._start()

    def _is_time_for_outage(self) -> bool:
        done = len(self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)))
        return done * (self._plan.n_outages + 1) >= self._plan.n_trials * (self._n_outages + 1)

    def _kill_one(self) -> bool:
        """Kill a worker and start another; return False if there is none to be killed now."""
        alive = [n for n, worker in enumerate(self._workers) if worker.poll() is None]
        holders = self._holders()
        wants_work = not self._n_kills_at_work or self._rng.random() < _SHARE_AT_WORK
        if wants_work:  # the others hit anybody, starting or between two trials
            alive = [n for n in alive if self._workers[n].pid in holders]
        if not alive:
            return False
        number = self._rng.choice(alive)
        victim = self._workers[number]
        victim.send_signal(signal.SIGSTOP)
        if self._plan.lock is not None and os.path.lexists(self._plan.lock):
            victim.send_signal(signal.SIGCONT)  # it may hold the lock
            return False
        victim.kill()
        if victim.wait() == -signal.SIGKILL:
            self._n_kills += 1
            self._n_kills_at_work += victim.pid in self._holders()
        self._workers[number] = self._start()
        return True

    def _holders(self) -> set[int]:
        running = self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        leases = [lease_of(trial) for trial in running]
        return {lease.process.pid for lease in leases if lease is not None}


def main() -> None:
    parser = argparse.ArgumentParser(description="Let killed workers fill a study, and check it.")
    parser.add_argument("--storage", required=True)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--restarts", type=int, default=0)
    parser.add_argument("--restart-command", default="true")
    parser.add_argument("--seconds-per-child", type=float, default=0.4)
    parser.add_argument("--seconds-per-kill", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    plan = Plan(
        n_workers=given.workers,
        n_trials=given.trials,
        n_kills=given.kills,
        n_outages=given.restarts,
        seconds_per_child=given.seconds_per_child,
        seconds_per_kill=given.seconds_per_kill,
        seed=given.seed,
    )
    command = shlex.split(given.restart_command)
    report = soak(given.storage, plan, functools.partial(subprocess.check_call, command))
    sys.stdout.write(f"{report}\n")


if __name__ == "__main__":
    main()
