"""Gaussian process regression on few points, its settings averaged instead of chosen.

A child's merit is modelled as the sum of something smooth in its features, something of its own
that the features do not tell, and the noise of its training. Repeated evaluations of one child
tell the last two apart; where there are none, half of what is not smooth is taken for noise.

With 10 to 300 points the likelihood says little about the length scale, and the best setting
alone would be overconfident. So every setting of a small grid makes its own prediction, and the
predictions are mixed by how likely each setting makes the data (Rasmussen and Williams, 2006,
chapters 2 and 5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import final

import numpy as np


# Lengths of the kernel, in units of the features. Deep genomes are far from each other.
_LENGTHS = (1.5, 2.5, 4.0, 6.0, 10.0)
_REMAINDERS = (0.05, 0.15, 0.4)  # variance that is not smooth, as a share of the smooth part's
_NOISE_SHARES = (0.1, 0.5, 0.9)  # of the remainder, where there are repeats
_UNKNOWN_NOISE_SHARE = (0.5,)  # where there are too few of them (ours)
_FEWEST_REPEATS = 3
_LEAST_WEIGHT = 0.02  # of the likeliest setting's; the others are left out: each one costs


@dataclass(frozen=True, eq=False)
class _Kernel:
    """The covariance of two children's merits, in units of the smooth part's variance.

    Attributes:
        view: By which view of the features children are compared.
        length: Distance in that view over which they tell little about each other.
        remainder: Variance that is not smooth.
        noise_share: How much of it is noise; the rest is the child's own.
    """

    view: int
    length: float
    remainder: float
    noise_share: float

    @property
    def own(self) -> float:
        """The variance that a child has for itself, whatever its features."""
        return self.remainder * (1 - self.noise_share)

    @property
    def noise(self) -> float:
        return self.remainder * self.noise_share

    def __call__(self, distances: np.ndarray, same: np.ndarray) -> np.ndarray:
        """Return covariances, without noise, from squared distances and who is whose equal."""
        covariances = np.exp(distances * (-0.5 / self.length**2))
        covariances += self.own * same
        return covariances


@dataclass(frozen=True, eq=False)
class _Fit:
    """A kernel and what the data make of it."""

    kernel: _Kernel
    factor: np.ndarray  # (N, N), lower Cholesky factor of the data's covariances
    whitened: np.ndarray  # (N,), merits less the prior mean, solved against the factor
    slope: float  # of the prior mean
    amplitude: float  # variance of the smooth part
    log_likelihood: float


@final
class GaussianProcess:
    """A Gaussian process over children.

    Args:
        features: (N, F).
        identities: N texts; equal ones are repeated evaluations of one child.
        merits: (N,), where 0 is nothing special.
        views: The columns of the features, (F,) truth values each, by which children may be
            compared: what is likely decides which.
        prior: What was believed of each child before, (N,), 0 on average. It is scaled by a factor
            from 0 up that the data choose.

    Example:
        >>> line = np.linspace(0, 10, 6)[:, None]
        >>> process = GaussianProcess(line, list("abcdef"), line[:, 0] - 5)
        >>> mean, deviation = process.predict(np.array([[5.0], [50.0]]), ["new", "far"])
        >>> bool(abs(mean[0]) < 0.5), bool(deviation[0] < deviation[1])
        (True, True)
    """

    def __init__(
        self,
        features: np.ndarray,
        identities: Sequence[str],
        merits: np.ndarray,
        *,
        views: Sequence[np.ndarray] | None = None,
        prior: np.ndarray | None = None,
    ) -> None:
        features = np.asarray(features, dtype=np.float64)
        self._views = [np.ones(features.shape[1], dtype=bool)] if views is None else list(views)
        self._features = [features[:, view] for view in self._views]
        self._identities = np.asarray(identities, dtype=object)
        distances = [squared_distances(seen, seen) for seen in self._features]
        prior = np.zeros(len(merits)) if prior is None else prior
        same = self._identities[:, None] == self._identities[None, :]
        n_repeats = len(same) - len(set(identities))
        shares = _NOISE_SHARES if n_repeats >= _FEWEST_REPEATS else _UNKNOWN_NOISE_SHARE
        settings = product(range(len(self._views)), _LENGTHS, _REMAINDERS, shares)
        kernels = (_Kernel(*setting) for setting in settings)
        fits = [_fitted(kernel, distances[kernel.view], same, merits, prior) for kernel in kernels]
        likelihoods = np.array([fit.log_likelihood for fit in fits])
        weights = np.exp(likelihoods - likelihoods.max())
        likely = np.flatnonzero(weights >= _LEAST_WEIGHT)
        self._fits = [fits[i] for i in likely]
        self._weights = weights[likely] / weights[likely].sum()

    @property
    def noise_deviation(self) -> float:
        """Standard deviation of repeated evaluations, in units of merit."""
        variances = [fit.amplitude * fit.kernel.noise for fit in self._fits]
        return float(np.sqrt(self._weights @ variances))

    def predict(
        self,
        features: np.ndarray,
        identities: Sequence[str],
        prior: np.ndarray | float = 0.0,
        running: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return what merits are expected, and how uncertain their smooth part is.

        Of a child that has been evaluated, what it has for itself is part of the expectation.

        Args:
            features: (C, F).
            identities: C texts.
            prior: What was believed of each before, (C,).
            running: Features (R, F) of children in training. Their results are taken to be what
                is expected of them (Ginsbourger et al., 2010), which leaves the means as they
                are, and the deviations small near them.

        Returns:
            Two arrays (C,).
        """
        seen = [features[:, view] for view in self._views]
        distances = [squared_distances(*pair) for pair in zip(self._features, seen, strict=True)]
        same = self._identities[:, None] == np.asarray(identities, dtype=object)[None, :]
        means = np.zeros((len(self._fits), len(features)))
        variances = np.zeros_like(means)
        for i, fit in enumerate(self._fits):
            view = fit.kernel.view
            whitened = _solve(fit.factor, fit.kernel(distances[view], same))  # (N, C)
            means[i] = fit.slope * prior + fit.whitened @ whitened
            own = fit.kernel.own * same.any(axis=0)  # nothing is known of what is new
            left = 1 + own - np.einsum("nc,nc->c", whitened, whitened)
            if running is not None and len(running):
                left -= self._known_by(running[:, self._views[view]], seen[view], fit, whitened)
            variances[i] = fit.amplitude * np.maximum(left, 1e-9)
        mean = self._weights @ means
        variance = self._weights @ (variances + (means - mean) ** 2)
        return mean, np.sqrt(variance)

    def _known_by(
        self, running: np.ndarray, features: np.ndarray, fit: _Fit, whitened: np.ndarray
    ) -> np.ndarray:
        """Return the variance (C,) that results of running children would take away."""
        nobody = np.zeros((), dtype=bool)
        seen = fit.kernel(
            squared_distances(self._features[fit.kernel.view], running), nobody
        )  # (N, R)
        basis = _solve(fit.factor, seen)
        among = fit.kernel(squared_distances(running, running), nobody) - basis.T @ basis
        among[np.diag_indices(len(running))] += fit.kernel.remainder
        across = fit.kernel(squared_distances(running, features), nobody) - basis.T @ whitened
        rest = _solve(_factor(among), across)  # (R, C)
        return np.asarray(np.einsum("rc,rc->c", rest, rest))


def squared_distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the squared distance of each row of one to each row of the other, (N, M)."""
    lengths = np.einsum("nf,nf->n", one, one)[:, None] + np.einsum("mf,mf->m", other, other)
    distances: np.ndarray = np.maximum(lengths - 2 * one @ other.T, 0)
    return distances


def _fitted(
    kernel: _Kernel,
    distances: np.ndarray,
    same: np.ndarray,
    merits: np.ndarray,
    prior: np.ndarray,
) -> _Fit:
    covariances = kernel(distances, same)
    covariances[np.diag_indices(len(merits))] += kernel.noise
    factor = _factor(covariances)
    solved = _solve(factor, np.stack([merits, prior], axis=1))  # (N, 2)
    fitted, believed = solved[:, 0], solved[:, 1]
    slope = max(0.0, float(believed @ fitted) / float(believed @ believed + 1e-12))
    whitened = fitted - slope * believed
    amplitude = max(float(whitened @ whitened) / len(merits), 1e-9)
    log_likelihood = -0.5 * len(merits) * np.log(amplitude) - np.log(np.diag(factor)).sum()
    return _Fit(kernel, factor, whitened, slope, amplitude, float(log_likelihood))


def _factor(covariances: np.ndarray) -> np.ndarray:
    covariances[np.diag_indices(len(covariances))] += 1e-9
    return np.linalg.cholesky(covariances)


def _solve(factor: np.ndarray, right: np.ndarray) -> np.ndarray:
    from scipy.linalg import solve_triangular

    return np.asarray(solve_triangular(factor, right, lower=True, check_finite=False))
