"""A guide of your own: three nearest neighbours say which child is worth trying next.

It is compared with the guide that comes with the package, and with none.

    python examples/own_guide.py
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import optuna

from optuna_xmcnas import GuidedEvolutionSampler
from optuna_xmcnas import RegularizedEvolutionSampler
from optuna_xmcnas.guides import Child
from optuna_xmcnas.guides import Evidence


class NearestNeighbours:
    """Believes that a child will do as those most like it did."""

    def fit(self, evidence: Evidence, rng: np.random.Generator) -> Neighbourhood:
        """Remember all results."""
        seen = np.stack([one.child.features for one in evidence.evaluated])  # (N, F)
        merits = np.array([one.merit for one in evidence.evaluated])
        return Neighbourhood(seen, merits)


class Neighbourhood:
    """What follows from the results."""

    def __init__(self, seen: np.ndarray, merits: np.ndarray) -> None:
        self.seen = seen
        self.merits = merits

    def merit(self, children: Sequence[Child]) -> np.ndarray:
        """Return the mean merit of each child's three nearest neighbours."""
        asked = np.stack([child.features for child in children])  # (C, F)
        far = ((asked[:, None] - self.seen[None]) ** 2).sum(axis=2)  # (C, N)
        nearest = np.argsort(far, axis=1)[:, :3]
        return np.asarray(self.merits[nearest].mean(axis=1))

    def promise(self, children: Sequence[Child]) -> np.ndarray:
        """Return the same: whatever is expected to be best is tried."""
        return self.merit(children)


def objective(trial: optuna.Trial) -> float:
    """Ten switches; each one that is on helps, the first three only together."""
    on = [trial.suggest_categorical(f"switch_{i}", [False, True]) for i in range(10)]
    return sum(on[3:]) + 5.0 * all(on[:3])


def main() -> None:
    """Search with and without the guide."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    samplers = {
        "plain evolution": RegularizedEvolutionSampler(seed=0),
        "nearest neighbours": GuidedEvolutionSampler(seed=0, guide=NearestNeighbours()),
        "Gaussian process": GuidedEvolutionSampler(seed=0),
    }
    for name, sampler in samplers.items():
        study = optuna.create_study(direction="maximize", sampler=sampler)
        study.optimize(objective, n_trials=60)
        best = study.best_trial
        print(f"{name:<20} best of 60: {best.values[0]:g} of 12, in trial {best.number}")


if __name__ == "__main__":
    main()
