"""Several workers on one host: started again when they die, and all gone at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from collections.abc import Sequence
import os
from pathlib import Path
import signal
import subprocess
import sys
import time

import optuna
from optuna import Study
from optuna.trial import FrozenTrial
from optuna.trial import TrialState
import pytest

from optuna_xmcnas import Genome
from optuna_xmcnas.data import XmcDataset
from optuna_xmcnas.exceptions import SearchFailedError
from optuna_xmcnas.study import open_storage
from optuna_xmcnas.training import Evaluation
from optuna_xmcnas.worker import Ending
from optuna_xmcnas.worker import Interruption
from optuna_xmcnas.worker import lease_of
from optuna_xmcnas.worker.process import is_gone
from optuna_xmcnas.worker.process import ProcessId
from optuna_xmcnas.workflows import Crew
from optuna_xmcnas.workflows import Standing
from optuna_xmcnas.workflows.crew import run_crew


# A worker on a study of its folder: `step` says what its children do.
_WORKER = """
import os, signal, sys, time
import optuna
from optuna_xmcnas import GenomeSpace, RegularizedEvolutionSampler, WorkSettings
from optuna_xmcnas import open_storage, work
from optuna_xmcnas.exceptions import ChildInterruptedError
from optuna_xmcnas.worker import Interruption

optuna.logging.set_verbosity(optuna.logging.ERROR)
space = GenomeSpace()
sampler = RegularizedEvolutionSampler(space=space, population_size=4, sample_size=2)
study = optuna.load_study(
    study_name="crew", storage=open_storage(os.environ["TEST_STORAGE"]), sampler=sampler
)
step, n_trials = sys.argv[1], int(sys.argv[2])

def objective(trial, should_stop):
    genome = space.suggest(trial)
    if step == "dies once" and not os.path.exists("died"):
        open("died", "x").close()
        os.kill(os.getpid(), signal.SIGKILL)
    while step == "endless":
        if should_stop():
            raise ChildInterruptedError("told to stop")
        time.sleep(0.01)
    return genome.n_layers / 10

with Interruption(int(os.environ["OPTUNA_XMCNAS_PARENT"])) as interruption:
    print(work(study, objective, WorkSettings(n_trials=n_trials), interruption=interruption))
"""
# A worker that hears no SIGTERM, and answers it with a Ctrl-C for whoever sent it.
_STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getppid(), signal.SIGINT))
with open("pid", "x") as file:
    file.write(str(os.getpid()))
os.rename("pid", "ready")
while True:
    time.sleep(1)
"""
# What a terminal runs: a crew of one.
_SUPERVISOR = """
import optuna, pathlib, sys
from optuna_xmcnas import open_storage
from optuna_xmcnas.worker import Interruption
from optuna_xmcnas.workflows.crew import Crew, run_crew
from optuna_xmcnas.workflows.observer import SilentObserver
study = optuna.load_study(study_name="crew", storage=open_storage(sys.argv[1]))
command = [sys.executable, "-c", sys.argv[2], "endless", "100"]
crew = Crew(
    commands=[lambda: command],
    environment={"TEST_STORAGE": sys.argv[1]},
    log_dir=pathlib.Path("logs"),
)
run_crew(study, crew, 100, interruption=Interruption(), observer=SilentObserver())
"""
_PATIENCE_S = 60.0  # for what other processes are about to do, on busy cores


class Watcher:
    """Notes what a crew tells, and acts whenever the crew has looked at the study."""

    def __init__(self, on_look: Callable[[], object] = lambda: None) -> None:
        self.began: list[tuple[int, int]] = []
        self.ended: list[tuple[int, int]] = []
        self.lost: list[tuple[int, str]] = []
        self.restarted: list[tuple[int, str]] = []
        self._on_look = on_look
        self._deadline = time.monotonic() + _PATIENCE_S

    def data_ready(self, data: XmcDataset) -> None:
        pytest.fail("a crew trains nothing itself")

    def child_began(self, number: int, genome: Genome) -> None:
        pytest.fail("a crew trains nothing itself")

    def child_evaluated(self, number: int, evaluation: Evaluation) -> None:
        pytest.fail("a crew trains nothing itself")

    def stopping(self) -> None:
        pytest.fail("a crew trains nothing itself")

    def confirming_began(self, study_name: str, n_trainings: int) -> None:
        pytest.fail("a crew trains nothing itself")

    def judging_began(self) -> None:
        pytest.fail("a crew trains nothing itself")

    def search_began(self, standing: Standing, n_trials: int) -> None:
        self.began.append((standing.n_complete, n_trials))

    def child_ended(self, trial: FrozenTrial, standing: Standing) -> None:
        self.ended.append((trial.number, standing.n_complete))

    def child_lost(self, number: int, reason: str) -> None:
        self.lost.append((number, reason))

    def worker_restarted(self, worker: int, reason: str) -> None:
        self.restarted.append((worker, reason))

    def others_at_work(self, running: Sequence[int]) -> None:
        assert time.monotonic() < self._deadline, "the crew does not come to an end"
        self._on_look()


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("optuna_xmcnas.workflows.crew._LOOK_EVERY_S", 0.02)
    monkeypatch.setattr("optuna_xmcnas.workflows.crew._FIRST_PAUSE_S", 0.01)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/study.db"


@pytest.fixture
def study(url: str) -> Study:
    return optuna.create_study(study_name="crew", storage=open_storage(url), direction="maximize")


def _crew(url: str, *codes: str, step: str = "", n_trials: int = 4) -> Crew:
    def command(code: str) -> list[str]:
        return [sys.executable, "-c", code, step, str(n_trials)]

    return Crew(
        commands=[lambda code=code: command(code) for code in codes],  # type: ignore[misc]  # mypy sees no default
        environment={"TEST_STORAGE": url},
        log_dir=Path("logs"),
    )


def _run(
    study: Study,
    crew: Crew,
    n_trials: int = 4,
    watcher: Watcher | None = None,
    interruption: Interruption | None = None,
) -> Ending:
    return run_crew(
        study,
        crew,
        n_trials,
        interruption=interruption or Interruption(),
        observer=watcher or Watcher(),
    )


def _states(study: Study) -> Counter[str]:
    return Counter(trial.state.name for trial in study.get_trials(deepcopy=False))


def _processes(study: Study) -> list[ProcessId]:
    leases = [lease_of(trial) for trial in study.get_trials(deepcopy=False)]
    return [lease.process for lease in leases if lease is not None]


def test_a_crew_spends_the_budget_and_tells_every_child_once(study: Study, url: str) -> None:
    study.add_trial(optuna.trial.create_trial(value=0.0))  # of an earlier run: no news
    watcher = Watcher()
    assert _run(study, _crew(url, _WORKER, _WORKER, n_trials=6), 6, watcher) is Ending.BUDGET
    assert watcher.began == [(1, 6)]
    assert _states(study)["COMPLETE"] == 6
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    assert sorted(number for number, _ in watcher.ended) == [t.number for t in complete[1:]]
    assert watcher.restarted == []


def test_a_worker_that_dies_is_started_again_and_told(study: Study, url: str) -> None:
    watcher = Watcher()
    assert _run(study, _crew(url, _WORKER, step="dies once"), 4, watcher) is Ending.BUDGET
    assert watcher.restarted == [(1, "was killed by SIGKILL")]
    ((number, reason),) = watcher.lost
    assert number == 0
    assert "is gone" in reason
    assert [number for number, _ in watcher.ended] == [1, 2, 3, 4]


def test_restarts_are_bounded_with_growing_pauses(
    study: Study, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    starts: list[float] = []

    class Clock:
        """Goes as fast as the crew sleeps, but only when the worker has ended."""

        monotonic = staticmethod(lambda: now)

        @staticmethod
        def sleep(seconds: float) -> None:
            nonlocal now
            time.sleep(0.01)
            if Path("ends").exists():
                now += seconds

    def command() -> list[str]:
        starts.append(now)
        Path("ends").unlink(missing_ok=True)
        code = f"print('start {len(starts)}'); open('ends', 'x').close(); raise SystemExit(7)"
        return [sys.executable, "-S", "-c", code]

    monkeypatch.setattr("optuna_xmcnas.workflows.crew.time", Clock)
    monkeypatch.setattr("optuna_xmcnas.workflows.crew._LOOK_EVERY_S", 0.125)
    monkeypatch.setattr("optuna_xmcnas.workflows.crew._FIRST_PAUSE_S", 1.0)
    crew = Crew(commands=[command], environment={}, log_dir=Path("logs"))
    watcher = Watcher()
    with pytest.raises(SearchFailedError, match="1 of 1 workers ended with an error") as failure:
        _run(study, crew, 4, watcher)
    assert watcher.restarted == [(1, "ended with exit code 7")] * 5
    assert len(starts) == 6
    pauses = [after - before for before, after in zip(starts, starts[1:], strict=False)]
    assert all(wanted <= pause for wanted, pause in zip((1, 2, 4, 8, 16), pauses, strict=True))
    message = str(failure.value)
    assert "Worker 1 ended with exit code 7; the end of logs/worker-1.log:" in message
    assert "start 6" in message


def test_progress_forgives_earlier_deaths(study: Study, url: str) -> None:
    def command() -> list[str]:  # of a worker that completes a child and dies
        study.add_trial(optuna.trial.create_trial(value=0.5))
        return [sys.executable, "-S", "-c", f"raise SystemExit({len(study.trials) < 9})"]

    crew = Crew(commands=[command], environment={}, log_dir=Path("logs"))
    watcher = Watcher()
    assert _run(study, crew, 9, watcher) is Ending.BUDGET
    assert watcher.restarted == [(1, "ended with exit code 1")] * 8


def test_a_worker_with_wrong_input_is_not_started_again(
    study: Study, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    code = "print('error: no such folder'); exit(2)"
    watcher = Watcher()
    with pytest.raises(SearchFailedError, match=r"exit code 2(.|\n)*error: no such folder"):
        _run(study, _crew(url, code, code), 4, watcher)
    assert watcher.restarted == []
    assert Path("logs/worker-1.log").read_text() == "error: no such folder\n"
    assert caplog.text.count("is not started again; see logs/worker-") == 2


def test_the_others_go_on_without_a_worker_that_failed(
    study: Study, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert _run(study, _crew(url, "exit(2)", _WORKER)) is Ending.BUDGET
    assert "worker 1 ended with exit code 2 and is not started again" in caplog.text


def test_workers_that_end_early_end_the_crew(study: Study, url: str) -> None:
    assert _run(study, _crew(url, "exit(0)", "exit(0)")) is Ending.TIMEOUT


def test_an_interruption_stops_all_workers(study: Study, url: str) -> None:
    interruption = Interruption()

    def stop_when_all_train() -> None:
        if _states(study)["RUNNING"] == 2:
            interruption.wish()

    crew = _crew(url, _WORKER, _WORKER, step="endless")
    ending = _run(study, crew, 4, Watcher(stop_when_all_train), interruption)
    assert ending is Ending.INTERRUPTED
    assert _states(study) == {"FAIL": 2}  # put back: SIGTERM has reached them
    assert all(is_gone(process) for process in _processes(study))
    for number in (1, 2):
        assert "INTERRUPTED" in Path(f"logs/worker-{number}.log").read_text()


def _assert_ended() -> None:
    """Assert that the stubborn worker is no child of this process any more."""
    with pytest.raises(ChildProcessError):
        os.waitpid(int(Path("ready").read_text()), os.WNOHANG)


def test_a_second_ctrl_c_kills_the_workers(study: Study, url: str) -> None:
    def ctrl_c_when_ready() -> None:
        if Path("ready").exists() and not interruption.is_wanted:
            os.kill(os.getpid(), signal.SIGINT)

    crew = _crew(url, _STUBBORN)
    with Interruption() as interruption, pytest.raises(KeyboardInterrupt):
        _run(study, crew, 4, Watcher(ctrl_c_when_ready), interruption)
    _assert_ended()


def test_a_worker_that_does_not_stop_is_killed(
    study: Study, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optuna_xmcnas.workflows.crew._STOPPING_S", 0.1)
    deaf = _STUBBORN.replace("lambda *_: os.kill(os.getppid(), signal.SIGINT)", "signal.SIG_IGN")
    interruption = Interruption()

    def stop_when_ready() -> None:
        if Path("ready").exists():
            interruption.wish()

    ending = _run(study, _crew(url, deaf), 4, Watcher(stop_when_ready), interruption)
    assert ending is Ending.INTERRUPTED
    _assert_ended()


def test_an_error_in_the_crew_leaves_no_worker_behind(study: Study, url: str) -> None:
    def fail_when_training() -> None:
        if _states(study)["RUNNING"]:
            raise RuntimeError("the view broke")

    with pytest.raises(RuntimeError, match="the view broke"):
        _run(study, _crew(url, _WORKER, step="endless"), 4, Watcher(fail_when_training))
    assert all(is_gone(process) for process in _processes(study))


def test_workers_stop_when_their_parent_is_gone(study: Study, url: str) -> None:
    supervisor = subprocess.Popen([sys.executable, "-c", _SUPERVISOR, url, _WORKER])
    try:
        _wait(lambda: _states(study)["RUNNING"] == 1)
    finally:
        supervisor.kill()
        supervisor.wait()
    (worker,) = _processes(study)
    _wait(lambda: is_gone(worker))
    assert _states(study) == {"FAIL": 1}


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")
def test_what_is_secret_is_in_the_environment_and_not_in_a_command_line(
    study: Study, url: str
) -> None:
    interruption = Interruption()
    seen: list[tuple[bytes, bytes]] = []

    def look() -> None:
        for process in _processes(study) if not seen else []:
            folder = Path(f"/proc/{process.pid}")
            seen.append(((folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()))
            interruption.wish()

    _run(study, _crew(url, _WORKER, step="endless"), 4, Watcher(look), interruption)
    command_line, environment = seen[0]
    assert b"endless" in command_line
    assert url.encode() not in command_line
    assert f"TEST_STORAGE={url}".encode() in environment


def test_logs_of_earlier_runs_are_kept(study: Study, url: str) -> None:
    for text in ("first", "second"):
        _run(study, _crew(url, f"print({text!r})"))
    assert Path("logs/worker-1.log").read_text() == "first\nsecond\n"


def _wait(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
