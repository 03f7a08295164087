"""The judge is PyTorch's own loss over a dense target."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
import weakref

import numpy as np
import pytest
import torch
from torch import nn
from torch import Tensor
import torch.nn.functional as F

from optuna_xmcnas.child import Head
from optuna_xmcnas.child.heads import Blocks
from optuna_xmcnas.child.heads import label_ranges
from optuna_xmcnas.training import backpropagate
from optuna_xmcnas.training import binary_cross_entropy
from optuna_xmcnas.training import SparseTargets


def _targets(dense: Tensor) -> SparseTargets:
    labels, rows = dense.T.nonzero(as_tuple=True)  # label by label
    return SparseTargets(rows, labels, labels.numpy())


def _dense(n_documents: int, n_labels: int, seed: int = 0) -> Tensor:
    rng = np.random.default_rng(seed)
    dense = torch.from_numpy((rng.random((n_documents, n_labels)) < 0.2).astype(np.float32))
    dense[0] = 0  # a document without labels
    dense[:, 1] = 0  # a label without documents
    return dense


@pytest.mark.parametrize("scale", [1.0, 40.0])  # 40: far beyond where float32 sigmoids saturate
def test_loss_and_gradient_equal_those_of_a_dense_target(scale: float) -> None:
    torch.manual_seed(0)
    dense = _dense(6, 9)
    ours = (torch.randn(6, 9) * scale).requires_grad_()
    theirs = ours.detach().clone().requires_grad_()
    targets = _targets(dense)

    loss = binary_cross_entropy(ours, targets.rows, targets.labels) / ours.numel()
    torch.autograd.backward(loss)
    expected = F.binary_cross_entropy_with_logits(theirs, dense)
    torch.autograd.backward(expected)

    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(ours.grad, theirs.grad)


def test_the_gradient_is_that_of_the_function() -> None:
    torch.manual_seed(0)
    logits = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    rows, columns = torch.tensor([0, 2]), torch.tensor([3, 1])
    # in float64: the function itself must not round to float32
    assert torch.autograd.gradcheck(
        lambda x: binary_cross_entropy(x, rows, columns), (logits,), eps=1e-6
    )


def test_bfloat16_logits_are_summed_in_float32() -> None:
    logits = torch.full((100, 100), -3.0, dtype=torch.bfloat16, requires_grad=True)
    none = torch.zeros(0, dtype=torch.int64)
    loss = binary_cross_entropy(logits, none, none)
    torch.autograd.backward(loss)
    expected = 10_000 * F.softplus(torch.tensor(-3.0))
    torch.testing.assert_close(loss, expected, rtol=1e-5, atol=0)
    assert logits.grad is not None
    assert logits.grad.dtype == torch.bfloat16


class _TwoPartHead(Head):
    """Scores from two prepared tensors and a mask, so that all kinds of sharing occur."""

    def __init__(self, width: int, n_labels: int, chunk: int, block: int = 100) -> None:
        super().__init__()
        self._block = block
        self.project = nn.Linear(width, 3)
        self.weight = nn.Parameter(torch.randn(n_labels, 3))
        self.shared = nn.Parameter(torch.ones(1))
        self._n_labels = n_labels
        self._chunk = chunk

    def prepare(self, hidden: Tensor, padding: Tensor) -> tuple[Tensor, ...]:
        summary = hidden.masked_fill(padding[:, :, None], 0).sum(1)
        return self.project(summary), summary.mean(1, keepdim=True), padding

    def score(self, prepared: tuple[Tensor, ...], start: int, stop: int) -> Tensor:
        projected, mean, _ = prepared
        return projected @ self.weight[start:stop].T * self.shared + mean

    def chunks(self) -> Iterable[tuple[int, int]]:
        starts = range(0, self._n_labels, self._chunk)
        return [(start, min(start + self._chunk, self._n_labels)) for start in starts]

    def blocks(self, prepared: tuple[Tensor, ...]) -> Blocks:
        return Blocks(3, label_ranges(prepared[0].shape[0], self._block))


@pytest.mark.parametrize("chunk", [1, 4, 11, 100])
@pytest.mark.parametrize("block", [1, 4, 6])
def test_chunk_by_chunk_gives_the_gradients_of_the_whole(chunk: int, block: int) -> None:
    torch.manual_seed(0)
    head = _TwoPartHead(width=5, n_labels=11, chunk=chunk, block=block)
    encoder = nn.Linear(4, 5)
    inputs, dense = torch.randn(6, 3, 4), _dense(6, 11)
    padding = torch.tensor([[False, False, True]] * 6)
    parameters = [*encoder.parameters(), *head.parameters()]

    logits = head.score(head.prepare(encoder(inputs), padding), 0, 11)
    expected = F.binary_cross_entropy_with_logits(logits, dense)
    gradients = torch.autograd.grad(expected, parameters)

    prepared = head.prepare(encoder(inputs), padding)
    loss = backpropagate(head, prepared, _targets(dense), nullcontext())

    torch.testing.assert_close(loss, expected.detach())
    assert not loss.requires_grad
    for parameter, gradient in zip(parameters, gradients, strict=True):
        torch.testing.assert_close(parameter.grad, gradient)


def test_one_chunk_is_in_memory_at_a_time() -> None:
    head = _TwoPartHead(width=5, n_labels=11, chunk=2)
    alive: list[weakref.ref[Tensor]] = []

    def watch(prepared: tuple[Tensor, ...], start: int, stop: int) -> Tensor:
        assert all(reference() is None for reference in alive)
        logits = _TwoPartHead.score(head, prepared, start, stop)
        alive.append(weakref.ref(logits))
        return logits

    head.score = watch  # type: ignore[method-assign]
    inputs = torch.randn(6, 3, 5, requires_grad=True)
    prepared = head.prepare(inputs, torch.zeros(6, 3, dtype=torch.bool))
    backpropagate(head, prepared, _targets(_dense(6, 11)), nullcontext())
    assert len(alive) == 6


def test_many_chunks_in_bfloat16_lose_no_gradient() -> None:
    n_labels = 2_000
    head = _TwoPartHead(width=5, n_labels=n_labels, chunk=1)
    with torch.no_grad():  # every chunk sends the same small gradient backwards
        head.weight.fill_(1.0)
        head.project.weight.fill_(0.1)
    inputs = torch.ones(4, 3, 5)
    padding = torch.zeros(4, 3, dtype=torch.bool)
    dense = torch.zeros(4, n_labels)
    gradients = []
    for precision in (nullcontext(), torch.autocast("cpu", torch.bfloat16)):
        head.zero_grad()
        with precision:
            prepared = head.prepare(inputs, padding)
        backpropagate(head, prepared, _targets(dense), precision)
        assert head.project.weight.grad is not None
        gradients.append(head.project.weight.grad.clone())
    torch.testing.assert_close(gradients[1], gradients[0], rtol=0.02, atol=0)
