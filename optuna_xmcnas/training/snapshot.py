"""The tensors of a training under way: taken out of it, and put back into a new one."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from optuna_xmcnas.exceptions import CheckpointError


if TYPE_CHECKING:
    from torch import nn

    from optuna_xmcnas.training.averaging import WeightAverage
    from optuna_xmcnas.training.clipping import Clipping
    from optuna_xmcnas.training.loss_record import LossRecord
    from optuna_xmcnas.training.weights import BestWeights


_ADAM = ("step", "exp_avg", "exp_avg_sq")  # what torch.optim.Adam keeps of each parameter
_AVERAGE_COUNT = "average.count:"
_COPIES = ("weights", "best")  # groups with a tensor for each one of the child
_FLOATS_PER_WEIGHT = 4  # the weight, its best value, Adam's two moments; and perhaps its mean
_BESIDES = 2**20  # bytes: header, random state, losses


def snapshot_bytes(n_parameters: int, *, is_averaged: bool = False) -> int:
    """Return about how many bytes the snapshot of a training takes.

    Args:
        n_parameters: See `ChildNetwork.n_parameters`.
        is_averaged: Whether the weights are averaged; see `TrainingConfig`.

    Example:
        >>> snapshot_bytes(1_000_000)
        17048576
    """
    return n_parameters * (_FLOATS_PER_WEIGHT + is_averaged) * 4 + _BESIDES


@final
@dataclass(frozen=True, eq=False)
class Snapshot:
    """What of a training under way is made of tensors, and changes from step to step.

    A name is that of a group and of the tensor in it: ``weights:head.output.weight``.

    Attributes:
        child: The network.
        optimizer: Adam over its trained parameters, in their order.
        best_weights: Its best version so far.
        average: The mean of its weights.
        clipping: How gradients are clipped.
        losses: Those of the steps.
        device: Where the child is.
    """

    child: nn.Module
    optimizer: torch.optim.Adam
    best_weights: BestWeights
    average: WeightAverage
    clipping: Clipping
    losses: LossRecord
    device: torch.device

    def take(self) -> dict[str, Tensor]:
        """Return copies on the CPU.

        Raises:
            NonFiniteLossError: If a loss so far was infinite or not a number.
        """
        tensors = {
            "losses:unreported": torch.tensor(self.losses.unreported(), dtype=torch.float64),
            "random:cpu": torch.get_rng_state(),
        }
        if self.device.type == "cuda":
            tensors["random:cuda"] = torch.cuda.get_rng_state(self.device)
        for name, tensor in self.child.state_dict().items():
            # copied also on the CPU: parts of a child may share memory, which a file cannot say
            tensors[f"weights:{name}"] = tensor.detach().to("cpu", copy=True)
        for name, tensor in self.best_weights.kept.items():
            tensors[f"best:{name}"] = tensor
        for name, tensor in self.average.mean.items():
            tensors[f"average:{name}"] = tensor.cpu()
        if self.average.count:
            tensors[_AVERAGE_COUNT] = torch.tensor(self.average.count)
        for name, tensor in self.clipping.state().items():
            tensors[f"clipping:{name}"] = tensor.cpu()
        for name, parameter in self._trained():
            for key, tensor in self.optimizer.state.get(parameter, {}).items():
                tensors[f"adam.{key}:{name}"] = tensor.cpu()
        return {name: tensor.contiguous() for name, tensor in tensors.items()}

    def put(self, tensors: Mapping[str, Tensor], n_steps: int) -> None:
        """Set a training that has not begun to where another one was.

        Args:
            tensors: What `take` of that one returned.
            n_steps: How many steps it had taken.

        Raises:
            CheckpointError: If they do not fit; nothing is changed then.
        """
        self._check(tensors)
        self.child.load_state_dict(_group(tensors, "weights"))
        if best := _group(tensors, "best"):
            self.best_weights.replace(best)
        if mean := _group(tensors, "average"):
            self.average.replace(mean, int(tensors[_AVERAGE_COUNT]))
        self.clipping.replace(_group(tensors, "clipping"))
        self._put_adam(tensors)
        self.losses.go_on(n_steps, tensors["losses:unreported"].tolist())
        torch.set_rng_state(tensors["random:cpu"])
        # a training that began on the CPU draws its first numbers on CUDA as a new one would
        if self.device.type == "cuda" and "random:cuda" in tensors:
            torch.cuda.set_rng_state(tensors["random:cuda"], self.device)

    def seed(self, seed: int) -> None:
        """Draw the random numbers of what follows anew."""
        torch.default_generator.manual_seed(seed)
        if self.device.type == "cuda":
            with torch.cuda.device(self.device):
                torch.cuda.manual_seed(seed)

    def _put_adam(self, tensors: Mapping[str, Tensor]) -> None:
        state: dict[int, dict[str, Tensor]] = {}
        for index, (name, parameter) in enumerate(self._trained()):
            if f"adam.step:{name}" in tensors:  # else it never had a gradient
                step, *moments = (tensors[f"adam.{key}:{name}"] for key in _ADAM)
                # in the memory layout of the parameter, as the fused step expects them
                like = (torch.empty_like(parameter).copy_(moment) for moment in moments)
                state[index] = dict(zip(_ADAM, (step.clone(), *like), strict=True))
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state, "param_groups": groups})

    def _trained(self) -> Iterator[tuple[str, Tensor]]:
        return ((name, p) for name, p in self.child.named_parameters() if p.requires_grad)

    def _check(self, tensors: Mapping[str, Tensor]) -> None:
        expected = self._expected()
        groups = ["weights:", "random:cpu", "clipping:"]
        if any(name.startswith("average") for name in tensors):  # else nothing had entered it
            groups.append("average")
        needed = {name for name in expected if name.startswith(tuple(groups))}
        wrong = [
            f"{name}: {_kind(tensors.get(name))} in the file, {_kind(expected.get(name))} expected"
            for name in sorted(needed.union(tensors).difference(["losses:unreported"]))
            if _kind(tensors.get(name)) != _kind(expected.get(name))
        ]
        if wrong or "losses:unreported" not in tensors:
            raise CheckpointError(f"it does not fit the child: {'; '.join(wrong) or 'no losses'}.")

    def _expected(self) -> dict[str, Tensor]:
        """Return a tensor of the right kind for each name that can be, but for the losses."""
        state = self.child.state_dict()
        of_cuda = torch.empty(16, dtype=torch.uint8)  # seed and offset, eight bytes each
        expected = {"random:cpu": torch.get_rng_state(), "random:cuda": of_cuda}
        expected |= {f"{group}:{name}": t for name, t in state.items() for group in _COPIES}
        for name, parameter in self._trained():
            expected |= {f"adam.{key}:{name}": parameter for key in _ADAM[1:]}
            expected[f"adam.step:{name}"] = torch.zeros(())
            expected[f"average:{name}"] = parameter
        expected[_AVERAGE_COUNT] = torch.zeros((), dtype=torch.int64)
        expected |= {f"clipping:{name}": t for name, t in self.clipping.state().items()}
        return expected


def _group(tensors: Mapping[str, Tensor], group: str) -> dict[str, Tensor]:
    prefix = f"{group}:"
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }


def _kind(tensor: Tensor | None) -> str:
    return "nothing" if tensor is None else f"{tensor.dtype} {tuple(tensor.shape)}"
