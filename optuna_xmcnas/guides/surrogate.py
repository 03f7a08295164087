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
from optuna_xmcnas.guides.merit import POOR


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

    Raises:
        ValueError: If ``prior_mean`` is no function.

    Example:
        >>> from optuna_xmcnas import GuidedEvolutionSampler
        >>> def shallow_first(children):
        ...     return np.array([-child.genome.n_layers for child in children])
        >>> guide = GaussianProcessGuide(prior_mean=shallow_first)
        >>> sampler = GuidedEvolutionSampler(guide=guide)
    """

    def __init__(self, *, prior_mean: PriorMean | None = None) -> None:
        if prior_mean is not None and not callable(prior_mean):
            raise ValueError(f"`prior_mean` must be a function of children; got {prior_mean!r}.")
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
        well = [one.child for one in evidence.evaluated]
        children = [*well, *evidence.failed]
        merits = [one.merit for one in evidence.evaluated] + [POOR] * len(evidence.failed)
        features = _matrix(children)
        self._prior_mean = prior_mean
        believed = self._believed(children)
        self._center, self._spread = float(believed.mean()), float(believed.std()) or 1.0
        self._process = GaussianProcess(
            features,
            [child.identity for child in children],
            np.array(merits),
            views=_views(evidence.groups, features.shape[1]),
            prior=self._prior(children),
        )
        self._best = max(one.merit for one in evidence.evaluated)
        self._running = _matrix(evidence.running) if evidence.running else None
        self._feasibility = Feasibility(
            features[: len(well)], [child.features for child in evidence.failed]
        )

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
        """Return the beliefs on the scale of the evaluated children."""
        return (self._believed(children) - self._center) / self._spread

    def _believed(self, children: Sequence[Child]) -> np.ndarray:
        if self._prior_mean is None:
            return np.zeros(len(children))
        believed = np.asarray(self._prior_mean(children), dtype=float)
        if believed.shape != (len(children),) or not np.isfinite(believed).all():
            raise ValueError(
                f"`prior_mean` must return one finite number per child, an array of shape "
                f"({len(children)},); got {believed!r}."
            )
        return believed


def _views(groups: Mapping[str, slice], width: int) -> list[np.ndarray]:
    """Return by which features children may be compared: all, or the slots alone."""
    views = [np.ones(width, dtype=bool)]
    # In a graph, what stands where can matter more than what occurs how often.
    if "slots" in groups and "pairs" in groups:
        slots = np.zeros(width, dtype=bool)
        slots[groups["slots"]] = True
        views.append(slots)
    return views


def _matrix(children: Sequence[Child]) -> np.ndarray:
    return np.stack([child.features for child in children]).astype(np.float64)
