"""Regularized evolution on an objective of your own, without PyTorch.

Evolves the seven switches of a made-up machine; the sampler knows nothing about it.

    python examples/sampler_only.py --trials 100
"""

from __future__ import annotations

import argparse

import optuna

from optuna_xmcnas import RegularizedEvolutionSampler


GOAL = ("fast", "slow", "fast", "off", "fast", "off", "slow")


def objective(trial: optuna.Trial) -> float:
    """Return how many switches are right; neighbours that are right together count double."""
    states = [
        trial.suggest_categorical(f"switch_{i}", ["off", "slow", "fast"]) for i in range(len(GOAL))
    ]
    right = [state == goal for state, goal in zip(states, GOAL, strict=True)]
    return sum(right) + sum(a and b for a, b in zip(right, right[1:], strict=False))


def main() -> None:
    """Run the search and print what it found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = RegularizedEvolutionSampler(population_size=20, sample_size=10, seed=arguments.seed)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(objective, n_trials=arguments.trials)
    print(f"best of {arguments.trials}: {study.best_value:g} of {2 * len(GOAL) - 1}")
    print(study.best_params)


if __name__ == "__main__":
    main()
