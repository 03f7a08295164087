"""What the trials of a study tell a guide, and how a guide is judged by them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from optuna.distributions import IntDistribution
from optuna.study import StudyDirection
from optuna.trial import TrialState
import pytest
from scipy.stats import spearmanr

from optuna_xmcnas import GenomeSpace
from optuna_xmcnas.genome import get_mutation
from optuna_xmcnas.guides import Evidence
from optuna_xmcnas.guides import merits
from optuna_xmcnas.samplers.history import evidence_of
from optuna_xmcnas.samplers.history import foresight
from optuna_xmcnas.samplers.storage import Outcome
from optuna_xmcnas.samplers.variation import GenomeVariation
from optuna_xmcnas.samplers.variation import ParameterVariation


MINIMIZE, MAXIMIZE = StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE
INF = float("inf")
VARIATION = ParameterVariation({"x": IntDistribution(0, 10**6)})


def outcome(number: int, *values: float, **more: Any) -> Outcome:
    settings: dict[str, Any] = {
        "number": number,
        "state": TrialState.COMPLETE,
        "params": {"x": number},
        "values": values,
        "expected": None,
    }
    return Outcome(**{**settings, **more})


def shown(
    outcomes: Sequence[Outcome],
    *,
    running: Sequence[dict[str, object]] = (),
    directions: Sequence[StudyDirection] = (MINIMIZE,),
) -> Evidence:
    by_number = {one.number: one for one in outcomes}
    return evidence_of(by_number, running, directions, VARIATION)


# Evidence.


def test_results_are_shown_in_the_order_of_trials_whenever_they_were_read() -> None:
    outcomes = [outcome(2, 0.5), outcome(0, 0.1), outcome(7, 0.9)]
    for order in (outcomes, outcomes[::-1]):
        found = shown(order).evaluated
        assert [one.number for one in found] == [0, 2, 7]
        assert [one.child.params["x"] for one in found] == [0, 2, 7]
        assert [one.values for one in found] == [(0.1,), (0.5,), (0.9,)]
        assert [one.merit for one in found] == pytest.approx([0.967, 0, -0.967], abs=1e-3)


@pytest.mark.parametrize("values", [[3.0, 1.0, 2.0, 1.0], [INF, 0.0, -INF, 5.0]])
def test_maximising_is_minimising_the_negative(values: list[float]) -> None:
    one = shown([outcome(i, v) for i, v in enumerate(values)])
    other = shown([outcome(i, -v) for i, v in enumerate(values)], directions=[MAXIMIZE])
    assert [e.merit for e in one.evaluated] == [e.merit for e in other.evaluated]


def test_with_two_objectives_merit_goes_by_fronts() -> None:
    outcomes = [outcome(0, 1.0, 1.0), outcome(1, 2.0, 2.0), outcome(2, 0.0, 0.0)]
    found = shown(outcomes, directions=[MINIMIZE, MAXIMIZE]).evaluated
    assert len({one.merit for one in found}) == 1  # nobody is better in both
    found = shown(outcomes, directions=[MAXIMIZE, MAXIMIZE]).evaluated
    assert found[1].merit > found[0].merit > found[2].merit


def test_pruned_children_count_as_poor_and_leave_the_ranks_of_others() -> None:
    outcomes = [outcome(0, 0.5), outcome(2, 0.1)]
    pruned = outcome(1, state=TrialState.PRUNED)
    with_it, without = shown([*outcomes, pruned]).evaluated, shown(outcomes).evaluated
    assert [one.number for one in with_it] == [0, 1, 2]
    assert [with_it[0].merit, with_it[2].merit] == [one.merit for one in without]
    quarter = float(np.quantile(merits(np.arange(1000.0)[:, None]), 0.25))
    assert with_it[1].merit == pytest.approx(quarter, abs=0.01)
    assert with_it[1].values == ()


def test_failed_and_running_children_are_shown_without_merit() -> None:
    failed = outcome(1, state=TrialState.FAIL)
    found = shown([outcome(0, 0.5), failed], running=[{"x": 7}, {"y": 7}])
    assert [one.number for one in found.evaluated] == [0]
    assert [child.params for child in found.failed] == [{"x": 1}]
    assert [child.params for child in found.running] == [{"x": 7}]
    assert found.groups == VARIATION.groups


def test_nothing_is_shown_of_nothing() -> None:
    found = shown([])
    assert (list(found.evaluated), list(found.running), list(found.failed)) == ([], [], [])


@pytest.mark.parametrize("state", [TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL])
@pytest.mark.parametrize(
    "params", [{}, {"n_layers": 99}, {"n_layers": 2, "op_1": []}, {"n_layers": "2"}]
)
def test_what_is_no_genome_is_left_out_but_has_its_rank(
    state: TrialState, params: dict[str, Any]
) -> None:
    space = GenomeSpace(max_layers=3)
    variation = GenomeVariation(space, [get_mutation("swap_op")])
    genome = variation.random(np.random.default_rng(0))
    values = (0.2,) if state == TrialState.COMPLETE else ()
    outcomes = {
        0: outcome(0, 0.1, params=genome),
        1: outcome(1, *values, state=state, params=params),
    }
    found = evidence_of(outcomes, [params], [MINIMIZE], variation)
    assert [one.number for one in found.evaluated] == [0]
    assert not found.failed
    assert not found.running
    assert (found.evaluated[0].merit > 0) == (state == TrialState.COMPLETE)


def test_of_many_results_the_best_half_and_the_latest_are_shown_with_their_merits_among_all() -> (
    None
):
    values = np.random.default_rng(0).permutation(900).astype(float)
    found = shown([outcome(i, v) for i, v in enumerate(values)]).evaluated
    best = set(np.argsort(values)[:150].tolist())
    latest = [i for i in range(900) if i not in best][-150:]
    assert [one.number for one in found] == sorted([*best, *latest])
    everybody = merits(values[:, None])
    assert [one.merit for one in found] == [everybody[one.number] for one in found]


def test_up_to_300_results_are_shown_whole() -> None:
    assert len(shown([outcome(i, float(i)) for i in range(300)]).evaluated) == 300


def test_of_very_many_results_with_two_objectives_the_latest_thousand_are_ranked() -> None:
    outcomes = [outcome(i, float(i), float(i)) for i in range(1003)]  # nobody beats another
    found = shown(outcomes, directions=[MINIMIZE, MAXIMIZE]).evaluated
    assert min(one.number for one in found) == 3


# Foresight.


def history(
    values: Sequence[float], expected: Sequence[float | None], **more: Any
) -> dict[int, Outcome]:
    pairs = enumerate(zip(values, expected, strict=True))
    return {i: outcome(i, value, expected=merit, **more) for i, (value, merit) in pairs}


def test_fewer_than_twelve_predictions_say_nothing() -> None:
    rng = np.random.default_rng(0)
    for n, judged in ((11, False), (12, True)):
        values = rng.normal(size=n).tolist()
        outcomes = history([*values, 0.0, 0.0], [*values, None, None])
        assert (foresight(outcomes, [MINIMIZE]) is not None) == judged


def test_what_was_expected_of_bad_results_is_no_foresight() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=20)
    expected = (-values).tolist()  # of a loss
    right = foresight(history(values.tolist(), expected), [MINIMIZE])
    wrong = foresight(history(values.tolist(), expected), [MAXIMIZE])
    assert right is not None
    assert wrong is not None
    assert right > 0.7
    assert wrong == pytest.approx(-right)


def test_foresight_is_a_correlation_with_the_place_among_earlier_results() -> None:
    rng = np.random.default_rng(1)
    values = rng.integers(0, 9, size=50).astype(float)
    expected: list[float | None] = [
        float(e) if rng.random() < 0.8 else None for e in rng.normal(size=50)
    ]
    predicted = [i for i in range(50) if expected[i] is not None][-30:]
    places = [
        (np.sum(values[:i] < values[i]) - np.sum(values[:i] > values[i])) / max(i, 1)
        for i in predicted
    ]
    judged = spearmanr([expected[i] or 0.0 for i in predicted], places).statistic
    found = foresight(history(values.tolist(), expected), [MAXIMIZE])
    assert found == pytest.approx(judged)


def test_only_the_latest_thirty_predictions_count() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=70)
    expected = np.concatenate([-values[:40], values[40:]])
    found = foresight(history(values.tolist(), expected.tolist()), [MAXIMIZE])
    assert found is not None
    assert found > 0.9


def test_a_search_that_gets_better_all_the_time_does_not_flatter_its_guide() -> None:
    values = np.arange(40.0)  # each is the best so far
    found = foresight(history(values.tolist(), values.tolist()), [MAXIMIZE])
    assert found is not None
    assert found < 0.5


def test_only_results_are_judged() -> None:
    values = np.random.default_rng(0).normal(size=20).tolist()
    outcomes = history(values, values)
    expected = foresight(outcomes, [MAXIMIZE])
    for number, state in ((20, TrialState.PRUNED), (21, TrialState.FAIL)):
        outcomes[number] = outcome(number, state=state, expected=99.0)
    assert foresight(outcomes, [MAXIMIZE]) == expected


def test_foresight_does_not_depend_on_the_order_of_reading() -> None:
    values = np.random.default_rng(0).normal(size=30).tolist()
    outcomes = history(values, values)
    backwards = dict(reversed(outcomes.items()))
    assert foresight(backwards, [MAXIMIZE]) == foresight(outcomes, [MAXIMIZE])


def test_a_place_with_two_objectives_goes_by_domination() -> None:
    rng = np.random.default_rng(0)
    shared = rng.normal(size=20)
    outcomes = {i: outcome(i, v, 2 * v, expected=v) for i, v in enumerate(shared.tolist())}
    single = history(shared.tolist(), shared.tolist())
    found = foresight(outcomes, [MAXIMIZE, MAXIMIZE])
    assert found == pytest.approx(foresight(single, [MAXIMIZE]))
    assert foresight(outcomes, [MAXIMIZE, MINIMIZE]) == 0  # nobody dominates anybody


def test_infinite_results_can_be_foreseen() -> None:
    values = [INF, -INF, 1.0, 2.0] * 5
    found = foresight(history(values, [min(max(v, -9.0), 9.0) for v in values]), [MAXIMIZE])
    assert found is not None
    assert found > 0.5
