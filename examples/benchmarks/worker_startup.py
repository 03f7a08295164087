"""What it costs a worker to join a long study, and what each child costs once it has joined.

A fresh process opens a study of N finished trials, as a search with many workers leaves it, and
goes on with it. "nothing" is Optuna alone: ``study.ask`` and a sampler that answers with fixed
values. "sampler" is the same with RegularizedEvolutionSampler. "worker" is ``work``: leases, a
look at the whole study before each child, and a storage that outlives outages.

The first child is timed from opening the storage, imports done, to the last of its 15 parameters;
the later ones from there to the same moment of the next child, so each time holds the report of a
result, a proposal and 15 parameters; the objective costs nothing. CPU time is the worker's own,
without the server's. Of the statements sent for the median later child some write, in brackets;
most of those are committed one by one. The contenders take turns, child by child, each with a
copy of the study. Percentages compare with "nothing": the median over the repeats of the first
child, and over all turns of the later ones. Compare figures of one run only.

    python examples/benchmarks/worker_startup.py --postgresql postgresql://user@host/database
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from datetime import timedelta
import json
from multiprocessing import get_context
from multiprocessing.connection import Connection
import random
import resource
from statistics import median
import time
from typing import Any
from typing import TypeAlias

from databases import Place  # type: ignore[import-not-found]  # a file beside this one
from databases import places
import numpy as np
import optuna
from optuna import Study
from optuna import Trial
from optuna.distributions import distribution_to_json
from optuna.storages import get_storage
from optuna.storages import RDBStorage
from sampler_overhead import NothingSampler  # type: ignore[import-not-found]  # beside this one
from sampler_overhead import SPACE
import sqlalchemy

from optuna_xmcnas import open_storage
from optuna_xmcnas import RegularizedEvolutionSampler
from optuna_xmcnas import work
from optuna_xmcnas import WorkSettings
from optuna_xmcnas.genome import canonical_hash
from optuna_xmcnas.samplers import Proposal
from optuna_xmcnas.worker.lease import LEASE_KEY
from optuna_xmcnas.worker.lease import new_lease


CONTENDERS = ("nothing", "sampler", "worker")
STUDY_NAME = "startup"
_AGE_KEY = "RegularizedEvolutionSampler:age"
_PROPOSAL_KEY = "RegularizedEvolutionSampler:proposal"
_BATCH = 1000  # trials written at a time
_NOON = datetime(2024, 1, 1, 12)
Turns: TypeAlias = "Connection[Any, Any]"


def fill(url: str, n_finished: int) -> None:
    """Write a study as workers leave it; row by row through Optuna takes too long."""
    storage = RDBStorage(url)
    study = optuna.create_study(study_name=STUDY_NAME, storage=storage, direction="maximize")
    tables = sqlalchemy.MetaData()
    tables.reflect(storage.engine)
    with storage.engine.begin() as connection:
        for start in range(0, n_finished, _BATCH):
            numbers = range(start, min(start + _BATCH, n_finished))
            for table, rows in history(study._study_id, numbers).items():
                connection.execute(tables.tables[table].insert(), rows)
        if storage.engine.name == "postgresql":
            sequence = "pg_get_serial_sequence('trials', 'trial_id')"
            connection.execute(sqlalchemy.text(f"SELECT setval({sequence}, {n_finished})"))
    with storage.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sqlalchemy.text("ANALYZE"))  # as servers do by themselves, later
    storage.engine.dispose()


def history(study_id: int, numbers: range) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of finished trials with random genomes, by table."""
    rng = np.random.default_rng(numbers.start)
    distributions = SPACE.distributions()
    texts = {name: distribution_to_json(d) for name, d in distributions.items()}
    lease = json.dumps(new_lease().to_record())
    rows: dict[str, list[dict[str, Any]]] = {
        "trials": [],
        "trial_params": [],
        "trial_values": [],
        "trial_system_attributes": [],
    }
    for number in numbers:
        trial_id = number + 1
        genome = SPACE.random(rng)
        params = SPACE.to_params(genome)
        proposal = Proposal(params=dict(params), identity=canonical_hash(genome))
        attrs = {
            LEASE_KEY: lease,
            _PROPOSAL_KEY: json.dumps(proposal.to_record()),
            _AGE_KEY: json.dumps(number + 1),
        }
        trial = {"trial_id": trial_id, "number": number, "study_id": study_id}
        times = {
            "datetime_start": _NOON + timedelta(seconds=number),
            "datetime_complete": _NOON + timedelta(seconds=number + 1),
        }
        rows["trials"].append({**trial, **times, "state": "COMPLETE"})
        value = {"objective": 0, "value": float(rng.random()), "value_type": "FINITE"}
        rows["trial_values"].append({"trial_id": trial_id, **value})
        rows["trial_params"] += [
            {
                "trial_id": trial_id,
                "param_name": name,
                "param_value": distributions[name].to_internal_repr(value),
                "distribution_json": texts[name],
            }
            for name, value in params.items()
        ]
        rows["trial_system_attributes"] += [
            {"trial_id": trial_id, "key": key, "value_json": text} for key, text in attrs.items()
        ]
    return rows


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What a process has spent, or one child cost."""

    wall_s: float
    cpu_s: float
    n_statements: int
    n_writing: int

    def since(self, before: Spent) -> Spent:
        """Return what was spent after an earlier moment."""
        return Spent(
            wall_s=self.wall_s - before.wall_s,
            cpu_s=self.cpu_s - before.cpu_s,
            n_statements=self.n_statements - before.n_statements,
            n_writing=self.n_writing - before.n_writing,
        )


class Meter:
    """Reads both clocks, and counts the statements that SQLAlchemy sends in this process."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", self._count)

    def now(self) -> Spent:
        """Return what has been spent so far."""
        return Spent(
            wall_s=time.perf_counter(),
            cpu_s=time.process_time(),
            n_statements=self._counts.total(),
            n_writing=sum(self._counts[verb] for verb in ("INSERT", "UPDATE", "DELETE")),
        )

    def _count(self, connection: object, cursor: object, statement: str, *_: object) -> None:
        self._counts[statement.split(maxsplit=1)[0].upper()] += 1


def join(contender: str, url: str, n_finished: int, n_later: int, turns: Turns) -> None:
    """Join a study and run some children, each when its turn comes; what a fresh process does."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    meter = Meter()
    turns.recv()
    start = meter.now()

    def objective(trial: Trial) -> float:
        nonlocal start
        genome = SPACE.suggest(trial)
        turns.send(meter.now().since(start))
        turns.recv()
        start = meter.now()
        return float(sum(node.source for node in genome.nodes))

    is_worker = contender == "worker"
    study = optuna.load_study(
        study_name=STUDY_NAME,
        storage=open_storage(url) if is_worker else get_storage(url),
        sampler=(
            NothingSampler()
            if contender == "nothing"
            else RegularizedEvolutionSampler(space=SPACE, seed=0)
        ),
    )
    if is_worker:
        settings = WorkSettings(n_trials=n_finished + 1 + n_later)
        work(study, lambda trial, _: objective(trial), settings)
    else:
        for _ in range(1 + n_later):
            trial = study.ask()
            study.tell(trial, objective(trial))
    if contender != "nothing":
        _check_ancestry(study, n_finished)
    turns.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def _check_ancestry(study: Study, n_finished: int) -> None:
    """See that the rows were read: the first child descends from one of the last trials."""
    first = study.get_trials(deepcopy=False)[n_finished]
    proposal = RegularizedEvolutionSampler.proposal_of(first)
    assert proposal is not None
    assert proposal.parent is not None
    assert 0 <= n_finished - proposal.parent <= 20


@dataclass(frozen=True, kw_only=True)
class Joining:
    """What the contenders spent side by side, by name."""

    first: dict[str, Spent]
    later: dict[str, list[Spent]]
    memory_mib: dict[str, float]


def join_together(
    place: Place, filled: str, n_finished: int, n_later: int, rng: random.Random
) -> Joining:
    """Let a fresh process of each contender join a copy of a study."""
    spawn = get_context("spawn")
    later: dict[str, list[Spent]] = {name: [] for name in CONTENDERS}
    with ExitStack() as stack:
        turns: dict[str, Turns] = {}
        for name in CONTENDERS:
            url = stack.enter_context(place.lend(filled))
            turns[name], theirs = spawn.Pipe()
            process = spawn.Process(target=join, args=(name, url, n_finished, n_later, theirs))
            process.start()
            theirs.close()  # so that we hear of it if the process fails
            stack.callback(process.join)
        first = {name: _turn(turns[name]) for name in rng.sample(CONTENDERS, len(CONTENDERS))}
        for _ in range(n_later):
            for name in rng.sample(CONTENDERS, len(CONTENDERS)):
                later[name].append(_turn(turns[name]))
        memory_mib = {name: _turn(turns[name]) for name in CONTENDERS}
    return Joining(first=first, later=later, memory_mib=memory_mib)


def _turn(turns: Turns) -> Any:
    turns.send("go")
    return turns.recv()


def measure(place: Place, n_finished: int, n_repeats: int, n_later: int) -> Iterator[str]:
    """Yield a line per contender."""
    rng = random.Random(0)
    with place.lend() as filled:
        fill(filled, n_finished)
        joinings = [
            join_together(place, filled, n_finished, n_later, rng) for _ in range(n_repeats)
        ]
    first = {name: [joining.first[name] for joining in joinings] for name in CONTENDERS}
    later = {name: [s for joining in joinings for s in joining.later[name]] for name in CONTENDERS}
    for name in CONTENDERS:
        n_statements = median(spent.n_statements for spent in later[name])
        n_writing = median(spent.n_writing for spent in later[name])
        cells = (
            _cell(first, name, lambda spent: spent.wall_s, "{:.2f} s"),
            _cell(first, name, lambda spent: spent.cpu_s, "{:.2f} s"),
            _cell(later, name, lambda spent: 1000 * spent.wall_s, "{:.1f} ms"),
            _cell(later, name, lambda spent: 1000 * spent.cpu_s, "{:.1f} ms"),
            f"{n_statements:.0f} ({n_writing:.0f})",
            f"{median(joining.memory_mib[name] for joining in joinings):.0f}",
        )
        yield f"{name:<12}{''.join(f'{cell:>20}' for cell in cells)}"


def _cell(
    spent: dict[str, list[Spent]], name: str, figure: Callable[[Spent], float], form: str
) -> str:
    figures = [figure(one) for one in spent[name]]
    base = [figure(one) for one in spent["nothing"]]
    text = form.format(median(figures))
    if name == "nothing":
        return text
    ratio = median(a / b for a, b in zip(figures, base, strict=True))
    return f"{text} ({100 * (ratio - 1):+.0f} %)"


def main() -> None:
    """Measure and print one table per storage and length of the study."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--finished", type=int, nargs="+", default=[1000, 10000])
    parser.add_argument("--storages", nargs="+", choices=["sqlite", "postgresql"])
    parser.add_argument("--postgresql", metavar="URL", help="a database; others are made there")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--children", type=int, default=50, help="after the first one")
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)

    with places(arguments.postgresql) as found:
        for kind in arguments.storages or list(found):
            for n_finished in arguments.finished:
                heads = ("first child", "CPU", "later child", "CPU", "statements", "memory, MiB")
                print(f"\n{kind}, {n_finished} finished trials")
                print(f"{'':<12}{''.join(f'{head:>20}' for head in heads)}", flush=True)
                for line in measure(
                    found[kind], n_finished, arguments.repeats, arguments.children
                ):
                    print(line, flush=True)


if __name__ == "__main__":
    main()
