"""Every fault that a search is to survive: what becomes of it -> by which test we know.

What dies, or seems dead:

- kill -9 between any two writes of a trial: others finish a whole study
  -> test_a_worker_killed_before_any_of_its_writes_leaves_a_study_that_others_finish
- kill -9 while a child trains, or between training and telling: the child is tried again
  -> test_a_worker_killed_while_it_trains_or_tells_has_its_child_tried_again
- kill -9 between the mark and the end of a lost trial: the next worker ends it
  -> test_a_worker_killed_while_it_ends_a_lost_trial_leaves_that_to_the_next
- kill -9 with the lock of a journal file: the lock is broken after its time, half a minute
  -> test_the_lock_of_a_journal_file_whose_holder_was_killed_is_broken
- a worker that only seemed dead reports late: that is dropped, and it goes on
  -> test_what_a_worker_reports_too_late_is_dropped_and_it_goes_on
- SIGTERM: the worker ends with code 0, its child is put back
  -> test_a_worker_that_is_terminated_puts_its_child_back
- a child that kills every worker: it is given up when its retries are used up
  -> test_a_child_that_kills_every_worker_is_given_up_when_the_retries_are_used_up
- any of these at random moments, on any storage: the study is whole
  -> test_killed_workers_and_an_outage_leave_a_whole_study_on_postgresql

What fails around it:

- the database restarts: workers wait and go on
  -> test_a_worker_outlives_a_restart_of_its_database
- the database is away for longer than the patience: an error; the child is tried again later
  -> test_an_outage_longer_than_the_patience_ends_the_worker_and_not_the_child
- a child does not fit into memory: FAIL with the reason, and never again
  -> test_a_child_that_does_not_fit_into_memory_is_never_proposed_again
- a loss is not finite: FAIL with the step
  -> test_a_loss_that_is_not_finite_fails_the_child_with_its_step
- clocks differ by minutes, and by their time zones: nothing
  -> test_clocks_and_time_zones_that_differ_change_nothing
- attributes are half-written, or of another version: they count as missing
  -> test_attributes_of_any_shape_disturb_nobody
- the disk of a journal file is full: an error; the study can be read and continued
  -> test_a_full_disk_is_an_error_and_the_study_stays_readable
- two workers give a new study different settings at the same moment: at most one joins
  -> test_of_two_workers_with_different_settings_at_most_one_joins
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
import errno
import itertools
import os
from pathlib import Path
import re
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import optuna
from optuna import Study
from optuna import Trial
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial
from optuna.trial import TrialState
import pytest

from optuna_xmcnas import GenomeSpace
from optuna_xmcnas import open_storage
from optuna_xmcnas import RegularizedEvolutionSampler
from optuna_xmcnas import work
from optuna_xmcnas.analysis import best_records
from optuna_xmcnas.exceptions import ChildFailedError
from optuna_xmcnas.exceptions import ChildInterruptedError
from optuna_xmcnas.exceptions import ChildOutOfMemoryError
from optuna_xmcnas.exceptions import ConfigMismatchError
from optuna_xmcnas.exceptions import NonFiniteLossError
from optuna_xmcnas.exceptions import StorageError
from optuna_xmcnas.samplers.storage import ENDED_KEY
from optuna_xmcnas.study import Ended
from optuna_xmcnas.study import ended_of
from optuna_xmcnas.study import join_study
from optuna_xmcnas.study import read_record
from optuna_xmcnas.study import retry_of
from optuna_xmcnas.study import StudyConfig
from optuna_xmcnas.worker import Ending
from optuna_xmcnas.worker import loop
from optuna_xmcnas.worker.lease import LEASE_KEY
from optuna_xmcnas.worker.trials import fail_trial
from tests.outage import Outage
from tests.servers import fresh_postgresql
from tests.soak import soak_worker
from tests.soak.invariants import check
from tests.worker.dying import N_TRIALS
from tests.worker.toys import begin
from tests.worker.toys import DEAD
from tests.worker.toys import make_study
from tests.worker.toys import proposal_of
from tests.worker.toys import sampler
from tests.worker.toys import settings
from tests.worker.toys import SPACE
from tests.worker.toys import states
from tests.worker.toys import train


ROOT = Path(__file__).parent.parent.parent
JUNK: list[Any] = [None, True, -1, 2.5, "x", "{", [], [1], {}, {"format": 1}, {"format": 99}]


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_LONGEST_PAUSE_S", 0.02)
    monkeypatch.setattr(loop, "_NAP_S", 0.005)


def run(*arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **more.pop("env", {})}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def kill_worker(url: str, moment: str) -> None:
    ended = run("-m", "tests.worker.dying", url, moment)
    assert ended.returncode == -signal.SIGKILL, ended.stderr


def load(url: str, **options: float) -> Study:
    storage = open_storage(url, **options)  # type: ignore[arg-type]  # all of them are seconds
    return optuna.load_study(study_name="toy", storage=storage, sampler=sampler())


def test_every_fault_has_its_test() -> None:
    named = re.findall(r"-> (test_\w+)", __doc__)
    written = "".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    assert len(named) == 16
    assert [name for name in named if f"def {name}(" not in written] == []


# What dies or seems dead.


@pytest.mark.parametrize("is_lost", [False, True], ids=["new child", "lost child"])
def test_a_worker_killed_before_any_of_its_writes_leaves_a_study_that_others_finish(
    is_lost: bool, tmp_path: Path
) -> None:
    study = make_study(open_storage(f"sqlite:///{tmp_path}/study.db"))
    work(study, train, settings(N_TRIALS - 1))
    if is_lost:
        begin(study)
    ended = run("-m", "tests.worker.dying", f"{tmp_path}/study.db", "everywhere")
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) > 15


@pytest.mark.parametrize("moment", ["training", "telling"])
def test_a_worker_killed_while_it_trains_or_tells_has_its_child_tried_again(
    moment: str, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/study.db"
    study = make_study(open_storage(url))
    kill_worker(url, moment)
    assert states(study) == ["RUNNING"]
    assert work(study, train, settings(3)) is Ending.BUDGET
    assert ended_of(study.trials[0]) is Ended.LOST
    assert study.trials[1].params == study.trials[0].params
    assert check(study, 3, SPACE)["fail lost"] == 1


def test_a_worker_killed_while_it_ends_a_lost_trial_leaves_that_to_the_next(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path}/study.db"
    study = make_study(open_storage(url))
    begin(study)
    kill_worker(url, "failing")
    (lost,) = study.trials
    assert lost.state == TrialState.RUNNING
    assert ENDED_KEY in lost.system_attrs
    assert work(study, train, settings(2)) is Ending.BUDGET
    assert check(study, 2, SPACE) == {"fail lost": 1, "complete": 2}


def test_the_lock_of_a_journal_file_whose_holder_was_killed_is_broken(tmp_path: Path) -> None:
    path = tmp_path / "study.log"
    make_study(open_storage(str(path)))
    kill_worker(str(path), "locked")
    assert os.path.lexists(f"{path}.lock")
    study = load(str(path))
    lock: Any = study._storage._backend._backend._lock  # type: ignore[attr-defined]  # of a journal
    assert lock.grace_period == 30
    lock.grace_period = 1
    assert work(study, train, settings(2)) is Ending.BUDGET
    check(study, 2, SPACE)


def complete(trial: Trial) -> float:
    return 1.0


def fail(trial: Trial) -> float:
    raise ChildFailedError("late")


def write(trial: Trial) -> float:
    trial.set_user_attr("late", True)
    return 1.0


def report(trial: Trial) -> float:
    trial.report(0.5, step=1)
    return 1.0


def prune(trial: Trial) -> float:
    raise optuna.TrialPruned


def mistake(trial: Trial) -> float:
    return float("nan")


@pytest.mark.parametrize(
    "late", [complete, fail, write, report, prune, mistake], ids=lambda late: late.__name__
)
def test_what_a_worker_reports_too_late_is_dropped_and_it_goes_on(
    late: Callable[[Trial], float], caplog: pytest.LogCaptureFixture
) -> None:
    study = make_study()

    def objective(trial: Trial, should_stop: Callable[[], bool]) -> float:
        score = train(trial, should_stop)
        if trial.number > 0:
            return score
        others = optuna.load_study(study_name="toy", storage=study._storage, sampler=sampler())
        fail_trial(others, others.trials[0], ENDED_KEY, Ended.LOST.to_record())
        assert work(others, train, settings(2)) is Ending.BUDGET
        return late(trial)

    assert work(study, objective, settings(3)) is Ending.BUDGET
    assert check(study, 3, SPACE) == {"fail lost": 1, "complete": 3}
    assert "late" not in study.trials[0].user_attrs
    assert caplog.records == []


def test_a_child_whose_trial_was_given_to_another_is_stopped_and_its_worker_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loop, "_BEATS", 10_000)
    study = make_study()

    def objective(trial: Trial, should_stop: Callable[[], bool]) -> float:
        score = train(trial, should_stop)
        if trial.number == 0:
            fail_trial(study, study.trials[0], ENDED_KEY, Ended.LOST.to_record())
            deadline = time.monotonic() + 30
            while not should_stop():
                assert time.monotonic() < deadline
                time.sleep(0.001)
            raise ChildInterruptedError
        return score

    assert work(study, objective, settings(2)) is Ending.BUDGET
    assert check(study, 2, SPACE) == {"fail lost": 1, "complete": 2}


class Overtaking(InMemoryStorage):
    """Others end the first trial before its worker has a genome for it."""

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        if trial_id == 0 and key.endswith(":proposal"):
            super().set_trial_state_values(trial_id, TrialState.FAIL)
        super().set_trial_system_attr(trial_id, key, value)


def test_a_trial_that_others_ended_before_it_began_is_dropped() -> None:
    study = make_study(Overtaking())
    assert work(study, train, settings(1)) is Ending.BUDGET
    assert states(study) == ["FAIL", "COMPLETE"]


class Overtaken(optuna.samplers.RandomSampler):
    """Others end the first trial while its worker tells the result."""

    def after_trial(
        self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        if trial.number == 0:
            study._storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)


@pytest.mark.parametrize("late", [complete, fail, prune, mistake], ids=lambda late: late.__name__)
def test_a_result_that_comes_too_late_by_a_moment_is_dropped(
    late: Callable[[Trial], float],
) -> None:
    study = optuna.create_study(sampler=Overtaken())

    def objective(trial: Trial, should_stop: Callable[[], bool]) -> float:
        return 1.0 if trial.number else late(trial)

    assert work(study, objective, settings(1)) is Ending.BUDGET
    assert states(study) == ["FAIL", "COMPLETE"]


def test_a_worker_that_is_terminated_puts_its_child_back(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/study.db"
    study = optuna.create_study(
        study_name=soak_worker.STUDY,
        storage=open_storage(url),
        sampler=soak_worker.sampler(),
        direction="maximize",
    )
    command = [sys.executable, "-m", "tests.soak.soak_worker", url, "2", "600"]
    with subprocess.Popen(command, cwd=ROOT) as worker:
        deadline = time.monotonic() + 60
        while not (study.trials and "genome" in study.trials[0].user_attrs):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        worker.terminate()
        assert worker.wait(60) == 0
    assert ended_of(study.trials[0]) is Ended.INTERRUPTED
    assert work(study, train, settings(1)) is Ending.BUDGET
    assert study.trials[1].user_attrs["genome"] == study.trials[0].user_attrs["genome"]
    retry = retry_of(study.trials[1])
    assert retry is not None
    assert retry.losses == 0


# What fails around it.


@pytest.mark.server
def test_a_worker_outlives_a_restart_of_its_database() -> None:
    with fresh_postgresql() as url, Outage(url) as line:
        study = make_study(open_storage(line.url))
        restarts: list[threading.Timer] = []

        def objective(trial: Trial, should_stop: Callable[[], bool]) -> float:
            if trial.number == 1:
                restarts.append(line.cut_for(2.0))
            return train(trial, should_stop)

        assert work(study, objective, settings(4)) is Ending.BUDGET
        restarts[0].join()
        summary = check(study, 4, SPACE)
        assert summary["complete"] == 4
        assert summary["fail lost"] == 0


@pytest.mark.server
def test_an_outage_longer_than_the_patience_ends_the_worker_and_not_the_child() -> None:
    with fresh_postgresql() as url, Outage(url) as line:
        study = make_study(open_storage(line.url, patience_s=0.3))

        def objective(trial: Trial, should_stop: Callable[[], bool]) -> float:
            score = train(trial, should_stop)
            line.cut()
            return score

        with pytest.raises(StorageError, match="did not answer for"):
            work(study, objective, settings(2))
        line.mend()
        later = load(url)
        trial_id = later.trials[0]._trial_id
        later._storage.set_trial_system_attr(trial_id, LEASE_KEY, DEAD.to_record())
        assert work(later, train, settings(2)) is Ending.BUDGET
        assert check(later, 2, SPACE) == {"fail lost": 1, "complete": 2}


def test_a_child_that_does_not_fit_into_memory_is_never_proposed_again() -> None:
    space = GenomeSpace(ops=("conv3", "bilstm"), min_layers=1, max_layers=2)
    of_space = RegularizedEvolutionSampler(space=space, population_size=4, sample_size=2, seed=0)
    study = optuna.create_study(sampler=of_space)

    def objective(trial: Trial, should_stop: Callable[[], bool]) -> float:
        space.suggest(trial)
        if trial.number == 0:
            raise ChildOutOfMemoryError("the child needs 9 GB, there are 4")
        return 1.0

    work(study, objective, settings(6))
    failed, *others = study.trials
    assert failed.state == TrialState.FAIL
    assert failed.user_attrs["failure"] == "the child needs 9 GB, there are 4"
    assert proposal_of(failed).identity not in {proposal_of(trial).identity for trial in others}
    assert all(retry_of(trial) is None for trial in others)


def test_a_loss_that_is_not_finite_fails_the_child_with_its_step() -> None:
    study = make_study()

    def objective(trial: Trial, should_stop: Callable[[], bool]) -> float:
        if trial.number == 0:
            raise NonFiniteLossError("the loss is nan at step 17")
        return train(trial, should_stop)

    assert work(study, objective, settings(1)) is Ending.BUDGET
    assert states(study) == ["FAIL", "COMPLETE"]
    assert study.trials[0].user_attrs["failure"] == "the loss is nan at step 17"


SKEWED = """
import datetime, sys, time
skew_s = float(sys.argv[1])
real, real_time = datetime.datetime, time.time
class Skewed(real):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(real_time() + skew_s, tz)
datetime.datetime = Skewed
time.time = lambda: real_time() + skew_s
from tests.soak import soak_worker
soak_worker.main(sys.argv[2], 24, 0.05)
"""


def test_clocks_and_time_zones_that_differ_change_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/study.db"
    study = optuna.create_study(
        study_name=soak_worker.STUDY, storage=open_storage(url), direction="maximize"
    )
    zones = {"600": "UTC+11", "-600": "UTC-9", "0": "UTC"}
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", SKEWED, skew_s, url],
            cwd=ROOT,
            env={**os.environ, "TZ": zone, "OMP_NUM_THREADS": "1"},
            stderr=subprocess.PIPE,
            text=True,
        )
        for skew_s, zone in zones.items()
    ]
    for worker in workers:
        _, complaints = worker.communicate(timeout=120)
        assert worker.returncode == 0, complaints
    assert check(study, 24, soak_worker.SPACE)["fail lost"] == 0
    starts = [trial.datetime_start for trial in study.trials if trial.datetime_start is not None]
    assert (max(starts) - min(starts)).total_seconds() > 1000  # the clocks did differ


def test_attributes_of_any_shape_disturb_nobody() -> None:
    study = make_study()
    keys = ("xmcnas:lease", "xmcnas:ended", "xmcnas:retry")
    sampled = ("RegularizedEvolutionSampler:proposal", "RegularizedEvolutionSampler:age")
    shown = ("xmcnas_format", "genome", "parent", "node_weights", "failure", "P@5", "seconds")
    storage = study._storage
    endings = itertools.cycle((TrialState.COMPLETE, TrialState.FAIL, TrialState.PRUNED, None))
    for key, junk, state in zip((*keys, *sampled) * len(JUNK), JUNK * 5, endings, strict=False):
        trial = study.ask()
        train(trial, lambda: False)
        for name in shown:
            trial.set_user_attr(name, junk)
        storage.set_trial_system_attr(trial._trial_id, key, junk)
        if state is not None:
            study.tell(trial, 1.0 if state == TrialState.COMPLETE else None, state=state)
            continue
        study.tell(trial, state=TrialState.FAIL)
        template = optuna.create_trial(state=TrialState.WAITING, system_attrs={key: junk})
        study.add_trial(template)
    n_trials = states(study).count("COMPLETE") + states(study).count("WAITING") + 5
    assert work(study, train, settings(n_trials, max_failures=1)) is Ending.BUDGET
    assert states(study).count("COMPLETE") == n_trials
    for frozen in study.trials:
        read_record(frozen)
    best_records(study, 99)


def test_a_full_disk_is_an_error_and_the_study_stays_readable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{tmp_path}/study.log"
    study = make_study(open_storage(url))
    write_to = os.write

    def write_half(descriptor: int, data: bytes) -> int:
        if not data.startswith(b'{"op_code'):
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_to(descriptor, data[: len(data) // 2])

    def objective(trial: Trial, should_stop: Callable[[], bool]) -> float:
        score = train(trial, should_stop)
        if trial.number == 1:
            monkeypatch.setattr(os, "write", write_half)
        return score

    with pytest.raises(StorageError, match="the disk of the storage is full"):
        work(study, objective, settings(3))
    monkeypatch.undo()
    later = load(url)
    assert states(later) == ["COMPLETE", "RUNNING"]
    later._storage.set_trial_system_attr(later.trials[1]._trial_id, LEASE_KEY, DEAD.to_record())
    assert work(later, train, settings(3)) is Ending.BUDGET
    check(later, 3, SPACE)


class Interleaving(InMemoryStorage):
    """Lets something else happen around the first attribute that is written to a study."""

    def __init__(self) -> None:
        super().__init__()
        self.before: Callable[[], object] | None = None
        self.after: Callable[[], object] | None = None

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        before, self.before = self.before, None
        after, self.after = self.after, None
        if before is not None:
            before()
        super().set_study_user_attr(study_id, key, value)
        if after is not None:
            after()


@pytest.mark.parametrize("moment", ["before", "after", "between"])
def test_of_two_workers_with_different_settings_at_most_one_joins(moment: str) -> None:
    storage = Interleaving()
    study = make_study(storage)
    joined: list[int] = []

    def join(epochs: int) -> None:
        try:
            join_study(study, StudyConfig({"training": {"epochs": epochs}}))
        except ConfigMismatchError:
            return
        joined.append(epochs)

    if moment == "before":
        storage.before = lambda: join(5)
    elif moment == "after":
        storage.after = lambda: join(5)
    else:  # both have looked and seen nothing, both write, both look again
        meeting = threading.Barrier(2)
        write = meet(storage.set_study_user_attr, meeting)
        storage.set_study_user_attr = write  # type: ignore[assignment, method-assign]  # one study
    if moment == "between":
        threads = [threading.Thread(target=join, args=(epochs,)) for epochs in (3, 5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    else:
        join(3)
    assert len(joined) <= 1
    join(3)
    join(5)
    assert len(set(joined)) == 1  # afterwards the first one has the study for itself


def meet(
    write: Callable[[int, str, Any], None], meeting: threading.Barrier
) -> Callable[[int, str, Any], None]:
    def write_together(study_id: int, key: str, value: Any) -> None:
        if value is not None:
            meeting.wait(30)
            write(study_id, key, value)
            meeting.wait(30)
        else:
            write(study_id, key, value)

    return write_together
