"""How near do samplers come to the best genome, where depth varies and the best is known?

The landscapes are invented, see ``landscapes.py``: random effects of ops, their order, their ways
and their company over the default space, 2 to 6 layers. All samplers search the same genomes,
through ``space.suggest``. What a search sees is the true score with Gaussian noise; ``--noise``
is its standard deviation in those of the landscape, so 0.25 is a signal-to-noise ratio of 16 (of
variances, over random genomes) and 1 is one of 1. Each seed is another landscape.

What is printed is the true score of the incumbent, the genome with the best score seen, minus that
of the best genome: the regret with a minus sign, in standard deviations of the landscape.

    python examples/benchmarks/planted_landscape.py --seeds 50 --evaluations 150
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import cache
from functools import partial
import time

from campaign import add_options  # type: ignore[import-not-found]  # a file beside this one
from campaign import carry_out
from campaign import show
from campaign import Work
from contenders import SAMPLERS  # type: ignore[import-not-found]  # a file beside this one
from contenders import USUAL
from histories import History  # type: ignore[import-not-found]  # a file beside this one
from histories import Incumbent
from landscapes import Landscape  # type: ignore[import-not-found]  # a file beside this one
from landscapes import SPACE
import numpy as np
import optuna
from optuna.samplers import BaseSampler


def search(
    landscape: Landscape, sampler: BaseSampler, noise: float, seed: int, n_evaluations: int
) -> History:
    """Run one search."""
    rng = np.random.default_rng([seed, 2])
    best = landscape.score(landscape.optimum)
    incumbent = Incumbent()
    merits = []

    def objective(trial: optuna.Trial) -> float:
        score: float = landscape.score(SPACE.suggest(trial))
        seen = score + noise * float(rng.standard_normal())
        incumbent.challenge(seen, score - best)
        return seen

    study = optuna.create_study(direction="maximize", sampler=sampler)
    start = time.process_time()
    study.optimize(
        objective,
        n_trials=n_evaluations,
        callbacks=[lambda *_: merits.append(incumbent.merit)],
    )
    cpu_ms = 1000 * (time.process_time() - start) / n_evaluations
    return History(seed=seed, merits=tuple(merits), cpu_ms=cpu_ms)


@cache
def landscape(seed: int) -> Landscape:
    """Return the landscape of a seed; a process makes each once."""
    return Landscape.from_seed(seed)


def searches(
    sampler_name: str, noise: float, n_evaluations: int, seeds: Sequence[int]
) -> list[History]:
    """Return one history per seed; what one process does."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    contender = SAMPLERS[sampler_name]
    return [
        search(landscape(seed), contender.sampler(SPACE, seed), noise, seed, n_evaluations)
        for seed in seeds
    ]


def main() -> None:
    """Run the searches and print one line per noise and sampler, and how they compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--noise", type=float, nargs="+", default=[0.25, 1.0])
    names = [name for name in SAMPLERS if not name.endswith(("-digits", "-repeats", "-genomes"))]
    add_options(parser, names, USUAL)
    arguments = parser.parse_args()
    if arguments.merge:
        show(arguments.merge)
        return

    print("score of the incumbent minus that of the optimum ± standard error over landscapes")
    works = (
        Work(
            table=f"noise {noise:g}",
            sampler=sampler,
            searches=partial(searches, sampler, noise, arguments.evaluations),
        )
        for noise in arguments.noise
        for sampler in arguments.samplers
    )
    carry_out(works, arguments)


if __name__ == "__main__":
    main()
