"""Regularized evolution as the search algorithm of Ray Tune.

Ray's ``OptunaSearch`` asks the sampler in the driver process and tells it the results; the trials
run wherever Ray has room and see no Optuna, only the parameters of a genome. The whole study, with
everyone's parent and mutation, is in the database given with ``--storage``: run the script again
with the same one, and the search goes on.

Seen with Ray 2.60 and Optuna 5.0.

    pip install "ray[tune]"
    python examples/ray_tune.py --workers 2 --trials 40
"""

from __future__ import annotations

import argparse
from pathlib import Path
import tempfile
from typing import Any

import optuna
from optuna.storages import RDBStorage
import ray
from ray import tune
from ray.tune.search.optuna import OptunaSearch

from optuna_xmcnas import Genome
from optuna_xmcnas import GenomeSpace
from optuna_xmcnas import RegularizedEvolutionSampler


SPACE = GenomeSpace(max_layers=6)
STUDY_NAME = "ray"


def score(genome: Genome) -> float:
    """Stand in for training: count different ops, and nodes that read the node before them."""
    ops = {node.op for node in genome.nodes}
    chained = [node.source == position for position, node in enumerate(genome.nodes)]
    return float(len(ops) + sum(chained))


def draw(trial: optuna.Trial) -> None:
    """Have the sampler choose a genome; Ray keeps what is suggested as the trial's ``config``.

    A dictionary, ``SPACE.distributions()``, would do as well, but each trial would then carry the
    parameters of the deepest genome, also those that its own has no use for.
    """
    SPACE.suggest(trial)


def evaluate(config: dict[str, Any]) -> dict[str, float]:
    """Return the result of one trial; runs in a process of Ray's."""
    return {"score": score(SPACE.from_params(config))}


def main() -> None:
    """Run the search and print what it found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--storage", help="database URL (default: a temporary SQLite file)")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    ray.init(num_cpus=arguments.workers, include_dashboard=False)
    with tempfile.TemporaryDirectory() as folder:
        storage = RDBStorage(arguments.storage or f"sqlite:///{Path(folder) / 'search.db'}")
        search = OptunaSearch(
            space=draw,
            metric="score",
            mode="max",
            sampler=RegularizedEvolutionSampler(
                space=SPACE, population_size=10, sample_size=5, seed=arguments.seed
            ),
            study_name=STUDY_NAME,
            storage=storage,
        )
        tuner = tune.Tuner(
            evaluate,
            tune_config=tune.TuneConfig(
                search_alg=search,
                num_samples=arguments.trials,
                # Ray asks ahead: without a limit many would be drawn before the first result.
                max_concurrent_trials=arguments.workers,
                reuse_actors=True,  # not a new process for each trial
            ),
            run_config=tune.RunConfig(storage_path=folder, verbose=0),
        )
        tuner.fit()
        study = optuna.load_study(study_name=STUDY_NAME, storage=storage)
        best = SPACE.from_params(study.best_params)
        print(f"best of {len(study.trials)}: {study.best_value:g}, {best}")
    ray.shutdown()


if __name__ == "__main__":
    main()
