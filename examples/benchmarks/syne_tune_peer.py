"""Regularized evolution as Syne Tune has it, on our tables; not a script of its own.

Measured with Syne Tune 0.16.0, which is not among this package's requirements: install it in an
environment of its own, ``pip install syne-tune``. Its defaults, but for the population of 20
instead of 100, which makes it a rival within 70 evaluations; its tournament of 10 is the default.
"""

from __future__ import annotations

import time

from histories import History  # type: ignore[import-not-found]  # a file beside this one
from histories import Incumbent
import numpy as np
from tables import Table  # type: ignore[import-not-found]  # a file beside this one


def search(table: Table, seed: int, n_evaluations: int) -> History:
    """Run one search over the digits of a table by asking Syne Tune's scheduler and telling it."""
    from syne_tune.config_space import choice  # type: ignore[import-not-found]
    from syne_tune.optimizer.schedulers.ask_tell_scheduler import AskTellScheduler  # type: ignore[import-not-found]
    from syne_tune.optimizer.schedulers.searchers.regularized_evolution import RegularizedEvolution  # type: ignore[import-not-found]
    from syne_tune.optimizer.schedulers.single_objective_scheduler import SingleObjectiveScheduler  # type: ignore[import-not-found]

    names = [f"digit_{i}" for i in range(len(table.digits))]
    space = {
        name: choice(list(choices)) if len(choices) > 1 else choices
        for name, choices in zip(names, table.digits, strict=True)
    }
    np.random.seed(seed)  # its first population is drawn from numpy's global stream
    searcher = RegularizedEvolution(space, population_size=20, sample_size=10, random_seed=seed)
    scheduler = AskTellScheduler(
        SingleObjectiveScheduler(space, metric="accuracy", do_minimize=False, searcher=searcher)
    )
    noise = np.random.default_rng(seed)
    incumbent = Incumbent()
    merits = []
    start = time.process_time()
    for _ in range(n_evaluations):
        trial = scheduler.ask()
        runs = table.look_up("".join(trial.config[name] for name in names))
        if runs is None:
            scheduler.base_scheduler.on_trial_error(trial)
        else:
            seen = runs[int(noise.integers(len(runs)))]
            scheduler.tell(trial, {"accuracy": seen})
            incumbent.challenge(seen, float(np.mean(runs)))
        merits.append(incumbent.merit)
    cpu_ms = 1000 * (time.process_time() - start) / n_evaluations
    return History(seed=seed, merits=tuple(merits), cpu_ms=cpu_ms)
