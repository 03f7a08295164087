"""Children like those that failed are less likely to have a result."""

from __future__ import annotations

import numpy as np
import pytest

from optuna_xmcnas.guides.feasibility import Feasibility


LINE = np.arange(0.0, 40.0, 2.0)[:, None]


def test_nothing_has_failed_so_everything_will_be_well() -> None:
    assert Feasibility(LINE, [])(LINE).tolist() == [1.0] * len(LINE)


def test_the_share_rises_with_the_distance_from_a_failure() -> None:
    share = Feasibility(np.zeros((0, 1)), [np.zeros(1, dtype=np.float32)])(LINE)
    assert share[0] == pytest.approx(0.5)
    assert (np.diff(share) >= 0).all()
    assert share[2] > share[1] > share[0]
    assert share[-1] == pytest.approx(1)


def test_more_failures_weigh_more() -> None:
    shares = [Feasibility(LINE, [np.zeros(1)] * n)(np.zeros((1, 1)))[0] for n in (1, 2, 10)]
    assert 1 > shares[0] > shares[1] > shares[2] > 0


def test_children_that_were_well_speak_for_their_neighbours() -> None:
    failed, here = [np.zeros(1)], np.array([[1.0]])
    alone = Feasibility(np.array([[30.0]]), failed)(here)[0]
    beside = Feasibility(np.array([[2.0], [1.0]]), failed)(here)[0]
    assert beside > alone
