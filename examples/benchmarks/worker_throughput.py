"""How many children per second some workers finish together, and how much of their time is used.

A child here is a pause of random length, uniform from half to one and a half times ``--seconds``,
so a machine without accelerators can tell what the workers spend on each other. "worker" is
``work`` with RegularizedEvolutionSampler; "nothing" is ``study.optimize`` with a sampler that
answers with fixed values, in the same kind of storage. All processes work for a while before the
clock starts. "used" is the share of their time that was spent in children; what is missing went
to the storage, and to waiting for a processor. CPU time per child is the workers' own.

    python examples/benchmarks/worker_throughput.py --postgresql postgresql://user@host/database
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
import random
from statistics import median
import time

from databases import Place  # type: ignore[import-not-found]  # a file beside this one
from databases import places
import optuna
from optuna import Trial
from sampler_overhead import NothingSampler  # type: ignore[import-not-found]  # beside this one
from sampler_overhead import SPACE

from optuna_xmcnas import open_storage
from optuna_xmcnas import RegularizedEvolutionSampler
from optuna_xmcnas import work
from optuna_xmcnas import WorkSettings


CONTENDERS = ("nothing", "worker")
STUDY_NAME = "throughput"
_ENDLESS = 10**6  # children


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How long everything lasts."""

    child_s: float  # on average
    warm_up_s: float
    lasting_s: float


@dataclass(frozen=True, kw_only=True)
class Window:
    """The time that counts, by ``time.monotonic()``, which all processes of a machine share."""

    start: float
    end: float

    def overlap(self, start: float, end: float) -> float:
        """Return how many seconds of a span lie in the window."""
        return max(0.0, min(end, self.end) - max(start, self.start))


@dataclass(frozen=True, kw_only=True)
class Share:
    """What one process did in the window."""

    n_children: int
    child_s: float
    cpu_s: float  # over all its time
    n_all_children: int  # over all its time


@dataclass(frozen=True, kw_only=True)
class Throughput:
    """What all processes did in the window."""

    children_per_s: float
    used: float
    cpu_ms_per_child: float


def run(contender: str, url: str, child_s: float, window: Window, seed: int) -> Share:
    """Work until the window has closed; what one process does."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    rng = random.Random(seed)
    spans: list[tuple[float, float]] = []

    def objective(trial: Trial) -> float:
        genome = SPACE.suggest(trial)
        start = time.monotonic()
        time.sleep(rng.uniform(0.5, 1.5) * child_s)
        spans.append((start, time.monotonic()))
        return float(len({node.op for node in genome.nodes}))

    storage = open_storage(url, must_exist=True)
    if contender == "worker":
        sampler = RegularizedEvolutionSampler(space=SPACE, seed=0)
        study = optuna.load_study(study_name=STUDY_NAME, storage=storage, sampler=sampler)
        cpu_start = time.process_time()
        settings = WorkSettings(n_trials=_ENDLESS)
        work(study, lambda trial, _: objective(trial), settings, deadline=window.end)
    else:
        study = optuna.load_study(study_name=STUDY_NAME, storage=storage, sampler=NothingSampler())
        cpu_start = time.process_time()
        study.optimize(objective, timeout=window.end - time.monotonic())
    return Share(
        n_children=sum(window.start <= end < window.end for _, end in spans),
        child_s=sum(window.overlap(start, end) for start, end in spans),
        cpu_s=time.process_time() - cpu_start,
        n_all_children=len(spans),
    )


def throughput(place: Place, contender: str, n_workers: int, plan: Plan) -> Throughput:
    """Let some processes work on a new study, and return what they did together."""
    with (
        place.lend() as url,
        ProcessPoolExecutor(n_workers, mp_context=get_context("spawn")) as pool,
    ):
        optuna.create_study(study_name=STUDY_NAME, storage=open_storage(url), direction="maximize")
        start = time.monotonic() + plan.warm_up_s
        window = Window(start=start, end=start + plan.lasting_s)
        running = [
            pool.submit(run, contender, url, plan.child_s, window, seed)
            for seed in range(n_workers)
        ]
        shares = [future.result() for future in running]
    n_children = sum(share.n_all_children for share in shares)
    return Throughput(
        children_per_s=sum(share.n_children for share in shares) / plan.lasting_s,
        used=sum(share.child_s for share in shares) / (n_workers * plan.lasting_s),
        cpu_ms_per_child=1000 * sum(share.cpu_s for share in shares) / max(1, n_children),
    )


def line(label: str, ideal: float, measured: list[Throughput]) -> str:
    """Return the medians of some runs."""
    rate = median(one.children_per_s for one in measured)
    cells = (
        f"{ideal:.1f}",
        f"{rate:.2f}",
        f"{100 * rate / ideal:.0f} %",
        f"{100 * median(one.used for one in measured):.1f} %",
        f"{median(one.cpu_ms_per_child for one in measured):.0f}",
    )
    return f"{label:<20}{''.join(f'{cell:>16}' for cell in cells)}"


def main() -> None:
    """Measure and print one table per storage."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--seconds", type=float, default=1.0, help="mean length of a child")
    parser.add_argument("--storages", nargs="+", choices=["sqlite", "postgresql"])
    parser.add_argument("--postgresql", metavar="URL", help="a database; others are made there")
    parser.add_argument("--warm-up", type=float, default=5.0, help="seconds before the clock")
    parser.add_argument("--lasting", type=float, default=20.0, help="seconds by the clock")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)

    plan = Plan(
        child_s=arguments.seconds, warm_up_s=arguments.warm_up, lasting_s=arguments.lasting
    )
    rng = random.Random(0)
    with places(arguments.postgresql) as found:
        for kind in arguments.storages or list(found):
            print(f"\n{kind}, children of {plan.child_s:g} s")
            heads = ("ideal / s", "children / s", "of the ideal", "used", "CPU ms / child")
            print(f"{'':<20}{''.join(f'{head:>16}' for head in heads)}", flush=True)
            for n_workers in arguments.workers:
                measured: dict[str, list[Throughput]] = {name: [] for name in CONTENDERS}
                for _ in range(arguments.repeats):
                    for name in rng.sample(CONTENDERS, len(CONTENDERS)):
                        done = throughput(found[kind], name, n_workers, plan)
                        measured[name].append(done)
                for name, several in measured.items():
                    ideal = n_workers / plan.child_s
                    print(line(f"{n_workers} x {name}", ideal, several), flush=True)


if __name__ == "__main__":
    main()
