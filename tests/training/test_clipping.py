from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from collections.abc import Sequence
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from optuna_xmcnas.training import TrainingConfig
from optuna_xmcnas.training.clipping import Clipping
from optuna_xmcnas.training.clipping import make_clipping


def _clipping(*sizes: int, **settings: Any) -> tuple[list[nn.Parameter], Clipping]:
    weights = [nn.Parameter(torch.zeros(size)) for size in sizes]
    return weights, make_clipping(weights, TrainingConfig(clipping="adaptive", **settings))


def _norms_after(norms: Sequence[float], factor: float) -> list[float]:
    """Slow and obvious: AttentionXML's rule, with a queue that begins with one infinity."""
    queue = deque([math.inf], maxlen=5)
    after = []
    for norm in norms:
        largest = max(queue)
        after.append(min(norm, factor * largest))
        queue.append(min(norm, 2.0 * largest, 1.0))
    return after


@pytest.mark.parametrize("factor", [5.0, 1.0])
@pytest.mark.parametrize("scale", [0.01, 0.3, 4.0])
def test_adaptive_clipping_is_that_of_attentionxml(factor: float, scale: float) -> None:
    rng = np.random.default_rng(0)
    norms = scale * np.exp(rng.normal(size=60) * 2)  # some wild steps among tame ones
    weights, clipping = _clipping(3, 5, clip_norm=factor)
    found = []
    for norm in norms.tolist():
        direction = torch.from_numpy(rng.normal(size=8).astype(np.float32))
        direction *= norm / direction.norm()
        weights[0].grad, weights[1].grad = direction[:3].clone(), direction[3:].clone()
        clipping.clip()
        whole = torch.cat([weights[0].grad, weights[1].grad])
        found.append(whole.norm().item())
        torch.testing.assert_close(whole / found[-1], direction / direction.norm())
    expected = _norms_after(norms.tolist(), factor)
    assert any(limit < norm for limit, norm in zip(expected, norms, strict=True))
    np.testing.assert_allclose(found, expected, rtol=2e-5)


def test_gradients_of_zero_stay_zero() -> None:
    weights, clipping = _clipping(2)
    for _ in range(9):
        weights[0].grad = torch.zeros(2)
        clipping.clip()
        assert weights[0].grad.tolist() == [0.0, 0.0]


def test_weights_without_a_gradient_are_left_out() -> None:
    weights, clipping = _clipping(2, 2)
    clipping.clip()
    weights[0].grad = torch.tensor([3.0, 4.0])
    clipping.clip()
    assert weights[0].grad.tolist() == [3.0, 4.0]
    assert clipping.state()["norms"].tolist() == [math.inf] * 4 + [1.0]


def test_it_goes_on_from_the_state_of_another() -> None:
    (weight,), clipping = _clipping(1)
    (other,), goes_on = _clipping(1)
    for norm in (0.1, 0.2, 0.05, 0.1, 0.3, 0.1, 7.0):
        weight.grad = torch.tensor([norm])
        clipping.clip()
    goes_on.replace({name: tensor.clone() for name, tensor in clipping.state().items()})
    for norm in (9.0, 9.0, 9.0):
        weight.grad, other.grad = torch.tensor([norm]), torch.tensor([norm])
        clipping.clip()
        goes_on.clip()
        assert torch.equal(weight.grad, other.grad)
        assert weight.grad.item() < norm


def test_constant_clipping_has_nothing_to_remember() -> None:
    weight = nn.Parameter(torch.zeros(1))
    clipping = make_clipping([weight], TrainingConfig(clip_norm=2.0))
    weight.grad = torch.tensor([8.0])
    clipping.clip()
    assert weight.grad.item() == pytest.approx(2.0)
    assert clipping.state() == {}


class _Waits(TorchDispatchMode):  # type: ignore[no-untyped-call]  # PyTorch's
    """Counts how often the host asks for a number that the device computed."""

    n = 0

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        self.n += func is torch.ops.aten._local_scalar_dense.default
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", ["constant", "adaptive"])
def test_the_host_does_not_wait_for_the_device(name: str) -> None:
    weight = nn.Parameter(torch.zeros(3))
    clipping = make_clipping([weight], TrainingConfig(clipping=name))  # type: ignore[arg-type]  # one of them
    weight.grad = torch.ones(3)
    with _Waits() as waits:  # type: ignore[no-untyped-call]  # PyTorch's
        clipping.clip()
        assert waits.n == 0
        weight.grad.sum().item()
        assert waits.n == 1  # else the test shows nothing
