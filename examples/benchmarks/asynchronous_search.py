"""What it costs a search that its children are trained side by side.

One worker breeds each child with all earlier results known. Of W workers each breeds while W - 1
children are in training, so the same number of children teaches it less; in exchange they are
done W times as soon. Here the workers are slots of an event queue in one process, with a virtual
clock: a free slot asks for a child, whose training takes a random time (log-normal, sigma 0.5,
mean 1), and whoever finishes first reports first. The search spaces are tables of trained
networks, which ``tables.py`` describes; as in ``tabular_search.py`` the incumbent is the best by
what the search has seen, and a code without an entry is pruned.

"repeated" is how many children of a search had been asked for before, in training or done, the
mean over the seeds: as the same network to those who search genomes, as the same code to the
others. There are always new ones left. "equal" also counts what only the table knows to be the
same architecture. "time" is when the last child is done, in mean trainings, the median.

    python examples/benchmarks/asynchronous_search.py --data-dir tables --workers 1 8 16 64
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from functools import partial
import heapq
from multiprocessing import get_context
from pathlib import Path
from statistics import mean
from statistics import median

from contenders import Contender  # type: ignore[import-not-found]  # a file beside this one
from contenders import SAMPLERS
from histories import checkpoints  # type: ignore[import-not-found]  # a file beside this one
from histories import Incumbent
from histories import mean_and_error
import numpy as np
import optuna
from optuna.trial import TrialState
from tables import read_table  # type: ignore[import-not-found]  # a file beside this one
from tables import suggest
from tables import Suggestion
from tables import Table
from tables import TABLES


_SIGMA = 0.5  # of the logarithm of a training's length


@dataclass(frozen=True, kw_only=True)
class History:
    """One search.

    Args:
        merits: Mean accuracy of the incumbent after each finished child.
        n_repeated: Children that the sampler had asked for before.
        n_equal: Children that the table knows to be the same as an earlier one.
        time: When the last one finished, in mean trainings.
    """

    merits: list[float]
    n_repeated: int
    n_equal: int
    time: float


@dataclass(frozen=True, kw_only=True, order=True)
class Training:
    """A child in training."""

    end: float
    number: int
    trial: optuna.Trial = field(compare=False)
    runs: tuple[float, ...] | None = field(compare=False)


def search(
    table: Table, contender: Contender, n_workers: int, seed: int, n_evaluations: int
) -> History:
    """Run one search with simulated workers."""
    noise = np.random.default_rng(seed)
    space = table.space if contender.searches_genomes else None
    study = optuna.create_study(direction="maximize", sampler=contender.sampler(space, seed))
    incumbent, now = Incumbent(), 0.0
    merits: list[float] = []
    children: list[Suggestion] = []
    in_training: list[Training] = []
    while len(merits) < n_evaluations:
        while len(in_training) < n_workers and len(children) < n_evaluations:
            trial = study.ask()
            child = suggest(table, space, trial)
            children.append(child)
            end = now + float(noise.lognormal(-(_SIGMA**2) / 2, _SIGMA))
            runs = table.look_up(child.code)
            training = Training(end=end, number=trial.number, trial=trial, runs=runs)
            heapq.heappush(in_training, training)
        done = heapq.heappop(in_training)
        now = done.end
        if done.runs is None:
            study.tell(done.trial, state=TrialState.PRUNED)
        else:
            seen = done.runs[int(noise.integers(len(done.runs)))]
            study.tell(done.trial, seen)
            incumbent.challenge(seen, float(np.mean(done.runs)))
        merits.append(incumbent.merit)
    return History(
        merits=merits,
        n_repeated=n_evaluations - len({child.identity for child in children}),
        n_equal=n_evaluations - len({table.canonical_code(child.code) for child in children}),
        time=now,
    )


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
    table = read_table(folder, table_name)
    contender = SAMPLERS[sampler_name]
    return [search(table, contender, n_workers, seed, n_evaluations) for seed in seeds]


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
    parser.add_argument(
        "--samplers", nargs="+", choices=SAMPLERS, default=["evolution", "guided", "random"]
    )
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()

    columns = checkpoints(arguments.evaluations)
    shares = [range(i, arguments.seeds, arguments.processes) for i in range(arguments.processes)]
    print("mean accuracy of the incumbent ± standard error over seeds")
    heads = "".join(f"{f'after {n}':>18}" for n in columns)
    heads += "".join(f"{head:>10}" for head in ("repeated", "equal", "time"))
    with get_context("spawn").Pool(arguments.processes) as pool:
        for table in arguments.tables:
            print(f"\n{f'{table}, {arguments.seeds} seeds':<34}{heads}")
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
                    label = f"{sampler}, {n_workers} worker{'s' if n_workers > 1 else ''}"
                    print(f"{label:<34}{line(histories, columns)}", flush=True)


def line(histories: Sequence[History], columns: Sequence[int]) -> str:
    """Return what some searches came to."""
    merits = np.array([history.merits for history in histories])  # (seeds, evaluations)
    reached = (mean_and_error(merits[:, n - 1]) for n in columns)
    cells = "".join(f"{f'{merit:.3f} ± {error:.3f}':>18}" for merit, error in reached)
    repeated = mean(history.n_repeated for history in histories)
    equal = mean(history.n_equal for history in histories)
    time = median(history.time for history in histories)
    return f"{cells}{repeated:>10.2f}{equal:>10.2f}{time:>10.1f}"


if __name__ == "__main__":
    main()
