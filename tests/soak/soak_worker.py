"""One worker of a soak run: toy children of some seconds, without PyTorch."""

from __future__ import annotations

from collections.abc import Callable
import random
import sys
import time

import optuna
from optuna import Trial

from optuna_xmcnas import GenomeSpace
from optuna_xmcnas import open_storage
from optuna_xmcnas import RegularizedEvolutionSampler
from optuna_xmcnas import work
from optuna_xmcnas import WorkSettings
from optuna_xmcnas.exceptions import ChildInterruptedError
from optuna_xmcnas.worker import Interruption


STUDY = "soak"
GRACE_S = 20.0
SPACE = GenomeSpace(ops=("conv3", "bilstm", "maxpool3"), min_layers=2, max_layers=6)


def sampler() -> RegularizedEvolutionSampler:
    return RegularizedEvolutionSampler(space=SPACE, population_size=10, sample_size=4, seed=0)


def train(trial: Trial, should_stop: Callable[[], bool], seconds: float) -> float:
    genome = SPACE.suggest(trial)
    trial.set_user_attr("genome", genome.to_json())
    end = time.monotonic() + random.uniform(0.2, 1.8) * seconds
    while time.monotonic() < end:
        time.sleep(min(0.01, seconds))
        if should_stop():
            raise ChildInterruptedError
    return sum(node.op == "bilstm" for node in genome.nodes) + random.random()


def main(url: str, n_trials: int, seconds: float) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = open_storage(url, patience_s=60, grace_s=GRACE_S)
    study = optuna.load_study(study_name=STUDY, storage=storage, sampler=sampler())
    with Interruption() as interruption:
        work(
            study,
            lambda trial, should_stop: train(trial, should_stop, seconds),
            WorkSettings(n_trials=n_trials, grace_s=GRACE_S),
            interruption=interruption,
        )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
