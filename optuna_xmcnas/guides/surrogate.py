"""The guide that comes with the package: a Gaussian process on the study's own results."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import final
from typing import Protocol

import numpy as np

from optuna_xmcnas.guides.feasibility import Feasibility
from optuna_xmcnas.guides.gaussian_process import GaussianProcess
from optuna_xmcnas.guides.guide import Child
from optuna_xmcnas.guides.guide import Evidence


class PriorMean(Protocol):
    """What is believed of children before a study has shown anything.

    Any scale will do, higher is better: the study decides how far it is to be trusted.
    """

    def __call__(self, children: Sequence[Child]) -> np.ndarray:
        """Return a belief for each child, (C,)."""
        ...


@final
class GaussianProcessGuide:
    """Fits a Gaussian process to merits and proposes by expected improvement.

    The improvement is over the best merit observed (Jones, Schonlau and Welch, 1998), times the
    share of children like it that did not fail. Children in training are taken to turn out as
    expected, so several workers that ask at once are sent to different places.

    Args:
        prior_mean: What is believed before, by a model of earlier studies for example. None
            believes that all children are alike.

    Example:
        >>> from optuna_xmcnas import GuidedEvolutionSampler
        >>> def shallow_first(children):
        ...     return np.array([-child.genome.n_layers for child in children])
        >>> guide = GaussianProcessGuide(prior_mean=shallow_first)
        >>> sampler = GuidedEvolutionSampler(guide=guide)
    """

    def __init__(self, *, prior_mean: PriorMean | None = None) -> None:
        self._prior_mean = prior_mean

    def fit(self, evidence: Evidence, rng: np.random.Generator) -> GaussianProcessOpinion:
        """Return what follows from the evidence; nothing about it is random."""
        return GaussianProcessOpinion(evidence, self._prior_mean)


@final
class GaussianProcessOpinion:
    """What a Gaussian process expects of children.

    Args:
        evidence: What the study has shown.
        prior_mean: What was believed before.
    """

    def __init__(self, evidence: Evidence, prior_mean: PriorMean | None) -> None:
        children = [one.child for one in evidence.evaluated]
        features = _matrix(children)
        self._prior_mean = prior_mean
        prior = (
            np.zeros(1) if prior_mean is None else np.asarray(prior_mean(children), dtype=float)
        )
        self._scale = _standard(prior)
        self._process = GaussianProcess(
            features,
            [child.identity for child in children],
            np.array([one.merit for one in evidence.evaluated]),
            views=_views(evidence.groups, features.shape[1]),
            prior=self._prior(children),
        )
        self._best = max(one.merit for one in evidence.evaluated)
        self._running = _matrix(evidence.running) if evidence.running else None
        self._feasibility = Feasibility(features, [child.features for child in evidence.failed])

    @property
    def noise_deviation(self) -> float:
        """Standard deviation of repeated trainings of one child, in units of merit."""
        return self._process.noise_deviation

    def merit(self, children: Sequence[Child]) -> np.ndarray:
        """Return the mean merit each child would have over many trainings, (C,)."""
        mean, _ = self._process.predict(
            _matrix(children), [child.identity for child in children], self._prior(children)
        )
        return mean

    def promise(self, children: Sequence[Child]) -> np.ndarray:
        """Return the expected improvement of each child, (C,), failures allowed for."""
        from scipy.special import ndtr

        features = _matrix(children)
        identities = [child.identity for child in children]
        mean, deviation = self._process.predict(
            features, identities, self._prior(children), self._running
        )
        gain = (mean - self._best) / deviation
        density = np.exp(-0.5 * gain**2) / np.sqrt(2 * np.pi)
        improvement = deviation * (gain * ndtr(gain) + density)
        return np.asarray(improvement * self._feasibility(features))

    def _prior(self, children: Sequence[Child]) -> np.ndarray:
        if self._prior_mean is None:
            return np.zeros(len(children))
        center, spread = self._scale
        return (np.asarray(self._prior_mean(children), dtype=float) - center) / spread


def _views(groups: Mapping[str, slice], width: int) -> list[np.ndarray]:
    """Return by which features children may be compared: all, or the slots alone."""
    views = [np.ones(width, dtype=bool)]
    if "pairs" in groups:  # what stands where can matter more than what occurs how often
        slots = np.zeros(width, dtype=bool)
        slots[groups["slots"]] = True
        views.append(slots)
    return views


def _standard(prior: np.ndarray) -> tuple[float, float]:
    """Return what to subtract from a belief, and what to divide it by."""
    spread = float(prior.std())
    return float(prior.mean()), spread if spread > 0 else 1.0


def _matrix(children: Sequence[Child]) -> np.ndarray:
    return np.stack([child.features for child in children]).astype(np.float64)
