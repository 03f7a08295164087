"""Members of a family tree do not stand in each other's way."""

from __future__ import annotations

from itertools import combinations
import random

import pytest

from optuna_xmcnas.analysis.lanes import lanes_of


def _tree(n: int, seed: int) -> dict[int, int | None]:
    rng = random.Random(seed)
    parents: dict[int, int | None] = {}
    for number in range(n):
        parents[number] = None if number < 5 else rng.randrange(max(0, number - 20), number)
    return parents


def _crosses(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    """Return whether two straight lines (x1, y1, x2, y2) meet between their ends."""

    def side(p: tuple[int, int], q: tuple[int, int], r: tuple[int, int]) -> int:
        turn = (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])
        return (turn > 0) - (turn < 0)

    p, q, r, s = (a[0], a[1]), (a[2], a[3]), (b[0], b[1]), (b[2], b[3])
    return side(p, q, r) * side(p, q, s) < 0 and side(r, s, p) * side(r, s, q) < 0


@pytest.mark.parametrize("seed", range(5))
def test_few_lines_cross(seed: int) -> None:
    parents = _tree(100, seed)
    lanes = lanes_of(parents, [])
    lines = [
        (parent, lanes[parent], number, lanes[number])
        for number, parent in parents.items()
        if parent is not None
    ]
    n_crossings = sum(_crosses(a, b) for a, b in combinations(lines, 2))
    by_chance = random.Random(seed)
    shuffled = {number: by_chance.choice(list(lanes.values())) for number in lanes}
    careless = [(a, shuffled[a], b, shuffled[b]) for a, _, b, _ in lines]
    assert n_crossings * 10 < sum(_crosses(a, b) for a, b in combinations(careless, 2))


@pytest.mark.parametrize("seed", range(5))
def test_nobody_stands_on_a_line_of_others_in_the_same_lane(seed: int) -> None:
    parents = _tree(100, seed)
    lanes = lanes_of(parents, [])
    for number, parent in parents.items():
        if parent is None or lanes[parent] != lanes[number]:
            continue
        between = range(parent + 1, number)
        assert all(lanes[other] != lanes[number] for other in between)


def test_line_keeps_one_lane() -> None:
    parents = {0: None, 1: 0, 2: 1, 3: 0, 4: 3, 5: 4, 6: 2}
    lanes = lanes_of(parents, [0, 1, 2])
    assert lanes[0] == lanes[1] == lanes[2]
    assert lanes[3] == lanes[4] == lanes[5] != lanes[0]


def test_lanes_begin_at_zero() -> None:
    lanes = lanes_of(_tree(60, 1), [])
    assert min(lanes.values()) == 0
    assert set(lanes) == set(range(60))


def test_deep_trees_have_lanes() -> None:
    parents = {number: number - 1 if number else None for number in range(2000)}
    assert set(lanes_of(parents, []).values()) == {0}
