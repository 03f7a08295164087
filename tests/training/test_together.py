from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch import Tensor

from optuna_xmcnas.training import ALONE
from optuna_xmcnas.training import ProcessGroup
from optuna_xmcnas.training.together import seed_of
from optuna_xmcnas.training.together import share_of
from optuna_xmcnas.training.together import sum_gradients


class Twin(ProcessGroup):
    """Two processes that do the same."""

    n_messages = 0

    @property
    def rank(self) -> int:
        return 1

    @property
    def size(self) -> int:
        return 2

    def add_up(self, tensor: Tensor) -> None:
        self.n_messages += 1
        tensor *= 2

    def is_any(self, is_it: bool) -> bool:
        return is_it

    def gather(self, content: bytes) -> list[bytes]:
        return [content, content]

    def from_first(self, content: bytes) -> bytes:
        return content


def test_each_document_is_in_one_part() -> None:
    documents = np.arange(7) * 10
    parts = [share_of(documents, Twin(), rank) for rank in (0, 1)]
    assert sorted(np.concatenate(parts).tolist()) == documents.tolist()
    assert [len(part) for part in parts] == [4, 3]
    assert share_of(documents, Twin()).tolist() == parts[1].tolist()
    assert len(share_of(documents[:1], Twin())) == 0


def test_gradients_and_loss_are_summed_in_one_message() -> None:
    weights = [nn.Parameter(torch.zeros(size)) for size in ((2, 3), (4,), ())]
    weights[0].grad = torch.arange(6.0).view(2, 3)
    weights[2].grad = torch.tensor(5.0)
    twin = Twin()
    loss = sum_gradients(weights, torch.tensor(0.25), twin)
    assert (loss.item(), loss.shape, twin.n_messages) == (0.5, (), 1)
    gradients = [weight.grad for weight in weights]
    expected = [2 * torch.arange(6.0).view(2, 3), torch.zeros(4), torch.tensor(10.0)]
    torch.testing.assert_close(gradients, expected)


def test_a_gradient_lies_in_memory_as_its_weight_does() -> None:
    weight = nn.Parameter(torch.zeros(3, 2).t())
    weight.grad = torch.ones(2, 3)
    sum_gradients([weight], torch.tensor(0.0), Twin())
    assert weight.grad.stride() == weight.stride() == (1, 2)


def test_one_process_sums_nothing() -> None:
    weight, loss = nn.Parameter(torch.zeros(2)), torch.tensor(1.0)
    weight.grad = gradient = torch.ones(2)
    assert sum_gradients([weight], loss, ALONE) is loss
    assert weight.grad is gradient


def test_processes_draw_different_numbers_and_others_after_an_interruption() -> None:
    seeds = {seed_of(seed, rank, step) for seed in (0, 1) for rank in (1, 2) for step in (0, 9)}
    assert len(seeds) == 8
    for seed in seeds:
        torch.Generator().manual_seed(seed)  # of a size that PyTorch takes
