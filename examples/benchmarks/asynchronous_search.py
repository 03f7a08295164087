"""What it costs a search that its children are trained side by side.

One worker breeds each child with all earlier results known. Of W workers each breeds while W - 1
children are in training, so the same number of children teaches it less; in exchange they are
done W times as soon. Here the workers are slots of an event queue in one process, with a virtual
clock: a free slot asks for a child, whose training takes a random time (log-normal, sigma 0.5,
mean 1), and whoever finishes first reports first. The search spaces are tables of trained
networks, which ``tabular_search.py`` describes; as there, a code without an entry is pruned.

"time" is when the last child is done, in mean trainings, the median over the seeds.

    python examples/benchmarks/asynchronous_search.py --data-dir tables --workers 1 8 16 64
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
import heapq
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import numpy as np
import optuna
from optuna.samplers import BaseSampler
from optuna.trial import TrialState
from tabular_search import CHECKPOINTS  # type: ignore[import-not-found]  # a file beside this one
from tabular_search import SAMPLERS
from tabular_search import Table
from tabular_search import TABLES


_SIGMA = 0.5  # of the logarithm of a training's length


@dataclass(frozen=True)
class History:
    """One search.

    Args:
        merits: Mean accuracy of the incumbent after each finished child.
        time: When the last one finished, in mean trainings.
    """

    merits: list[float]
    time: float


def search(
    table: Table, sampler: BaseSampler, n_workers: int, seed: int, n_evaluations: int
) -> History:
    """Run one search with simulated workers; the incumbent is the best the search has seen."""
    noise = np.random.default_rng(seed)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    best_seen, merit, now = -np.inf, np.nan, 0.0
    merits: list[float] = []
    in_training: list[tuple[float, int, optuna.Trial, tuple[float, ...] | None]] = []
    n_begun = 0
    while len(merits) < n_evaluations:
        while len(in_training) < n_workers and n_begun < n_evaluations:
            trial = study.ask()
            code = "".join(
                trial.suggest_categorical(f"digit_{i}", list(choices))
                for i, choices in enumerate(table.digits)
            )
            runs = table.runs.get(table.canonical.get(code, code))
            length = float(noise.lognormal(-(_SIGMA**2) / 2, _SIGMA))
            heapq.heappush(in_training, (now + length, trial.number, trial, runs))
            n_begun += 1
        now, _, trial, runs = heapq.heappop(in_training)
        if runs is None:
            study.tell(trial, state=TrialState.PRUNED)
        else:
            seen = runs[int(noise.integers(len(runs)))]
            study.tell(trial, seen)
            if seen > best_seen:
                best_seen, merit = seen, float(np.mean(runs))
        merits.append(merit)
    return History(merits, now)


def searches(
    folder: Path,
    table_name: str,
    sampler_name: str,
    n_workers: int,
    n_evaluations: int,
    seeds: Sequence[int],
) -> list[History]:
    """Return one history per seed; what one process does."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    table = TABLES[table_name](folder)
    return [
        search(table, SAMPLERS[sampler_name](seed), n_workers, seed, n_evaluations)
        for seed in seeds
    ]


def main() -> None:
    """Run the searches and print one line per table, sampler and number of workers."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data-dir", type=Path, required=True, help="folder of the CSV files")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 8, 16, 64])
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--evaluations", type=int, default=500)
    parser.add_argument(
        "--tables", nargs="+", choices=TABLES, default=["201-cifar10", "graph-arxiv"]
    )
    parser.add_argument("--samplers", nargs="+", choices=SAMPLERS, default=["evolution", "random"])
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()

    columns = [n for n in CHECKPOINTS if n <= arguments.evaluations] or [arguments.evaluations]
    shares = [range(i, arguments.seeds, arguments.processes) for i in range(arguments.processes)]
    print("mean accuracy of the incumbent ± standard error over seeds")
    heads = "".join(f"{f'after {n}':>18}" for n in columns)
    with get_context("spawn").Pool(arguments.processes) as pool:
        for table in arguments.tables:
            print(f"\n{f'{table}, {arguments.seeds} seeds':<30}{heads}{'time':>10}")
            for sampler in arguments.samplers:
                for n_workers in arguments.workers:
                    run = partial(
                        searches,
                        arguments.data_dir,
                        table,
                        sampler,
                        n_workers,
                        arguments.evaluations,
                    )
                    histories = [h for share in pool.map(run, shares) for h in share]
                    merits = np.array([history.merits for history in histories])
                    reached = merits[:, [n - 1 for n in columns]]  # (seeds, columns)
                    errors = reached.std(axis=0) / max(1, arguments.seeds - 1) ** 0.5
                    cells = (
                        f"{f'{mean:.3f} ± {error:.3f}':>18}"
                        for mean, error in zip(reached.mean(axis=0), errors, strict=True)
                    )
                    label = f"{sampler}, {n_workers} worker{'s' if n_workers > 1 else ''}"
                    time = median(history.time for history in histories)
                    print(f"{label:<30}{''.join(cells)}{time:>10.1f}", flush=True)


if __name__ == "__main__":
    main()
