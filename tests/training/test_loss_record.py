from __future__ import annotations

import math

import pytest
import torch

from optuna_xmcnas.exceptions import NonFiniteLossError
from optuna_xmcnas.training.loss_record import LossRecord


def _record(losses: list[float]) -> LossRecord:
    record = LossRecord(torch.device("cpu"))
    for loss in losses:
        record.add(torch.tensor(loss))
    return record


def test_the_mean_is_that_of_the_steps_since_the_last_one() -> None:
    record = _record([float(i) for i in range(120)])
    assert record.mean() == pytest.approx(59.5)
    record.add(torch.tensor(7.0))
    assert record.mean() == 7.0


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("step", [1, 37, 50, 51])
def test_the_first_step_without_a_finite_loss_is_named(step: int, bad: float) -> None:
    losses = [*[1.0] * (step - 1), bad, *[math.nan] * 60]
    with pytest.raises(NonFiniteLossError, match=rf"became {bad} at step {step};"):
        _record(losses)


def test_the_step_counts_from_the_beginning_of_the_training() -> None:
    record = _record([1.0] * 70)
    record.mean()
    record.add(torch.tensor(math.nan))
    with pytest.raises(NonFiniteLossError, match="at step 71"):
        record.mean()


@pytest.mark.parametrize("n_before", [0, 3, 50, 70])
def test_another_record_goes_on_where_one_ended(n_before: int) -> None:
    losses = [float(i) for i in range(n_before)]
    second = _record([])
    second.go_on(n_before, _record(losses).unreported())
    second.add(torch.tensor(7.0))
    assert second.mean() == _record([*losses, 7.0]).mean()
    second.add(torch.tensor(math.nan))
    with pytest.raises(NonFiniteLossError, match=f"at step {n_before + 2};"):
        second.unreported()
