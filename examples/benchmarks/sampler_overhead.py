"""What a sampler costs: CPU milliseconds per trial, by the number of finished trials.

A trial here has 16 parameters, 8 operations among 8 and 8 integers among 5, and an objective that
costs nothing, so what is measured is Optuna's own work plus the sampler's. "nothing" answers with
fixed values; what a sampler adds to it is the median of the differences within a round. The
samplers take turns in each round, since whatever else runs on the machine changes what a
millisecond is: compare figures of one column only.

"evolution" evolves any search space; "evolution, genomes" a GenomeSpace of eight nodes, which are
15 parameters, and "nothing, genomes" is what to compare it with.

    python examples/benchmarks/sampler_overhead.py --finished 100 1000 --storages memory sqlite
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from datetime import timedelta
from pathlib import Path
import random
import shutil
from statistics import median
import tempfile
import time
from typing import Any

import optuna
from optuna import Study
from optuna import Trial
from optuna.distributions import BaseDistribution
from optuna.distributions import CategoricalDistribution
from optuna.distributions import distribution_to_json
from optuna.distributions import IntDistribution
from optuna.samplers import BaseSampler
from optuna.samplers import NSGAIISampler
from optuna.samplers import RandomSampler
from optuna.samplers import TPESampler
from optuna.storages import BaseStorage
from optuna.storages import InMemoryStorage
from optuna.storages import RDBStorage
from optuna.trial import create_trial
from optuna.trial import FrozenTrial
import sqlalchemy

from optuna_xmcnas import GenomeSpace
from optuna_xmcnas import RegularizedEvolutionSampler


OPS = tuple(f"op{i}" for i in range(8))
FLAT: dict[str, BaseDistribution] = {
    **{f"op_{i}": CategoricalDistribution(OPS) for i in range(8)},
    **{f"source_{i}": IntDistribution(0, 4) for i in range(8)},
}
SPACE = GenomeSpace(ops=OPS, min_layers=8, max_layers=8)


class NothingSampler(BaseSampler):
    """Answers with fixed values: what is left is Optuna."""

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return no parameters."""
        return {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return no values."""
        return {}

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Return the first value there is."""
        if isinstance(param_distribution, CategoricalDistribution):
            return param_distribution.choices[0]
        assert isinstance(param_distribution, IntDistribution)
        return param_distribution.low


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A sampler, what it searches, and which other one it is compared with."""

    sampler: Callable[[], BaseSampler]
    searches_genomes: bool = False
    base: str = "nothing"


CONTENDERS = {
    "nothing": Contender(sampler=NothingSampler),
    "evolution": Contender(sampler=lambda: RegularizedEvolutionSampler(seed=0)),
    "random": Contender(sampler=lambda: RandomSampler(seed=0)),
    "nsga2": Contender(sampler=lambda: NSGAIISampler(seed=0)),
    "tpe": Contender(sampler=lambda: TPESampler(seed=0)),
    "nothing, genomes": Contender(
        sampler=NothingSampler, searches_genomes=True, base="nothing, genomes"
    ),
    "evolution, genomes": Contender(
        sampler=lambda: RegularizedEvolutionSampler(space=SPACE, seed=0),
        searches_genomes=True,
        base="nothing, genomes",
    ),
}


def flat_objective(trial: Trial) -> float:
    """Suggest 16 parameters."""
    for i in range(8):
        trial.suggest_categorical(f"op_{i}", OPS)
    return float(sum(trial.suggest_int(f"source_{i}", 0, 4) for i in range(8)))


def genome_objective(trial: Trial) -> float:
    """Suggest a genome."""
    return float(sum(node.source for node in SPACE.suggest(trial).nodes))


def fill_memory(distributions: Mapping[str, BaseDistribution], n_finished: int) -> BaseStorage:
    """Return a storage in memory with a study of random trials."""
    storage = InMemoryStorage()
    study = optuna.create_study(study_name="s", storage=storage)
    rng = random.Random(0)
    for _ in range(n_finished):
        params = {name: _random_value(d, rng) for name, d in distributions.items()}
        study.add_trial(
            create_trial(params=params, distributions=dict(distributions), value=rng.random())
        )
    return storage


def fill_file(path: Path, distributions: Mapping[str, BaseDistribution], n_finished: int) -> None:
    """Write an SQLite file with a study of random trials; row by row through Optuna takes long."""
    storage = RDBStorage(f"sqlite:///{path}")
    study_id = optuna.create_study(study_name="s", storage=storage)._study_id
    tables = sqlalchemy.MetaData()
    tables.reflect(storage.engine)
    rng, noon = random.Random(0), datetime(2024, 1, 1, 12)
    texts = {name: distribution_to_json(d) for name, d in distributions.items()}
    ids = range(1, n_finished + 1)
    rows: dict[str, list[dict[str, Any]]] = {
        "trials": [
            {
                "trial_id": i,
                "number": i - 1,
                "study_id": study_id,
                "state": "COMPLETE",
                "datetime_start": noon + timedelta(seconds=i),
                "datetime_complete": noon + timedelta(seconds=i + 1),
            }
            for i in ids
        ],
        "trial_params": [
            {
                "trial_id": i,
                "param_name": name,
                "param_value": d.to_internal_repr(_random_value(d, rng)),
                "distribution_json": texts[name],
            }
            for i in ids
            for name, d in distributions.items()
        ],
        "trial_values": [
            {"trial_id": i, "objective": 0, "value": rng.random(), "value_type": "FINITE"}
            for i in ids
        ],
    }
    with storage.engine.begin() as connection:
        for table, content in rows.items():
            connection.execute(tables.tables[table].insert(), content)
    storage.engine.dispose()


def _random_value(distribution: BaseDistribution, rng: random.Random) -> Any:
    if isinstance(distribution, CategoricalDistribution):
        return rng.choice(distribution.choices)
    assert isinstance(distribution, IntDistribution)
    return rng.randint(distribution.low, distribution.high)


def open_studies(kind: str, n_finished: int, names: list[str], folder: Path) -> dict[str, Study]:
    """Return a study for each sampler, all with the same history, loaded and warm."""
    studies = {}
    for name in names:
        contender = CONTENDERS[name]
        distributions = SPACE.distributions() if contender.searches_genomes else FLAT
        if kind == "memory":
            storage = fill_memory(distributions, n_finished)
        else:
            original = folder / f"{n_finished}-{contender.searches_genomes}.db"
            if not original.exists():
                fill_file(original, distributions, n_finished)
            copied = shutil.copy(original, folder / f"{n_finished}-{name}.db")
            storage = RDBStorage(f"sqlite:///{copied}")
        studies[name] = optuna.load_study(
            study_name="s", storage=storage, sampler=contender.sampler()
        )
        _run(studies[name], name, n_trials=3)
    return studies


def _run(study: Study, name: str, n_trials: int) -> None:
    objective = genome_objective if CONTENDERS[name].searches_genomes else flat_objective
    study.optimize(objective, n_trials=n_trials)


def measure(studies: Mapping[str, Study], n_rounds: int) -> dict[str, list[float]]:
    """Return the CPU milliseconds of each sampler's trials, one for each round."""
    rng = random.Random(0)
    spent: dict[str, list[float]] = {name: [] for name in studies}
    for _ in range(n_rounds):
        for name in rng.sample(list(studies), len(studies)):
            start = time.process_time()
            _run(studies[name], name, n_trials=1)
            spent[name].append(1000 * (time.process_time() - start))
    return spent


def main() -> None:
    """Measure and print one table per storage."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--finished", type=int, nargs="+", default=[100, 1000, 10000])
    parser.add_argument(
        "--storages", nargs="+", choices=["memory", "sqlite"], default=["memory", "sqlite"]
    )
    parser.add_argument("--samplers", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--rounds", type=int, default=60)
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)

    names = [
        name
        for name in CONTENDERS
        if name in arguments.samplers
        or any(CONTENDERS[other].base == name for other in arguments.samplers)
    ]
    print("CPU ms per trial (what the sampler adds; in percent of a sampler that does nothing)")
    for kind in arguments.storages:
        cells: dict[str, list[str]] = {name: [] for name in names}
        for n_finished in arguments.finished:
            with tempfile.TemporaryDirectory() as folder:
                studies = open_studies(kind, n_finished, names, Path(folder))
                spent = measure(studies, arguments.rounds)
            for name in names:
                base = spent[CONTENDERS[name].base]
                added = median(a - b for a, b in zip(spent[name], base, strict=True))
                cell = f"{median(spent[name]):.2f}"
                if name != CONTENDERS[name].base:
                    cell += f" ({added:+.2f}; {100 * added / median(base):+.1f} %)"
                cells[name].append(cell)
        heads = "".join(f"{f'{n} finished':>32}" for n in arguments.finished)
        print(f"\n{kind:<20}{heads}")
        for name in names:
            print(f"{name:<20}{''.join(f'{cell:>32}' for cell in cells[name])}", flush=True)


if __name__ == "__main__":
    main()
