"""``optuna-xmcnas worker`` as it runs on a cluster: started, stopped, killed and started again."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
import json
from pathlib import Path
import signal
import subprocess

import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial
from optuna.trial import TrialState
import pytest

from optuna_xmcnas.genome import GenomeSpace
from optuna_xmcnas.objective import checkpoint_path
from optuna_xmcnas.samplers import RegularizedEvolutionSampler
from optuna_xmcnas.study import config_of
from optuna_xmcnas.study import ended_of
from optuna_xmcnas.study import open_storage
from optuna_xmcnas.study import read_record
from optuna_xmcnas.study import retry_of
from optuna_xmcnas.study import TrialRecord
from optuna_xmcnas.study import wanted_trials
from optuna_xmcnas.worker.lease import LEASE_KEY
from optuna_xmcnas.worker.trials import create_running
from optuna_xmcnas.worker.trials import start as start_trial
from tests.cli.commands import end
from tests.cli.commands import run
from tests.cli.commands import start
from tests.cli.commands import study_of
from tests.cli.commands import until
from tests.cli.commands import write_config
from tests.cli.commands import write_data
from tests.worker.toys import DEAD


Done = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with data and settings in it."""
    folder = tmp_path_factory.mktemp("user")
    write_data(folder / "mine")
    write_config(folder / "search.toml")
    return folder


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/study.db"


def _create(url: str, name: str = "tags", *, is_maximised: bool = True) -> optuna.Study:
    direction = StudyDirection.MAXIMIZE if is_maximised else StudyDirection.MINIMIZE
    return optuna.create_study(storage=open_storage(url), study_name=name, direction=direction)


def _worker(url: str, *more: str, name: str = "tags") -> list[str]:
    return ["worker", f"--storage={url}", f"--study-name={name}", "--data=mine", *more]


# Joining


def test_the_study_must_exist(folder: Path, url: str) -> None:
    done = run(folder, *_worker(url, name="my tags"))
    assert done.returncode == 2
    assert "look at --storage. A new study is made with --create." in done.stderr
    _create(url)
    done = run(folder, *_worker(url, name="my tags"))
    assert done.returncode == 2
    assert f"there is no study 'my tags' in {url}; --create makes it." in done.stderr


def test_a_worker_makes_a_study_if_it_may(folder: Path, tmp_path: Path) -> None:
    journal = f"{tmp_path}/new.log"
    write_config(folder / "create.toml")
    options = ["--create", "--config=create.toml", "--trials=1", "--json"]
    done = run(folder, *_worker(journal, *options))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "format": 1,
        "command": "worker",
        "study": "tags",
        "n_complete": 1,
        "n_trials": 1,
        "ending": "budget",
    }
    study = optuna.load_study(study_name="tags", storage=open_storage(journal, must_exist=True))
    assert len(study.get_trials()) == 1


@dataclass
class Crowd:
    """Two workers of which one brought the settings, as they ended."""

    url: str
    first: Done
    second: Done


@pytest.fixture(scope="module")
def crowd(folder: Path) -> Crowd:
    url = f"sqlite:///{folder}/crowd.db"
    _create(url)
    second = start(folder, *_worker(url))  # waits for settings
    first = start(folder, *_worker(url, "--config=search.toml", "--trials=6"))
    return Crowd(url, end(first), end(second))


def test_a_worker_without_settings_waits_for_them_and_reads_them(crowd: Crowd) -> None:
    assert (crowd.first.returncode, crowd.second.returncode) == (0, 0), crowd.second.stderr
    for done in (crowd.first, crowd.second):
        assert "6 children wanted" in done.stdout
        assert "Done: the study has all the children that were wanted." in done.stdout
    config = config_of(study_of(crowd.url, "tags"))
    assert config is not None
    assert config.sections["child"]["hidden"] == 8


def test_two_workers_complete_exactly_the_budget(crowd: Crowd) -> None:
    study = study_of(crowd.url, "tags")
    assert _states(study)["COMPLETE"] == 6
    assert wanted_trials(study) == 6
    assert all(trial.state.is_finished() for trial in study.get_trials())


def test_each_child_is_told_by_the_worker_that_trained_it(crowd: Crowd) -> None:
    lines = f"{crowd.first.stdout}{crowd.second.stdout}".splitlines()
    told = [int(line[:5]) for line in lines if line[:5].strip().isdigit() and "lost" not in line]
    complete = study_of(crowd.url, "tags").get_trials(states=(TrialState.COMPLETE,))
    assert sorted(told) == [trial.number for trial in complete]


def test_a_worker_waits_for_settings_only_so_long(folder: Path, url: str) -> None:
    _create(url)
    done = run(folder, *_worker(url, "--storage-patience=1"))
    assert done.returncode == 2
    assert "study 'tags' has no settings, and no worker has brought any for 1 seconds" in (
        done.stderr
    )
    assert "--config FILE.toml" in done.stderr


def test_other_data_is_refused_with_what_to_look_at(folder: Path, crowd: Crowd) -> None:
    write_data(folder / "other", n_train=150)
    done = run(folder, *_worker(crowd.url), "--data=other")
    assert done.returncode == 2
    assert "data.fingerprint: the study has " in done.stderr
    assert "give the same --data, --vectors and row files" in done.stderr


def test_other_settings_are_refused_with_the_difference(folder: Path, crowd: Crowd) -> None:
    done = run(folder, *_worker(crowd.url, "--hidden=9"))
    assert done.returncode == 2
    assert "child.hidden: the study has 8, asked for 9" in done.stderr
    assert "--vectors" not in done.stderr


def test_a_study_that_minimises_is_refused(folder: Path, url: str) -> None:
    _create(url, is_maximised=False)
    done = run(folder, *_worker(url, "--config=search.toml"))
    assert done.returncode == 2
    assert "has the direction minimize" in done.stderr
    assert "--direction maximize" in done.stderr


# Ending


@dataclass
class Story:
    """One child that three workers began and a fourth one finished."""

    url: str
    terminated: Done
    interrupted: Done
    killed: Done
    finished: Done
    has_checkpoints: list[bool]  # after each of the first three
    undisturbed: FrozenTrial  # the same child in another study


@pytest.fixture(scope="module")
def story(folder: Path) -> Story:
    """Stop the training of a child by SIGTERM, Ctrl-C and a kill, each time in the middle."""
    write_config(folder / "long.toml", epochs=60)
    url = f"sqlite:///{folder}/story.db"
    study = _create(url)
    options = ["--children-dir=shared", "--checkpoint-every=0", "--grace-period=10000"]

    def in_training(number: int) -> bool:
        trials = study.get_trials()
        return len(trials) > number and len(trials[number].intermediate_values) >= 3

    done: list[Done] = []
    has_checkpoints = []
    for number, how in enumerate((signal.SIGTERM, signal.SIGINT, signal.SIGKILL)):
        settings = ["--config=long.toml", "--trials=1"] if number == 0 else []
        process = start(folder, *_worker(url, *settings, *options))
        until(lambda number=number: in_training(number))  # type: ignore[misc]  # no default seen
        process.send_signal(how)
        done.append(end(process))
        (shared,) = (folder / "shared").iterdir()
        has_checkpoints.append(checkpoint_path(shared, 0).exists())
    finished = run(folder, *_worker(url, *options))
    _create(url, "undisturbed")
    alone = _worker(url, "--config=long.toml", "--trials=1", name="undisturbed")
    assert run(folder, *alone).returncode == 0
    terminated, interrupted, killed = done
    return Story(
        url,
        terminated,
        interrupted,
        killed,
        finished,
        has_checkpoints,
        undisturbed=study_of(url, "undisturbed").best_trial,
    )


def test_sigterm_puts_the_child_back_and_exits_with_0(story: Story) -> None:
    assert story.terminated.returncode == 0, story.terminated.stderr
    assert "stopping after this step; Ctrl-C again stops at once" in story.terminated.stdout
    assert "Stopped; what was in training is put back" in story.terminated.stdout
    assert "Traceback" not in story.terminated.stderr


def test_ctrl_c_does_the_same_and_exits_with_130(story: Story) -> None:
    assert story.interrupted.returncode == 130, story.interrupted.stderr
    assert "Stopped; what was in training is put back" in story.interrupted.stdout
    assert "Traceback" not in story.interrupted.stderr


def test_a_worker_that_comes_later_finds_the_dead_one_at_once(story: Story) -> None:
    # The grace period is hours: it was seen on this machine, not waited for.
    assert story.killed.returncode == -signal.SIGKILL
    assert story.finished.returncode == 0, story.finished.stderr
    assert "lost" in story.finished.stdout
    assert "is gone" in story.finished.stdout


def test_each_trial_says_why_it_ended(story: Story) -> None:
    trials = study_of(story.url, "tags").get_trials()
    assert [ended_of(trial) for trial in trials] == ["interrupted", "interrupted", "lost", None]
    assert [trial.state.name for trial in trials] == ["FAIL"] * 3 + ["COMPLETE"]


def test_the_child_goes_on_from_its_checkpoint(story: Story) -> None:
    assert story.has_checkpoints == [True, True, True]
    last = _records(story.url)[-1]
    assert last.resumed_at_step is not None
    assert last.resumed_at_step >= 3 * 3 * 6  # three workers, three evaluations, six steps each


def test_a_child_with_interruptions_is_the_same_as_without(story: Story) -> None:
    records = _records(story.url)
    undisturbed = read_record(story.undisturbed)
    assert undisturbed is not None
    assert {record.genome for record in records} == {undisturbed.genome}
    assert {record.seed for record in records} == {undisturbed.seed}
    last = records[-1]
    assert dict(last.metrics) == dict(undisturbed.metrics)
    assert last.node_weights == undisturbed.node_weights
    assert undisturbed.resumed_at_step is None


def test_finished_children_leave_no_checkpoints(folder: Path, story: Story) -> None:
    (shared,) = (folder / "shared").iterdir()
    assert [path.name for path in shared.iterdir()] == ["trial-000003.safetensors"]


def test_show_counts_the_lost_and_the_interrupted(folder: Path, story: Story) -> None:
    done = run(folder, "show", f"--storage={story.url}", "--study-name=tags")
    assert "study tags: 1 complete, 1 lost, 2 interrupted" in done.stdout


def test_without_retries_a_lost_child_stays_lost(folder: Path, url: str) -> None:
    space = GenomeSpace(ops=("conv1", "maxpool3"), min_layers=1, max_layers=2)
    study = _create(url)
    study.sampler = RegularizedEvolutionSampler(space=space, seed=0)
    trial = start_trial(study, create_running(study, {LEASE_KEY: DEAD.to_record()}))
    assert trial is not None
    space.suggest(trial)
    done = run(folder, *_worker(url, "--config=search.toml", "--trials=1", "--retries=0"))
    assert done.returncode == 0, done.stderr
    lost, other = study_of(url, "tags").get_trials()
    assert ended_of(lost) == "lost"
    assert other.state == TrialState.COMPLETE
    assert retry_of(other) is None


def _states(study: optuna.Study) -> Counter[str]:
    return Counter(trial.state.name for trial in study.get_trials(deepcopy=False))


def _records(url: str) -> list[TrialRecord]:
    records = [read_record(trial) for trial in study_of(url, "tags").get_trials()]
    return [record for record in records if record is not None]
