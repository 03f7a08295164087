from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from optuna_xmcnas.training.ensemble import logit_of_mean


@pytest.mark.parametrize("n", [2, 3, 5])
def test_it_is_the_logit_of_the_mean_probability(n: int) -> None:
    logits = torch.randn(n, 4, 9, generator=torch.Generator().manual_seed(n)) * 6
    shares = (1 / (1 + np.exp(-logits.double().numpy()))).mean(0)  # slow and obvious
    expected = np.log(shares) - np.log1p(-shares)
    np.testing.assert_allclose(logit_of_mean(list(logits)), expected, rtol=1e-5, atol=1e-5)


def test_probabilities_that_round_to_the_same_stay_apart() -> None:
    high = [torch.tensor([30.0, 40.0, 90.0]), torch.tensor([35.0, 41.0, 300.0])]
    assert (torch.stack(high).sigmoid() == 1.0).all()
    assert logit_of_mean(high).diff().min() > 5
    low = [-logits for logits in high]
    torch.testing.assert_close(logit_of_mean(low), -logit_of_mean(high))


def test_one_child_keeps_its_logits_bit_by_bit() -> None:
    logits = torch.randn(3, 4)
    assert torch.equal(logit_of_mean([logits]), logits)


def test_children_that_agree_are_believed() -> None:
    logits = torch.tensor([-50.0, -1.0, 0.0, 3.0, 80.0])
    torch.testing.assert_close(logit_of_mean([logits] * 3), logits)


def test_what_is_not_a_number_stays_so() -> None:
    assert logit_of_mean([torch.tensor([math.nan]), torch.tensor([1.0])]).isnan().all()
    assert logit_of_mean([torch.tensor([-math.inf])] * 2).item() == -math.inf
