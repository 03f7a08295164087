"""The examples that hand the sampler to other people's schedulers: they run, and share a study."""

from __future__ import annotations

import os
from pathlib import Path
import subprocess
import sys

import optuna
from optuna import Study
from optuna.storages import JournalStorage
from optuna.storages import RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState
import pytest

from optuna_xmcnas import RegularizedEvolutionSampler


EXAMPLES = Path(__file__).parent.parent.parent / "examples"
N_TRIALS, POPULATION_SIZE, N_WORKERS = 16, 10, 2
AGE = "RegularizedEvolutionSampler:age"


def run(script: str, *arguments: str, home: Path) -> str:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / script), *arguments],
        cwd=home,
        env={
            **os.environ,
            "HOME": str(home),  # Ray keeps a token and its results there
            "OMP_NUM_THREADS": "1",
            "RAY_USAGE_STATS_ENABLED": "0",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def check_that_one_population_was_shared(study: Study) -> None:
    trials = study.trials
    assert len(trials) == N_TRIALS
    assert all(trial.state == TrialState.COMPLETE for trial in trials)
    proposals = [RegularizedEvolutionSampler.proposal_of(trial) for trial in trials]
    assert len({p.identity for p in proposals if p is not None}) == N_TRIALS
    parents = [None if p is None else p.parent for p in proposals]
    assert N_TRIALS - parents.count(None) >= N_TRIALS - POPULATION_SIZE - N_WORKERS
    for trial, parent in zip(trials, parents, strict=True):
        if parent is not None:
            assert trials[parent].system_attrs[AGE] < trial.system_attrs[AGE]


def test_joblib_workers_share_a_population_in_a_journal(tmp_path: Path) -> None:
    pytest.importorskip("joblib", exc_type=ImportError)
    journal = tmp_path / "search.log"
    said = run(
        "joblib_workers.py",
        *(f"--workers={N_WORKERS}", f"--trials={N_TRIALS}", f"--journal={journal}"),
        home=tmp_path,
    )
    assert f"best of {N_TRIALS}: " in said
    storage = JournalStorage(JournalFileBackend(str(journal)))
    check_that_one_population_was_shared(optuna.load_study(study_name="joblib", storage=storage))


def test_dask_tasks_share_a_population_in_a_database(tmp_path: Path) -> None:
    pytest.importorskip("distributed", exc_type=ImportError)
    url = f"sqlite:///{tmp_path}/search.db"
    said = run(
        "dask_workers.py",
        *(f"--workers={N_WORKERS}", f"--tasks={N_TRIALS // 4}", "--trials-per-task=4"),
        f"--storage={url}",
        home=tmp_path,
    )
    assert said.count("a task is done") == N_TRIALS // 4
    assert f"best of {N_TRIALS}: " in said
    check_that_one_population_was_shared(
        optuna.load_study(study_name="dask", storage=RDBStorage(url))
    )


def test_ray_tune_breeds_with_the_sampler(tmp_path: Path) -> None:
    pytest.importorskip(
        "ray", reason='needs pip install "ray[tune]"; it is not in the test extra, being large'
    )
    url = f"sqlite:///{tmp_path}/search.db"
    said = run(
        "ray_tune.py",
        *(f"--workers={N_WORKERS}", f"--trials={N_TRIALS}", f"--storage={url}"),
        home=tmp_path,
    )
    assert f"best of {N_TRIALS}: " in said
    check_that_one_population_was_shared(
        optuna.load_study(study_name="ray", storage=RDBStorage(url))
    )
