"""From the trials of a study to the evidence that guides see."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
import math

import numpy as np
from optuna.study import StudyDirection
from optuna.trial import TrialState

from optuna_xmcnas.guides import Child
from optuna_xmcnas.guides import Evaluated
from optuna_xmcnas.guides import Evidence
from optuna_xmcnas.guides import merits
from optuna_xmcnas.guides import POOR
from optuna_xmcnas.guides import rank_correlation
from optuna_xmcnas.samplers.storage import Outcome
from optuna_xmcnas.samplers.variation import Variation


_MOST_TELLING = 300  # evaluations that a guide is shown: a Gaussian process's cost grows cubically
_MOST_RANKED = 1000  # trials sorted into fronts: with several objectives that cost grows as well
_WINDOW = 30  # predictions that a guide is judged by (ours)
_FEWEST_PREDICTIONS = 12  # of them, for a judgement (ours)


def evidence_of(
    outcomes: Mapping[int, Outcome],
    running: Iterable[Mapping[str, object]],
    directions: Sequence[StudyDirection],
    variation: Variation,
) -> Evidence:
    """Return what a study has shown, in the order of trial numbers.

    Of more than 300 results the best half and the latest are taken, and as large a part of the
    failures; merits are those among all.

    Args:
        outcomes: How trials ended, by trial number.
        running: The parameters proposed for children in training.
        directions: Of the study's objectives.
        variation: The search space.
    """
    in_order = [outcomes[number] for number in sorted(outcomes)]
    complete = [one for one in in_order if one.state == TrialState.COMPLETE]
    if len(directions) > 1:
        complete = complete[-_MOST_RANKED:]
    scores = merits(_losses(complete, directions)) if complete else np.zeros(0)
    results = [(one, float(merit)) for one, merit in zip(complete, scores, strict=True)]
    results += [(one, POOR) for one in in_order if one.state == TrialState.PRUNED]
    failed = [one for one in in_order if one.state == TrialState.FAIL]
    n_failed = math.ceil(len(failed) * min(1.0, _MOST_TELLING / max(len(results), 1)))
    return Evidence(
        evaluated=[
            Evaluated(child=child, merit=merit, values=one.values, number=one.number)
            for one, merit in _most_telling(results)
            if (child := variation.child(one.params)) is not None
        ],
        running=_children(running, variation),
        failed=_children((one.params for one in failed[len(failed) - n_failed :]), variation),
        groups=variation.groups,
    )


def foresight(
    outcomes: Mapping[int, Outcome], directions: Sequence[StudyDirection]
) -> float | None:
    """Return how well a guide has foreseen the order of recent results.

    Each prediction was made before its child was trained. A result is measured by how many of the
    trials before it it is better than, so that a search that gets better all the time does not
    make its guide look good.

    Returns:
        Spearman's correlation over the last 30 results that were predicted; None if there are
        fewer than 12.
    """
    complete = [outcomes[n] for n in sorted(outcomes) if outcomes[n].state == TrialState.COMPLETE]
    predicted = [i for i, one in enumerate(complete) if one.expected is not None][-_WINDOW:]
    if len(predicted) < _FEWEST_PREDICTIONS:
        return None
    losses = _losses(complete, directions)
    places = [_place(losses[i], losses[:i]) for i in predicted]
    return rank_correlation([complete[i].expected or 0.0 for i in predicted], places)


def _place(own: np.ndarray, earlier: np.ndarray) -> float:
    """Return which share of the earlier results one is better than, less those better than it."""
    beaten = (own <= earlier).all(axis=1) & (own < earlier).any(axis=1)
    beating = (earlier <= own).all(axis=1) & (earlier < own).any(axis=1)
    return float(beaten.sum() - beating.sum()) / max(len(earlier), 1)


def _losses(complete: Sequence[Outcome], directions: Sequence[StudyDirection]) -> np.ndarray:
    """Return the objective values, lower is better, (N, objectives)."""
    signs = [-1.0 if direction == StudyDirection.MAXIMIZE else 1.0 for direction in directions]
    return np.array([one.values for one in complete], dtype=float) * signs


def _most_telling(results: list[tuple[Outcome, float]]) -> list[tuple[Outcome, float]]:
    """Return the results to show, in the order of trial numbers."""
    results = sorted(results, key=lambda result: result[0].number)
    if len(results) <= _MOST_TELLING:
        return results
    best = sorted(results, key=lambda result: (-result[1], result[0].number))
    kept = {one.number for one, _ in best[: _MOST_TELLING // 2]}
    latest = [one.number for one, _ in results if one.number not in kept]
    kept.update(latest[-(_MOST_TELLING - len(kept)) :])
    return [(one, merit) for one, merit in results if one.number in kept]


def _children(many: Iterable[Mapping[str, object]], variation: Variation) -> list[Child]:
    found = (variation.child(params) for params in many)
    return [child for child in found if child is not None]
