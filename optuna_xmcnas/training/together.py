"""What makes the work of several processes one training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from safetensors.torch import load
from safetensors.torch import save
import torch
from torch import Tensor

from optuna_xmcnas.training.resume import Progress


if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import nn
    from torch.nn import Parameter

    from optuna_xmcnas.training.parallel import ProcessGroup
    from optuna_xmcnas.training.snapshot import Snapshot


def share_of(
    documents: npt.NDArray[np.int64], group: ProcessGroup, rank: int | None = None
) -> npt.NDArray[np.int64]:
    """Return the part of a process; of documents in the order of their lengths, some of each.

    Args:
        documents: Row numbers.
        group: The processes.
        rank: Which one; None: this one.

    Example:
        >>> from optuna_xmcnas.training.parallel import ALONE
        >>> share_of(np.array([4, 2, 7]), ALONE)
        array([4, 2, 7])
    """
    return documents[group.rank if rank is None else rank :: group.size]


def sum_gradients(weights: Sequence[Parameter], loss: Tensor, group: ProcessGroup) -> Tensor:
    """Give each weight the sum of its gradients over the processes, and return that of the loss.

    One message for all of them, after the whole backward pass: chunks of labels send several
    gradients through one weight, so they cannot be sent as they come.

    Args:
        weights: The same in all processes; one without a gradient counts as one of zero.
        loss: This process's part of the loss.
        group: The processes.
    """
    if group.size == 1:
        return loss
    parts = [torch.zeros_like(w) if w.grad is None else w.grad for w in weights]
    flat = torch.cat([part.reshape(-1) for part in (*parts, loss)])
    group.add_up(flat)
    *sums, total = torch.split(flat, [part.numel() for part in (*parts, loss)])
    for weight, found in zip(weights, sums, strict=True):
        # in the memory layout of the weight, as the fused step expects it
        weight.grad = torch.empty_like(weight).copy_(found.view_as(weight))
    return total.view_as(loss)


def begin_together(
    progress: Progress | None, snapshot: Snapshot, seed: int, group: ProcessGroup
) -> Progress | None:
    """Give all processes the beginning of the first one, but random numbers of their own.

    Args:
        progress: Where the first process goes on from; None if it begins.
        snapshot: The training of this process, which has not begun.
        seed: That of the training.
        group: The processes.

    Returns:
        The progress of the first process.
    """
    if group.size == 1:
        return progress
    said, content = b"", b""
    if group.rank == 0:
        said = b"" if progress is None else progress.to_json().encode()
        content = save(snapshot.take())
    said, content = group.from_first(said), group.from_first(content)
    if group.rank == 0:
        return progress
    progress = Progress.from_json(said.decode()) if said else None
    n_steps = 0 if progress is None else progress.step
    snapshot.put(load(content), n_steps)
    snapshot.seed(seed_of(seed, group.rank, n_steps))
    return progress


def end_together(child: nn.Module, group: ProcessGroup) -> None:
    """Give all processes the weights of the first one."""
    if group.size == 1:
        return
    content = b""
    if group.rank == 0:
        # copied also on the CPU: parts of a child may share memory, which a file cannot say
        copies = {n: t.to("cpu", copy=True) for n, t in child.state_dict().items()}
        content = save({name: tensor.contiguous() for name, tensor in copies.items()})
    content = group.from_first(content)
    if group.rank > 0:
        child.load_state_dict(load(content))


def seed_of(seed: int, rank: int, n_steps: int) -> int:
    """Return the seed of a process that is not the first; that of the first is the training's.

    Example:
        >>> len({seed_of(seed, rank, 0) for seed in range(3) for rank in (1, 2)})
        6
    """
    return int(np.random.SeedSequence((seed, rank, n_steps)).generate_state(1, np.uint64)[0])
