"""The samplers that the benchmarks compare; not a script of its own."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from typing import final

import numpy as np
from optuna.samplers import BaseSampler
from optuna.samplers import NSGAIISampler
from optuna.samplers import RandomSampler
from optuna.samplers import TPESampler

from optuna_xmcnas import GenomeSpace
from optuna_xmcnas import GuidedEvolutionSampler
from optuna_xmcnas import RegularizedEvolutionSampler
from optuna_xmcnas.guides import Child
from optuna_xmcnas.guides import Evidence
from optuna_xmcnas.guides import GaussianProcessGuide
from optuna_xmcnas.guides import Guide
from optuna_xmcnas.guides import Opinion
from optuna_xmcnas.guides.gaussian_process import GaussianProcess


@final
class InvertedOpinion(Opinion):
    """Thinks the opposite of another opinion."""

    def __init__(self, opinion: Opinion) -> None:
        self._opinion = opinion

    def merit(self, children: Sequence[Child]) -> np.ndarray:
        """Return high numbers for children of low merit."""
        return -self._opinion.merit(children)

    def promise(self, children: Sequence[Child]) -> np.ndarray:
        """Return high numbers for children not worth trying."""
        return -self._opinion.promise(children)


@final
class InvertedGuide(Guide):
    """Always wrong where another guide is right: what a search must survive."""

    def __init__(self, guide: Guide) -> None:
        self._guide = guide

    def fit(self, evidence: Evidence, rng: np.random.Generator) -> Opinion:
        """Return the opposite of what the other guide thinks."""
        return InvertedOpinion(self._guide.fit(evidence, rng))


@final
class BlindGuide(Guide):
    """Does not know what others are training: what several workers gain by knowing it."""

    def __init__(self, guide: Guide) -> None:
        self._guide = guide

    def fit(self, evidence: Evidence, rng: np.random.Generator) -> Opinion:
        """Return what the other guide thinks if nothing is running."""
        return self._guide.fit(replace(evidence, running=()), rng)


@final
class NarrowOpinion(Opinion):
    """Does not see some features of the children it judges."""

    def __init__(self, opinion: Opinion, hidden: Sequence[slice]) -> None:
        self._opinion = opinion
        self._hidden = hidden

    def merit(self, children: Sequence[Child]) -> np.ndarray:
        """Return what the opinion is of what is left of the children."""
        return self._opinion.merit([without(child, self._hidden) for child in children])

    def promise(self, children: Sequence[Child]) -> np.ndarray:
        """Return what the opinion is of what is left of the children."""
        return self._opinion.promise([without(child, self._hidden) for child in children])


@final
class NarrowGuide(Guide):
    """Works without some groups of features: what each is worth."""

    def __init__(self, guide: Guide, groups: Sequence[str]) -> None:
        self._guide = guide
        self._groups = groups

    def fit(self, evidence: Evidence, rng: np.random.Generator) -> Opinion:
        """Return what the other guide thinks if the features are zero."""
        hidden = [evidence.groups[group] for group in self._groups if group in evidence.groups]
        narrow = Evidence(
            evaluated=[
                replace(one, child=without(one.child, hidden)) for one in evidence.evaluated
            ],
            running=[without(child, hidden) for child in evidence.running],
            failed=[without(child, hidden) for child in evidence.failed],
            groups={n: part for n, part in evidence.groups.items() if n not in self._groups},
        )
        return NarrowOpinion(self._guide.fit(narrow, rng), hidden)


def without(child: Child, hidden: Sequence[slice]) -> Child:
    """Return a child some of whose features are zero."""
    features = child.features.copy()
    for columns in hidden:
        features[columns] = 0
    return replace(child, features=features)


@final
class NoisyOpinion(Opinion):
    """Judges by draws around the means of a Gaussian process, others for each worker.

    Each child is drawn for itself: this is not Thompson sampling, whose draws hang together.
    """

    def __init__(self, evidence: Evidence, rng: np.random.Generator) -> None:
        evaluated = evidence.evaluated
        self._process = GaussianProcess(
            np.stack([one.child.features for one in evaluated]),
            [one.child.identity for one in evaluated],
            np.array([one.merit for one in evaluated]),
        )
        self._rng = rng

    def merit(self, children: Sequence[Child]) -> np.ndarray:
        """Return the mean merits."""
        return self._predict(children)[0]

    def promise(self, children: Sequence[Child]) -> np.ndarray:
        """Return one draw of each merit."""
        mean, deviation = self._predict(children)
        return np.asarray(mean + deviation * self._rng.standard_normal(len(children)))

    def _predict(self, children: Sequence[Child]) -> tuple[np.ndarray, np.ndarray]:
        features = np.stack([child.features for child in children])
        return self._process.predict(features, [child.identity for child in children])


@final
class NoisyGuide(Guide):
    """Sends several workers to different places by chance."""

    def fit(self, evidence: Evidence, rng: np.random.Generator) -> Opinion:
        """Return an opinion with a random stream."""
        return NoisyOpinion(evidence, rng)


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A sampler in a comparison.

    Args:
        sampler: The space of the genomes, None if the search is over digits, and a seed -> a new
            sampler.
        searches_genomes: Whether it searches genomes, where a table offers them.
    """

    sampler: Callable[[GenomeSpace | None, int], BaseSampler]
    searches_genomes: bool = False


def _narrow(*groups: str) -> Contender:
    """Return guided evolution without some groups of features."""
    return Contender(
        sampler=lambda space, seed: GuidedEvolutionSampler(
            space=space, seed=seed, guide=NarrowGuide(GaussianProcessGuide(), groups)
        ),
        searches_genomes=True,
    )


SAMPLERS = {
    "evolution": Contender(
        sampler=lambda space, seed: RegularizedEvolutionSampler(space=space, seed=seed),
        searches_genomes=True,
    ),
    "guided": Contender(
        sampler=lambda space, seed: GuidedEvolutionSampler(space=space, seed=seed),
        searches_genomes=True,
    ),
    "guided-inverted": Contender(
        sampler=lambda space, seed: GuidedEvolutionSampler(
            space=space, seed=seed, guide=InvertedGuide(GaussianProcessGuide())
        ),
        searches_genomes=True,
    ),
    "guided-blind": Contender(
        sampler=lambda space, seed: GuidedEvolutionSampler(
            space=space, seed=seed, guide=BlindGuide(GaussianProcessGuide())
        ),
        searches_genomes=True,
    ),
    "guided-noisy": Contender(
        sampler=lambda space, seed: GuidedEvolutionSampler(
            space=space, seed=seed, guide=NoisyGuide()
        ),
        searches_genomes=True,
    ),
    "guided-no-slots": _narrow("slots"),
    "guided-no-counts": _narrow("counts"),
    "guided-no-first": _narrow("first"),
    "guided-no-pairs": _narrow("pairs"),
    "guided-slots-only": _narrow("counts", "first", "pairs"),
    "guided-off": Contender(  # must be evolution, trial for trial
        sampler=lambda space, seed: GuidedEvolutionSampler(
            space=space, seed=seed, n_startup_trials=10**9
        ),
        searches_genomes=True,
    ),
    "evolution-digits": Contender(
        sampler=lambda _, seed: RegularizedEvolutionSampler(seed=seed),
    ),
    "evolution-repeats": Contender(
        sampler=lambda _, seed: RegularizedEvolutionSampler(max_attempts=1, seed=seed),
    ),
    "tpe": Contender(sampler=lambda _, seed: TPESampler(seed=seed)),
    "tpe-genomes": Contender(sampler=lambda _, seed: TPESampler(seed=seed), searches_genomes=True),
    "random": Contender(sampler=lambda _, seed: RandomSampler(seed=seed)),
    "nsga2": Contender(sampler=lambda _, seed: NSGAIISampler(seed=seed)),
    "nsga2-20": Contender(sampler=lambda _, seed: NSGAIISampler(population_size=20, seed=seed)),
}
USUAL = ("evolution", "guided", "tpe", "random", "nsga2")
