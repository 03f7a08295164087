from __future__ import annotations

import numpy as np
import pytest

from optuna_xmcnas.data.splits import sample_rows
from optuna_xmcnas.data.splits import split_rows


def test_sampled_rows_are_different_rising_and_in_range() -> None:
    rows = sample_rows(50, 20, np.random.default_rng(0)).tolist()
    assert rows == sorted(set(rows))
    assert len(rows) == 20
    assert 0 <= rows[0] <= rows[-1] < 50


@pytest.mark.parametrize("size", [None, 5, 6])
def test_all_rows_are_taken_if_there_are_too_few(size: int | None) -> None:
    assert sample_rows(5, size, np.random.default_rng(0)).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("n_held_out", [0, 7, 30])
def test_split_rows_share_nothing_and_lose_nothing(n_held_out: int) -> None:
    kept, held_out = split_rows(30, n_held_out, np.random.default_rng(0))
    assert len(held_out) == n_held_out
    assert sorted([*kept.tolist(), *held_out.tolist()]) == list(range(30))


def test_rows_depend_on_the_seed_alone() -> None:
    first, second, other = (
        sample_rows(50, 20, np.random.default_rng(seed)).tolist() for seed in (1, 1, 2)
    )
    assert first == second != other


def test_more_than_all_cannot_be_held_out() -> None:
    with pytest.raises(ValueError, match="cannot hold out 6 of 5"):
        split_rows(5, 6, np.random.default_rng(0))
