from __future__ import annotations

import pytest
import torch

from optuna_xmcnas.child import dropout
from optuna_xmcnas.child.dropout import Dropout


@pytest.mark.parametrize("share", [0.1, 0.5, 0.75])
def test_a_share_of_the_values_is_lost_and_the_mean_kept(share: float) -> None:
    torch.manual_seed(0)
    found = Dropout(share)(torch.ones(1000, 1001))  # not a multiple of four
    assert (found == 0).float().mean().item() == pytest.approx(share, abs=0.002)
    assert found.mean().item() == pytest.approx(1.0, abs=0.005)
    assert found.unique().numel() == 2


def test_values_are_lost_independently() -> None:
    torch.manual_seed(0)
    lost = (Dropout(0.5)(torch.ones(100_000, 4)) == 0).float()
    torch.testing.assert_close(torch.corrcoef(lost.T), torch.eye(4), atol=0.02, rtol=0)
    after_each_other = torch.corrcoef(torch.stack([lost[:-1, 0], lost[1:, 0]]))[0, 1].item()
    assert abs(after_each_other) < 0.02


def test_every_lot_is_drawn() -> None:
    torch.manual_seed(0)
    counts = (dropout._lots(2**22).long() + 2**15).bincount(minlength=2**16)  # 64 expected
    assert counts.shape == (2**16,)
    assert counts.min() > 20
    assert counts.max() < 120


def test_the_gradient_is_that_of_the_kept_values() -> None:
    values = torch.randn(3, 5, 7, requires_grad=True)
    found = Dropout(0.5)(values)
    (gradient,) = torch.autograd.grad(found.sum(), [values])
    torch.testing.assert_close(gradient, torch.where(found == 0, 0.0, 2.0))


def test_nothing_is_lost_in_evaluation_or_without_a_share() -> None:
    values = torch.randn(3, 5)
    assert Dropout(0.5).eval()(values) is values
    assert Dropout(0.0)(values) is values


def test_a_share_near_one_leaves_finite_values() -> None:
    torch.manual_seed(0)
    assert Dropout(1 - 1e-12)(torch.ones(2**20)).isfinite().all()


def test_the_seed_decides() -> None:
    found = []
    for _ in range(2):
        torch.manual_seed(5)
        found.append(Dropout(0.5)(torch.ones(100)))
    assert found[0].equal(found[1])
    assert not Dropout(0.5)(torch.ones(100)).equal(found[0])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_the_type_of_the_values_stays(dtype: torch.dtype) -> None:
    assert Dropout(0.5)(torch.ones(9, dtype=dtype)).dtype == dtype
