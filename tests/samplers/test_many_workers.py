"""Several processes on one storage: nobody repeats another's genome, all agree on ages."""

from __future__ import annotations

import os
from pathlib import Path
import subprocess
import sys

import optuna
from optuna.storages import BaseStorage
from optuna.storages import JournalStorage
from optuna.storages import RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState
import pytest

from optuna_xmcnas import RegularizedEvolutionSampler
from optuna_xmcnas.samplers import Proposal


ROOT = Path(__file__).parent.parent.parent
N_WORKERS, N_TRIALS, POPULATION_SIZE = 3, 10, 6
WORKER = """
import sys
import optuna
from optuna.storages import JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna_xmcnas import GenomeSpace, RegularizedEvolutionSampler

kind, path, n_trials, population_size = sys.argv[1:]
if kind == "sqlite":
    timeout = {"connect_args": {"timeout": 60}}
    storage = RDBStorage(f"sqlite:///{path}", engine_kwargs=timeout, skip_table_creation=True)
else:
    storage = JournalStorage(JournalFileBackend(path))
space = GenomeSpace(ops=("conv3", "bilstm"), min_layers=2, max_layers=4)
sampler = RegularizedEvolutionSampler(
    space=space, population_size=int(population_size), sample_size=3, seed=0
)
study = optuna.load_study(study_name="s", storage=storage, sampler=sampler)
study.optimize(lambda trial: float(space.suggest(trial).n_layers), n_trials=int(n_trials))
"""


def open_storage(kind: str, path: Path) -> BaseStorage:
    if kind == "sqlite":
        return RDBStorage(f"sqlite:///{path}")
    return JournalStorage(JournalFileBackend(str(path)))


def proposal_of(trial: optuna.trial.FrozenTrial) -> Proposal:
    found = RegularizedEvolutionSampler.proposal_of(trial)
    assert found is not None
    return found


@pytest.mark.parametrize("kind", ["sqlite", "journal"])
def test_workers_with_one_seed_and_other_clocks_share_a_population(
    kind: str, tmp_path: Path
) -> None:
    path = tmp_path / "study"
    study = optuna.create_study(study_name="s", storage=open_storage(kind, path))
    settings = [kind, str(path), str(N_TRIALS), str(POPULATION_SIZE)]
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, *settings],
            cwd=ROOT,
            env={**os.environ, "TZ": zone, "OMP_NUM_THREADS": "1"},
            stderr=subprocess.PIPE,
            text=True,
        )
        for zone in ("UTC", "UTC+11", "UTC-9")[:N_WORKERS]
    ]
    for worker in workers:
        _, complaints = worker.communicate(timeout=120)
        assert worker.returncode == 0, complaints

    trials = study.trials
    assert len(trials) == N_WORKERS * N_TRIALS
    assert all(trial.state == TrialState.COMPLETE for trial in trials)
    assert len({proposal_of(trial).identity for trial in trials}) == len(trials)
    ages = {t.number: t.system_attrs["RegularizedEvolutionSampler:age"] for t in trials}
    bred = [trial for trial in trials if proposal_of(trial).parent is not None]
    assert len(bred) >= len(trials) - POPULATION_SIZE - N_WORKERS
    for trial in bred:
        parent = proposal_of(trial).parent
        assert parent is not None
        assert ages[parent] < ages[trial.number]  # it finished before the child began
