"""Regularized evolution by processes that joblib starts, sharing one study in a journal file.

The population is in the file, so the workers need nothing from each other: each opens the study,
evaluates its share of the trials and ends. Run the script again with the same file, on the same
machine or on another one that sees the file, and the search goes on.

    pip install joblib
    python examples/joblib_workers.py --workers 4 --trials 80 --journal search.log
"""

from __future__ import annotations

import argparse
from pathlib import Path
import tempfile

from joblib import delayed
from joblib import Parallel
import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from optuna_xmcnas import Genome
from optuna_xmcnas import GenomeSpace
from optuna_xmcnas import RegularizedEvolutionSampler


SPACE = GenomeSpace(max_layers=6)
STUDY_NAME = "joblib"


def score(genome: Genome) -> float:
    """Stand in for training: count different ops, and nodes that read the node before them."""
    ops = {node.op for node in genome.nodes}
    chained = [node.source == position for position, node in enumerate(genome.nodes)]
    return float(len(ops) + sum(chained))


def open_study(journal: str, seed: int) -> optuna.Study:
    """Return the study in a journal file, made by whoever comes first."""
    return optuna.create_study(
        study_name=STUDY_NAME,
        storage=JournalStorage(JournalFileBackend(journal)),
        # One seed for all workers: each trial's draws come from the seed and the trial's number.
        sampler=RegularizedEvolutionSampler(
            space=SPACE, population_size=10, sample_size=5, seed=seed
        ),
        direction="maximize",
        load_if_exists=True,
    )


def work(journal: str, n_trials: int, seed: int) -> int:
    """Evaluate some trials of the shared study in this process; return how many."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = open_study(journal, seed)
    study.optimize(lambda trial: score(SPACE.suggest(trial)), n_trials=n_trials)
    return n_trials


def main() -> None:
    """Start the workers, wait for them, and print what they found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--trials", type=int, default=40, help="of all workers together")
    parser.add_argument("--journal", help="file of the study (default: a temporary one)")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        journal = arguments.journal or str(Path(folder) / "search.log")
        study = open_study(journal, arguments.seed)
        each, more = divmod(arguments.trials, arguments.workers)
        shares = [each + (worker < more) for worker in range(arguments.workers)]
        Parallel(n_jobs=arguments.workers)(
            delayed(work)(journal, share, arguments.seed) for share in shares
        )
        best = SPACE.from_params(study.best_params)
        print(f"best of {len(study.trials)}: {study.best_value:g}, {best}")


if __name__ == "__main__":
    main()
