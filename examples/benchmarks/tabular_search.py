"""How good are the architectures that samplers find? Measured on seven tables of trained networks.

A search walks through a table of NAS-Bench-201 or NAS-Bench-Graph, which ``tables.py`` describes.
On NAS-Bench-201 it sees one run drawn at random, as training would have it, and the mean of the
runs is reported. On NAS-Bench-Graph it sees and reports the validation accuracy; a code without
an entry counts as pruned. The incumbent is the evaluated architecture with the best score the
search has seen.

Our samplers search genomes on NAS-Bench-Graph and digits on NAS-Bench-201, Optuna's search digits
everywhere. Where that could make the difference, there are also "evolution-digits" and
"tpe-genomes". "guided-inverted" has a guide that is wrong on purpose, "guided-off" one that is
never used. "syne-tune" is the evolution of another package, see ``syne_tune_peer.py``.

    python examples/benchmarks/tabular_search.py --data-dir tables --evaluations 150 --json a.json
    python examples/benchmarks/tabular_search.py --merge a.json b.json

CPU time is that of all threads: set ``OMP_NUM_THREADS=1`` where it matters.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path
import time

from campaign import add_options  # type: ignore[import-not-found]  # a file beside this one
from campaign import carry_out
from campaign import show
from campaign import Work
from contenders import Contender  # type: ignore[import-not-found]  # a file beside this one
from contenders import SAMPLERS
from contenders import USUAL
from histories import History  # type: ignore[import-not-found]  # a file beside this one
from histories import Incumbent
import numpy as np
import optuna
from tables import read_table  # type: ignore[import-not-found]  # a file beside this one
from tables import suggest
from tables import Table
from tables import TABLES


_PEER = "syne-tune"  # no sampler of Optuna's


def search(table: Table, contender: Contender, seed: int, n_evaluations: int) -> History:
    """Run one search."""
    noise = np.random.default_rng(seed)
    incumbent = Incumbent()
    merits = []
    space = table.space if contender.searches_genomes else None

    def objective(trial: optuna.Trial) -> float:
        runs = table.look_up(suggest(table, space, trial).code)
        if runs is None:
            raise optuna.TrialPruned
        seen: float = runs[int(noise.integers(len(runs)))]
        incumbent.challenge(seen, float(np.mean(runs)))
        return seen

    study = optuna.create_study(direction="maximize", sampler=contender.sampler(space, seed))
    start = time.process_time()
    study.optimize(
        objective,
        n_trials=n_evaluations,
        callbacks=[lambda *_: merits.append(incumbent.merit)],
    )
    cpu_ms = 1000 * (time.process_time() - start) / n_evaluations
    return History(seed=seed, merits=tuple(merits), cpu_ms=cpu_ms)


def searches(
    folder: Path, table_name: str, sampler_name: str, n_evaluations: int, seeds: Sequence[int]
) -> list[History]:
    """Return one history per seed; what one process does."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    table = read_table(folder, table_name)
    if sampler_name == _PEER:
        import syne_tune_peer  # type: ignore[import-not-found]  # a file beside this one

        return [syne_tune_peer.search(table, seed, n_evaluations) for seed in seeds]
    return [search(table, SAMPLERS[sampler_name], seed, n_evaluations) for seed in seeds]


def main() -> None:
    """Run the searches and print one line per table and sampler, and how they compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data-dir", type=Path, help="folder of the CSV files")
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=list(TABLES))
    add_options(parser, [*SAMPLERS, _PEER], USUAL)
    arguments = parser.parse_args()
    if arguments.merge:
        show(arguments.merge)
        return
    if arguments.data_dir is None:
        parser.error("--data-dir is needed to search")

    print("mean accuracy of the incumbent ± standard error over seeds")
    works = (
        Work(
            table=table,
            sampler=sampler,
            searches=partial(searches, arguments.data_dir, table, sampler, arguments.evaluations),
        )
        for table in arguments.tables
        for sampler in arguments.samplers
    )
    carry_out(works, arguments)


if __name__ == "__main__":
    main()
