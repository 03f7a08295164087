"""How far a metric could have come out otherwise with other documents: bootstrap intervals.

Documents are drawn with replacement, as many as there are, and the metric is computed anew; the
interval holds the middle of the values found (percentile bootstrap: Efron and Tibshirani, An
Introduction to the Bootstrap, 1993, chapter 13). It speaks of the choice of test documents alone:
training again with another seed moves a metric too, and that is not in the interval.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np


if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from optuna_xmcnas.metrics.by_document import DocumentScores


_CELLS = 1 << 20  # resamples x documents at a time: some 25 MB


@dataclass(frozen=True)
class Interval:
    """A metric, or a difference of two, with the bounds of its interval.

    Attributes:
        value: On the documents as they are.
        low: Lower bound.
        high: Upper bound.
    """

    value: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"`low` must not be above `high`; got {self.low} and {self.high}.")


def bootstrap(
    scores: DocumentScores, *, n_resamples: int = 1000, seed: int = 0, level: float = 0.95
) -> dict[str, Interval]:
    """Return each metric with its percentile interval over documents.

    Args:
        scores: What each document adds, see `document_scores`.
        n_resamples: How often documents are drawn anew.
        seed: Of the draws; the same seed gives the same intervals.
        level: The share of the resampled values that is inside.

    Example:
        >>> from scipy.sparse import csr_array
        >>> from optuna_xmcnas.metrics import document_scores
        >>> ranked = np.array([[0], [1], [0], [0]])
        >>> targets = csr_array([[1, 0], [1, 0], [1, 0], [1, 0]])
        >>> bootstrap(document_scores(ranked, targets, ks=(1,)))["P@1"]
        Interval(value=0.75, low=0.25, high=1.0)
    """
    _check(n_resamples, level)
    resampled = np.concatenate(
        [_metrics(scores, counts) for counts in _draws(len(scores), n_resamples, seed)]
    )  # (R, M)
    return _intervals(scores.metrics, resampled, level)


def paired_difference(
    a: DocumentScores,
    b: DocumentScores,
    *,
    n_resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> dict[str, Interval]:
    """Return ``a`` - ``b`` for each metric, with its percentile interval over documents.

    Both are resampled with the same draws, so what makes a document hard for both cancels out:
    the interval is narrower than two separate ones suggest. Where it leaves out 0, the order of
    the two would hardly have turned with other documents.

    Args:
        a: What each document adds to the metrics of some lists.
        b: The same for other lists of the same documents.
        n_resamples: How often documents are drawn anew.
        seed: Of the draws; the same seed gives the same intervals.
        level: The share of the resampled differences that is inside.

    Example:
        >>> from scipy.sparse import csr_array
        >>> from optuna_xmcnas.metrics import document_scores
        >>> targets = csr_array([[1, 0], [1, 0], [1, 0], [1, 0]])
        >>> a = document_scores(np.array([[0], [0], [0], [1]]), targets, ks=(1,))
        >>> b = document_scores(np.array([[1], [0], [0], [1]]), targets, ks=(1,))
        >>> paired_difference(a, b)["P@1"]
        Interval(value=0.25, low=0.0, high=0.75)
    """
    _check(n_resamples, level)
    if a.names != b.names or len(a) != len(b):
        raise ValueError(
            "a paired difference needs the same metrics of the same documents; got "
            f"{', '.join(a.names)} of {len(a)} and {', '.join(b.names)} of {len(b)}."
        )
    resampled = np.concatenate(
        [_metrics(a, counts) - _metrics(b, counts) for counts in _draws(len(a), n_resamples, seed)]
    )  # (R, M)
    others = b.metrics
    values = {name: value - others[name] for name, value in a.metrics.items()}
    return _intervals(values, resampled, level)


def _draws(n_documents: int, n_resamples: int, seed: int) -> Iterator[npt.NDArray[np.float64]]:
    """Yield how often each document was drawn, (resamples of a chunk, N).

    The size of a chunk does not change the draws.
    """
    rng = np.random.default_rng(seed)
    size = max(1, _CELLS // n_documents)
    for start in range(0, n_resamples, size):
        n = min(size, n_resamples - start)
        drawn = rng.integers(n_documents, size=(n, n_documents))
        drawn += n_documents * np.arange(n)[:, None]  # resamples apart, to be counted at once
        counts = np.bincount(drawn.ravel(), minlength=drawn.size).reshape(drawn.shape)
        yield counts.astype(np.float64)


def _metrics(scores: DocumentScores, counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    reached = counts @ scores.numerators  # (r, N) @ (N, M) -> (r, M)
    whole = counts @ scores.denominators
    return np.divide(reached, whole, out=np.zeros_like(reached), where=whole > 0)


def _intervals(
    values: dict[str, float], resampled: npt.NDArray[np.float64], level: float
) -> dict[str, Interval]:
    outside = (1 - level) / 2
    low, high = np.quantile(resampled, [outside, 1 - outside], axis=0)
    bounds = zip(values.items(), low.tolist(), high.tolist(), strict=True)
    return {name: Interval(value, *ends) for (name, value), *ends in bounds}


def _check(n_resamples: int, level: float) -> None:
    if n_resamples < 1:
        raise ValueError(f"`n_resamples` must be at least 1; got {n_resamples}.")
    if not 0 < level < 1:
        raise ValueError(f"`level` must be between 0 and 1, both excluded; got {level}.")
