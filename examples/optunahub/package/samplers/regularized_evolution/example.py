"""Seven switches of a made-up machine, found by regularized evolution.

python example.py
"""

from __future__ import annotations

import argparse
from pathlib import Path

import optuna
import optunahub


GOAL = ("fast", "slow", "fast", "off", "fast", "off", "slow")
REGISTRY = Path(__file__).parent.parent.parent  # of a checkout; leave it out to load from the hub


def objective(trial: optuna.Trial) -> float:
    """Return how many switches are right; neighbours that are right together count double."""
    states = [
        trial.suggest_categorical(f"switch_{i}", ["off", "slow", "fast"]) for i in range(len(GOAL))
    ]
    right = [state == goal for state, goal in zip(states, GOAL, strict=True)]
    return sum(right) + sum(a and b for a, b in zip(right, right[1:], strict=False))


def main() -> None:
    """Run the search and print what it found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=100)
    arguments = parser.parse_args()

    package = optunahub.load_local_module(
        "samplers/regularized_evolution", registry_root=str(REGISTRY)
    )
    sampler = package.RegularizedEvolutionSampler(population_size=20, sample_size=10, seed=0)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(objective, n_trials=arguments.trials)
    print(f"best of {arguments.trials}: {study.best_value:g} of {2 * len(GOAL) - 1}")


if __name__ == "__main__":
    main()
