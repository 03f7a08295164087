"""The population is a queue of the trials finished last; the best of a random sample breeds."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from datetime import timedelta
from itertools import permutations
from math import inf

import numpy as np
from optuna.study import StudyDirection
import pytest

from optuna_xmcnas.samplers.population import Member
from optuna_xmcnas.samplers.population import tournament
from optuna_xmcnas.samplers.population import youngest


MINIMIZE, MAXIMIZE = StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE
NOON = datetime(2024, 1, 1, 12)


def member(
    number: int,
    *,
    age: int | None = None,
    minute: int | None = None,
    values: tuple[float, ...] = (0.0,),
) -> Member:
    completed = None if minute is None else NOON + timedelta(minutes=minute)
    return Member(
        number=number, age=age, completed=completed, values=values, params={}, distributions={}
    )


def numbers(members: list[Member]) -> list[int]:
    return [m.number for m in members]


def test_the_logical_clock_decides_whatever_the_wall_clocks_say() -> None:
    members = [
        member(0, age=3, minute=-600),
        member(1, age=1, minute=600),
        member(2, age=2, minute=0),
    ]
    for order in permutations(members):
        assert numbers(youngest(order, 3)) == [1, 2, 0]
        assert numbers(youngest(order, 2)) == [2, 0]


def test_ties_go_by_number() -> None:
    members = [member(2, age=1), member(0, age=1), member(1, age=2)]
    for order in permutations(members):
        assert numbers(youngest(order, 9)) == [0, 2, 1]


def test_members_without_a_reading_stand_where_the_wall_clock_puts_them() -> None:
    members = [
        member(0, age=1, minute=10),
        member(1, age=2, minute=20),
        member(2, minute=5),  # before everything
        member(3, minute=15),
        member(4, minute=12),
        member(5, minute=20),  # when 1 was completed: after it
        member(6),  # nothing is known
    ]
    for order in permutations(members):
        assert numbers(youngest(order, 9)) == [6, 2, 0, 4, 3, 1, 5]


def test_a_member_without_a_reading_follows_the_largest_reading_before_it() -> None:
    # The wall clock of 0 was fast; 1 saw it finish nevertheless.
    members = [member(0, age=1, minute=30), member(1, age=2, minute=10), member(2, minute=20)]
    assert numbers(youngest(members, 9)) == [0, 1, 2]


def test_without_any_reading_the_wall_clock_decides() -> None:
    members = [member(0, minute=3), member(1, minute=1), member(2, minute=2), member(3, minute=2)]
    assert numbers(youngest(members, 3)) == [2, 3, 0]


def test_one_after_another_is_as_good_as_all_at_once() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        ages = rng.integers(10, size=int(rng.integers(1, 15))).tolist()
        members = [member(number, age=age) for number, age in enumerate(ages)]
        size = int(rng.integers(1, 6))
        kept: list[Member] = []
        for i in rng.permutation(len(members)):
            kept = youngest([*kept, members[i]], size)
        assert kept == youngest(members, size)


def test_an_empty_study_has_no_population() -> None:
    assert youngest([], 5) == []


def test_the_winner_is_the_best_of_the_sample_drawn() -> None:
    data = np.random.default_rng(0)
    for seed in range(200):
        values = data.integers(5, size=8)  # with ties
        population = [member(n, values=(float(v),)) for n, v in enumerate(values)]
        for direction in (MINIMIZE, MAXIMIZE):
            sample_size = seed % 8 + 1
            winner = tournament(population, sample_size, [direction], np.random.default_rng(seed))
            drawn = np.random.default_rng(seed).integers(8, size=sample_size)
            best = min(values[drawn]) if direction == MINIMIZE else max(values[drawn])
            first = next(int(i) for i in drawn if values[i] == best)
            assert winner.number == first


def test_draws_are_with_replacement() -> None:
    # With replacement the best of 4 is missed by a sample of 4 in (3/4)^4 = 32 % of the cases.
    population = [member(n, values=(float(n),)) for n in range(4)]
    rng = np.random.default_rng(0)
    winners = Counter(tournament(population, 4, [MINIMIZE], rng).number for _ in range(2000))
    assert abs(winners[0] / 2000 - (1 - 0.75**4)) < 4 * 0.0105  # four deviations


def test_a_sample_of_one_is_a_random_walk() -> None:
    population = [member(n, values=(float(n),)) for n in range(4)]
    rng = np.random.default_rng(0)
    winners = Counter(tournament(population, 1, [MAXIMIZE], rng).number for _ in range(2000))
    assert all(abs(count - 500) < 4 * 19.4 for count in winners.values())


@pytest.mark.parametrize("direction", [MINIMIZE, MAXIMIZE])
def test_infinite_values_compete(direction: StudyDirection) -> None:
    population = [member(n, values=(v,)) for n, v in enumerate((0.0, inf, -inf))]
    rng = np.random.default_rng(0)
    winners = [tournament(population, 60, [direction], rng).values[0] for _ in range(5)]
    assert set(winners) == ({-inf} if direction == MINIMIZE else {inf})


def test_with_several_objectives_a_member_of_the_first_front_wins() -> None:
    data = np.random.default_rng(0)
    directions = [MINIMIZE, MAXIMIZE, MINIMIZE]
    for seed in range(200):
        values = data.integers(3, size=(8, 3)).astype(float)
        population = [member(n, values=tuple(v)) for n, v in enumerate(values.tolist())]
        winner = tournament(population, 5, directions, np.random.default_rng(seed))
        drawn = np.random.default_rng(seed).integers(8, size=5)
        losses = values[drawn] * np.array([1, -1, 1])
        front = [
            int(i)
            for i, loss in zip(drawn, losses, strict=True)
            if not any((loss >= other).all() and (loss > other).any() for other in losses)
        ]
        assert winner.number == front[0]


def test_two_objectives_are_not_added_up() -> None:
    # The last one has the best sum, and nobody dominates anybody: all of them can breed.
    population = [
        member(0, values=(0.0, 9.0)),
        member(1, values=(9.0, 0.0)),
        member(2, values=(1.0, 1.0)),
    ]
    rng = np.random.default_rng(0)
    winners = Counter(
        tournament(population, 3, [MINIMIZE, MINIMIZE], rng).number for _ in range(600)
    )
    assert all(abs(winners[n] - 200) < 4 * 11.6 for n in range(3))
