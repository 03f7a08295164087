"""The guide that comes with the package, on invented evidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from optuna_xmcnas.guides import Child
from optuna_xmcnas.guides import Evaluated
from optuna_xmcnas.guides import Evidence
from optuna_xmcnas.guides import GaussianProcessGuide
from optuna_xmcnas.guides.surrogate import GaussianProcessOpinion
from optuna_xmcnas.guides.surrogate import PriorMean


GROUPS = {"slots": slice(0, 2), "counts": slice(2, 2)}


def child(*features: float, identity: str | None = None) -> Child:
    return Child(
        identity=identity or str(features),
        params={},
        genome=None,
        features=np.array(features, dtype=np.float32),
    )


def evidence(children: Sequence[Child], merits: Sequence[float], **more: Any) -> Evidence:
    pairs = zip(children, merits, strict=True)
    evaluated = [
        Evaluated(child=one, merit=float(merit), values=(0.0,), number=number)
        for number, (one, merit) in enumerate(pairs)
    ]
    return Evidence(**{"evaluated": evaluated, "groups": GROUPS, **more})


def fit(shown: Evidence, prior_mean: PriorMean | None = None) -> GaussianProcessOpinion:
    return GaussianProcessGuide(prior_mean=prior_mean).fit(shown, np.random.default_rng(0))


# A slope: what is further to the right is better.
SLOPE = [child(x, y) for x in range(5) for y in range(3)]
SLOPE_MERITS = [one.features[0] / 2 - 1 for one in SLOPE]


def test_the_same_evidence_leads_to_the_same_opinion() -> None:
    shown = evidence(SLOPE, SLOPE_MERITS, running=[child(9, 9)], failed=[child(0, 9)])
    asked = [child(5, 1), child(2.5, 1)]
    one, other = (GaussianProcessGuide().fit(shown, np.random.default_rng(s)) for s in (1, 2))
    assert one.merit(asked).tolist() == other.merit(asked).tolist()
    assert one.promise(asked).tolist() == other.promise(asked).tolist()


def test_merit_goes_with_the_results_and_promise_to_the_better_side() -> None:
    opinion = fit(evidence(SLOPE, SLOPE_MERITS))
    asked = [child(x, 1) for x in (0.5, 1.5, 2.5, 3.5, 5.0)]
    assert (np.diff(opinion.merit(asked)) > 0).all()
    assert opinion.promise(asked).argmax() == 4
    assert (opinion.promise(asked) >= 0).all()


def test_promise_is_the_expected_improvement_over_the_best_result() -> None:
    """By the definition: the mean of what exceeds the best, over many draws."""
    opinion = fit(evidence(SLOPE, SLOPE_MERITS))
    asked = [child(4.5, 1), child(6, 1), child(3, 8)]
    features = np.stack([one.features for one in asked]).astype(float)
    mean, deviation = opinion._process.predict(features, [one.identity for one in asked])
    draws = np.random.default_rng(0).normal(mean, deviation, size=(200_000, 3))
    expected = np.maximum(draws - max(SLOPE_MERITS), 0).mean(axis=0)
    assert opinion.promise(asked) == pytest.approx(expected, rel=0.05)


def test_children_in_training_lower_the_promise_beside_them_and_no_merit() -> None:
    asked = [child(6, 1), child(2, 9)]
    alone = fit(evidence(SLOPE, SLOPE_MERITS))
    beside = fit(evidence(SLOPE, SLOPE_MERITS, running=[child(6, 1.1)]))
    assert beside.merit(asked).tolist() == alone.merit(asked).tolist()
    assert beside.promise(asked)[0] < 0.9 * alone.promise(asked)[0]


def test_failures_lower_the_promise_of_their_neighbours() -> None:
    asked = [child(6, 1)]
    well = fit(evidence(SLOPE, SLOPE_MERITS))
    badly = fit(evidence(SLOPE, SLOPE_MERITS, failed=[child(6, y) for y in range(3)]))
    assert badly.promise(asked)[0] < 0.7 * well.promise(asked)[0]


def first_number(children: Sequence[Child]) -> np.ndarray:
    return np.array([1000.0 + 50 * one.features[0] for one in children])


def test_a_right_prior_mean_helps_and_its_scale_does_not_matter() -> None:
    seen = [child(x, 0) for x in (0, 1, 2, 3)]
    shown = evidence(seen, [-1, -0.3, 0.3, 1])
    far = [child(-60, 0), child(60, 0)]
    without, led = fit(shown), fit(shown, first_number)
    assert np.ptp(without.merit(far)) < 0.5
    assert led.merit(far)[1] > led.merit(far)[0] + 5
    rescaled = fit(shown, lambda children: first_number(children) / 7 - 3)
    assert rescaled.merit(far) == pytest.approx(led.merit(far))


def test_a_wrong_prior_mean_changes_nothing() -> None:
    shown = evidence(SLOPE, SLOPE_MERITS)
    wrong = fit(shown, lambda children: -first_number(children))
    asked = [child(6, 1), child(60, 1)]
    assert wrong.merit(asked) == pytest.approx(fit(shown).merit(asked))
    assert wrong.promise(asked) == pytest.approx(fit(shown).promise(asked))


def test_a_prior_mean_that_does_not_vary_changes_nothing() -> None:
    shown = evidence(SLOPE, SLOPE_MERITS)
    flat = fit(shown, lambda children: np.full(len(children), 7.0))
    assert flat.merit(SLOPE) == pytest.approx(fit(shown).merit(SLOPE))


def test_repeats_tell_the_noise() -> None:
    rng = np.random.default_rng(0)
    children = [one for one in SLOPE for _ in range(4)]
    merits = [one.features[0] / 2 - 1 + rng.normal(0, 0.3) for one in children]
    assert fit(evidence(children, merits)).noise_deviation == pytest.approx(0.3, rel=0.35)


def test_genomes_are_also_compared_by_their_slots_alone() -> None:
    rng = np.random.default_rng(0)
    children = [child(*rng.uniform(0, 10, size=6)) for _ in range(60)]
    merits = [2 * np.sin(one.features[0]) for one in children]
    errors = {}
    for last in ("pairs", "others"):
        shown = evidence(
            children[:40], merits[:40], groups={"slots": slice(0, 1), last: slice(1, 6)}
        )
        errors[last] = np.square(fit(shown).merit(children[40:]) - merits[40:]).mean()
    assert errors["pairs"] < 0.1 * errors["others"]
