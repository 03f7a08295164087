"""Regularized evolution as tasks on a Dask cluster, sharing one study in a database.

Each task opens the study, evaluates a few trials and ends; Dask decides when and where it runs.
The population is in the database, so it does not matter which tasks run beside each other, or
how many. If a worker dies, Dask runs its task again from the start; the trials the task had
finished count all the same. For a real cluster give the scheduler's address, and a database that
all its machines reach; optuna_xmcnas must be installed on each.

    pip install "dask[distributed]"
    python examples/dask_workers.py --workers 2 --tasks 20
    python examples/dask_workers.py --scheduler tcp://HOST:8786 --storage postgresql://HOST/DB
"""

from __future__ import annotations

import argparse
from pathlib import Path
import tempfile

from distributed import Client
import optuna
from optuna.storages import RDBStorage

from optuna_xmcnas import Genome
from optuna_xmcnas import GenomeSpace
from optuna_xmcnas import RegularizedEvolutionSampler


SPACE = GenomeSpace(max_layers=6)
STUDY_NAME = "dask"


def score(genome: Genome) -> float:
    """Stand in for training: count different ops, and nodes that read the node before them."""
    ops = {node.op for node in genome.nodes}
    chained = [node.source == position for position, node in enumerate(genome.nodes)]
    return float(len(ops) + sum(chained))


def open_study(url: str, seed: int) -> optuna.Study:
    """Return the study in a database, made by whoever comes first."""
    # SQLite lets one process write at a time: how long the others wait, in seconds.
    connect_args = {"timeout": 60} if url.startswith("sqlite") else {}
    return optuna.create_study(
        study_name=STUDY_NAME,
        storage=RDBStorage(url, engine_kwargs={"connect_args": connect_args}),
        # One seed for all tasks: each trial's draws come from the seed and the trial's number.
        sampler=RegularizedEvolutionSampler(
            space=SPACE, population_size=10, sample_size=5, seed=seed
        ),
        direction="maximize",
        load_if_exists=True,
    )


def work(url: str, n_trials: int, seed: int) -> float:
    """Evaluate some trials of the shared study; return the best value there is so far."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = open_study(url, seed)
    study.optimize(lambda trial: score(SPACE.suggest(trial)), n_trials=n_trials)
    return study.best_value


def main() -> None:
    """Hand out the tasks, wait for them, and print what they found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scheduler", help="address (default: a cluster on this machine)")
    parser.add_argument("--workers", type=int, default=2, help="of the cluster on this machine")
    parser.add_argument("--tasks", type=int, default=10)
    parser.add_argument("--trials-per-task", type=int, default=4)
    parser.add_argument("--storage", help="database URL (default: a temporary SQLite file)")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        url = arguments.storage or f"sqlite:///{Path(folder) / 'search.db'}"
        study = open_study(url, arguments.seed)  # makes the tables before any task needs them
        with connect(arguments.scheduler, arguments.workers) as client:
            # Without a key each, Dask would take equal calls for one task.
            tasks = [
                client.submit(work, url, arguments.trials_per_task, arguments.seed, pure=False)
                for _ in range(arguments.tasks)
            ]
            for task in tasks:
                print(f"a task is done; best so far {task.result():g}")
        best = SPACE.from_params(study.best_params)
        print(f"best of {len(study.trials)}: {study.best_value:g}, {best}")


def connect(scheduler: str | None, n_workers: int) -> Client:
    """Return a client of a running cluster, or of a new one with that many processes."""
    here = {"n_workers": n_workers, "threads_per_worker": 1, "processes": True}
    options = {**here, "dashboard_address": None} if scheduler is None else {"address": scheduler}
    return Client(**options)  # type: ignore[no-untyped-call]  # distributed leaves it untyped


if __name__ == "__main__":
    main()
