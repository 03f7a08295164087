"""What showing a search in optuna-dashboard costs: CPU milliseconds, by trials in the study.

A child here trains nothing, so what is measured is the storage's work, the sampler's and that of
``Showcase``. The trials before are an evolution of simulated children with whole records; then
children with and without a Showcase take turns on the same study in an SQLite file.

"a trial" is the CPU time of one without Showcase. "pictures" is what a Showcase adds to each: the
architecture is uploaded when the child begins, and written anew with its score when it ends; the
median of the differences between a trial with and the one without before it. "a refresh" is one of
all figures, after one more trial. There is one at most every minute, by one of the workers, and
not before a hundredth of the trials are new or half an hour has gone by; what a trial pays of it,
"added", so depends on how many seconds lie between two trials of the study. A new best child may
cost one more. "first" is a process's first refresh: it also loads optuna-dashboard and Plotly and
reads all trials of the study.

    python examples/benchmarks/dashboard_overhead.py --trials 200 2000
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
import json
from pathlib import Path
from statistics import fmean
from statistics import median
import tempfile
import time
from typing import Any

import optuna
from optuna import Study
from optuna import Trial
from optuna.distributions import distribution_to_json
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial
import sqlalchemy

from optuna_xmcnas import Genome
from optuna_xmcnas import GenomeSpace
from optuna_xmcnas import open_storage
from optuna_xmcnas import RegularizedEvolutionSampler
from optuna_xmcnas.dashboard import Showcase
from optuna_xmcnas.study import begin_record
from optuna_xmcnas.study import child_record
from optuna_xmcnas.study import complete_record
from optuna_xmcnas.study import CurvePoint


SPACE = GenomeSpace(
    ops=("conv1", "conv3", "conv5", "conv7", "maxpool3", "avgpool3", "bilstm", "bigru"),
    min_layers=2,
    max_layers=6,
)
POPULATION_SIZE = 50
N_EVALUATIONS = 10  # of each child, on the validation split
_REFRESH_EVERY_S, _STALE_S, _NEWS = 60.0, 1800.0, 0.01  # of a Showcase


def sampler() -> RegularizedEvolutionSampler:
    """Return the sampler of all studies here."""
    return RegularizedEvolutionSampler(
        space=SPACE, population_size=POPULATION_SIZE, sample_size=10, seed=0
    )


def begin(trial: Trial) -> Genome:
    """Do what is done before a child is trained, and return its genome."""
    genome = SPACE.suggest(trial)
    begin_record(trial, genome, seed=trial.number)
    child_record(trial, n_parameters=10**6, device="none", software="none")
    return genome


def train(trial: Trial, genome: Genome) -> float:
    """Do what is done after it is trained, and return a score that evolution can raise."""
    kinds = len({node.op for node in genome.nodes})
    score = 0.4 + 0.02 * kinds + 0.01 * ((trial.number * 7919) % 100) / 100
    shares = [1.0 + node.source for node in genome.nodes]
    complete_record(
        trial,
        metrics={f"{name}@{k}": score for name in ("P", "nDCG", "PSP") for k in (1, 3, 5)},
        node_weights=tuple(share / sum(shares) for share in shares),
        n_parameters=10**6,
        seconds=60.0,
        peak_memory_bytes=2**30,
        epochs=N_EVALUATIONS,
        stop_reason="patience",
        curve=[
            CurvePoint(epoch=i + 1, step=100 * i, p_at_5=score, ndcg_at_5=score)
            for i in range(N_EVALUATIONS)
        ],
    )
    return score


def run_child(study: Study, showcase: Showcase | None = None) -> None:
    """Run one trial, as a worker does."""
    trial = study.ask()
    genome = begin(trial)
    if showcase is not None:
        showcase.child_began(trial, genome)
    score = train(trial, genome)
    if showcase is not None:
        showcase.child_ended(trial, score)
    study.tell(trial, score)


def make_study(url: str, n_trials: int) -> Study:
    """Return a study in a file, with an evolution that has come so far."""
    source = optuna.create_study(direction="maximize", sampler=sampler())
    for _ in range(n_trials):
        run_child(source)
    storage = RDBStorage(url)
    study_id = optuna.create_study(storage=storage, study_name="s", direction="maximize")._study_id
    fill(storage, study_id, source.get_trials(deepcopy=False))
    storage.engine.dispose()
    return optuna.load_study(study_name="s", storage=open_storage(url), sampler=sampler())


def fill(storage: RDBStorage, study_id: int, trials: Sequence[FrozenTrial]) -> None:
    """Write trials into the tables of a database; one by one through Optuna takes minutes."""
    tables = sqlalchemy.MetaData()
    tables.reflect(storage.engine)
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for trial in trials:
        own = {"trial_id": trial.number + 1}
        rows["trials"].append(
            {
                **own,
                "number": trial.number,
                "study_id": study_id,
                "state": trial.state.name,
                "datetime_start": trial.datetime_start,
                "datetime_complete": trial.datetime_complete,
            }
        )
        rows["trial_values"].append(
            {**own, "objective": 0, "value": trial.values[0], "value_type": "FINITE"}
        )
        for name, distribution in trial.distributions.items():
            text = distribution_to_json(distribution)
            inner = distribution.to_internal_repr(trial.params[name])
            rows["trial_params"].append(
                {**own, "param_name": name, "param_value": inner, "distribution_json": text}
            )
        for table, attributes in (("user", trial.user_attrs), ("system", trial.system_attrs)):
            rows[f"trial_{table}_attributes"] += [
                {**own, "key": key, "value_json": json.dumps(value)}
                for key, value in attributes.items()
            ]
    with storage.engine.begin() as connection:
        for name, content in rows.items():
            connection.execute(tables.tables[name].insert(), content)


@dataclass(frozen=True, kw_only=True)
class Costs:
    """CPU milliseconds.

    Attributes:
        n_trials: How many there are in the study.
        trial: A trial without Showcase.
        picture: What its picture adds.
        refresh: A refresh of the figures and the note.
        refresh_wall: The same by a clock on the wall: an SQLite file is written to the disk.
        first: The first refresh of a process.
    """

    n_trials: int
    trial: float
    picture: float
    refresh: float
    refresh_wall: float
    first: float

    def added(self, child_s: float) -> float:
        """Return what a trial pays in all, if children end so many seconds after each other."""
        n_sharing = min(_NEWS * self.n_trials, _STALE_S / child_s)
        return self.picture + self.refresh / max(1.0, n_sharing, _REFRESH_EVERY_S / child_s)


def measure(n_trials: int, repeats: int, folder: Path) -> Costs:
    """Return what a Showcase costs a search that has come so far."""
    study = make_study(f"sqlite:///{folder}/{n_trials}.db", n_trials)
    showcase = Showcase(folder / f"artifacts-{n_trials}", refresh_every_s=0.0)
    first, _ = spent_ms(lambda: showcase.study_changed(study, force=True))
    for _ in range(3):  # everything is loaded and warm
        run_child(study, showcase)
        run_child(study)
    plain, shown, refreshes = [], [], []
    for i in range(2 * repeats):
        if i % 4 in (0, 3):  # each is as often the first as the second
            plain.append(spent_ms(lambda: run_child(study))[0])
        else:
            shown.append(spent_ms(lambda: run_child(study, showcase))[0])
    for _ in range(max(3, repeats // 4)):
        run_child(study, showcase)
        refreshes.append(spent_ms(lambda: showcase.study_changed(study, force=True)))
    return Costs(
        n_trials=n_trials,
        trial=median(plain),
        picture=median(b - a for a, b in zip(plain, shown, strict=True)),
        refresh=fmean(cpu for cpu, _ in refreshes),
        refresh_wall=fmean(wall for _, wall in refreshes),
        first=first,
    )


def spent_ms(call: Callable[[], None]) -> tuple[float, float]:
    """Return how long a call takes: CPU time of this process, and time on the wall."""
    cpu, wall = time.process_time(), time.perf_counter()
    call()
    return 1000 * (time.process_time() - cpu), 1000 * (time.perf_counter() - wall)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, nargs="+", default=[200, 2000])
    parser.add_argument("--repeats", type=int, default=80)
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)

    print(f"CPU ms {'added, if trials are so far apart':>54}")
    print(
        f"{'trials':>6} {'a trial':>9} {'pictures':>9} {'0.1 s':>7} {'1 s':>7} {'60 s':>7}"
        f" {'600 s':>7} {'a refresh':>10} {'(wall)':>8} {'first':>7}"
    )
    for n_trials in arguments.trials:
        with tempfile.TemporaryDirectory() as folder:
            costs = measure(n_trials, arguments.repeats, Path(folder))
        added = " ".join(f"{costs.added(seconds):>7.1f}" for seconds in (0.1, 1.0, 60.0, 600.0))
        print(
            f"{n_trials:>6} {costs.trial:>9.1f} {costs.picture:>9.1f} {added}"
            f" {costs.refresh:>10.1f} {costs.refresh_wall:>8.1f} {costs.first:>7.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
