"""The arithmetic that the benchmarks compare samplers with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from examples.benchmarks.histories import comparison
from examples.benchmarks.histories import difference_in_errors
from examples.benchmarks.histories import evaluations_to
from examples.benchmarks.histories import History
from examples.benchmarks.histories import Incumbent
from examples.benchmarks.histories import joined
from examples.benchmarks.histories import mean_and_error
from examples.benchmarks.histories import read_results
from examples.benchmarks.histories import report
from examples.benchmarks.histories import Result
from examples.benchmarks.histories import write_results


def result(sampler: str, *curves: list[float], first_seed: int = 0) -> Result:
    histories = (
        History(seed=seed, merits=tuple(merits), cpu_ms=1.5)
        for seed, merits in enumerate(curves, start=first_seed)
    )
    return Result(table="table", sampler=sampler, histories=tuple(histories))


def test_the_incumbent_is_the_best_by_what_was_seen() -> None:
    incumbent = Incumbent()
    assert np.isnan(incumbent.merit)
    for seen, merit, expected in [(1.0, 5.0, 5.0), (2.0, 3.0, 3.0), (1.5, 9.0, 3.0)]:
        incumbent.challenge(seen, merit)
        assert incumbent.merit == expected


def test_standard_error_divides_by_one_less_than_the_seeds() -> None:
    mean, error = mean_and_error(np.array([1.0, 2.0, 3.0, 4.0]))
    assert mean == 2.5
    assert error == pytest.approx((5 / 3 / 4) ** 0.5)
    assert np.isnan(mean_and_error(np.array([1.0]))[1])


def test_evaluations_are_counted_until_the_mean_reaches_the_goal() -> None:
    merits = np.array([[1.0, 3.0, 5.0], [1.0, 1.0, 3.0]])  # means 1, 2, 4
    assert evaluations_to(2.0, merits) == 2
    assert evaluations_to(2.1, merits) == 3
    assert evaluations_to(4.1, merits) is None


def test_missing_incumbents_reach_no_goal() -> None:
    assert evaluations_to(0.0, np.array([[np.nan, 1.0], [1.0, 1.0]])) == 2


def test_differences_are_in_errors_of_both_sides() -> None:
    one, other = np.array([4.0, 6.0]), np.array([1.0, 3.0])  # means 5 and 2, errors 1 and 1
    assert difference_in_errors(one, other) == pytest.approx(3 / 2**0.5)


def test_a_comparison_says_how_much_sooner_and_better() -> None:
    evolution = result("evolution", [0, 0, 2, 4], [0, 2, 4, 6])  # means 0, 1, 3, 5; deviation 1.41
    guided = result("guided", [0, 5, 6, 7], [0, 5, 8, 9])  # reaches 5 at 2; ends at 8
    tpe = result("tpe", [0, 1, 1, 3], [0, 1, 3, 5])  # ends at 4
    _, goal, heads, _, better, worse = comparison([evolution, guided, tpe])
    assert goal == "evolution after 4: 5.000; seed standard deviation 1.414 after 4"
    assert heads.split()[:3] == ["evaluations", "/", "4"]
    assert better.split() == ["guided", "2", "0.50", "+2.12", "+2.8"]
    assert worse.split() == ["tpe", "never", "-", "-0.71", "-"]


def test_nothing_is_compared_without_evolution() -> None:
    assert list(comparison([result("guided", [1.0, 2.0])])) == []


def test_shorter_searches_leave_columns_empty() -> None:
    short, long = result("tpe", [1.0] * 50, [1.0] * 50), result("random", [1.0] * 70, [1.0] * 70)
    lines = list(report([short, long]))
    assert lines[2].split()[-2:] == ["-", "1.5"]
    assert lines[3].split()[-4:] == ["1.000", "±", "0.000", "1.5"]


def test_written_results_come_back_rounded(tmp_path: Path) -> None:
    write_results(tmp_path / "a.json", [result("tpe", [float("nan"), 1.23456], [1.0, 2.0])])
    (back,) = read_results(tmp_path / "a.json")
    assert back.sampler == "tpe"
    assert np.isnan(back.merits[0, 0])
    assert back.merits[0, 1] == 1.2346


def test_parts_with_other_seeds_are_joined() -> None:
    (whole,) = joined([result("tpe", [1.0]), result("tpe", [2.0], first_seed=1)])
    assert whole.merits.tolist() == [[1.0], [2.0]]


def test_a_seed_cannot_count_twice() -> None:
    with pytest.raises(ValueError, match="tpe on table must have one search per seed; .* 0"):
        joined([result("tpe", [1.0]), result("tpe", [2.0])])


def test_searches_of_unequal_length_are_no_result() -> None:
    with pytest.raises(ValueError, match=r"equally long; got \[1, 2\] evaluations"):
        result("tpe", [1.0], [1.0, 2.0])
