"""Training of one child: from random weights to the best it had on the validation split."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from optuna_xmcnas.exceptions import ChildOutOfMemoryError
from optuna_xmcnas.exceptions import StorageError
from optuna_xmcnas.exceptions import XmcNasError
from optuna_xmcnas.training.device import resolve_device
from optuna_xmcnas.training.memory import is_out_of_memory
from optuna_xmcnas.training.parallel import ALONE
from optuna_xmcnas.training.resume import TrainingFile
from optuna_xmcnas.training.run import Run


if TYPE_CHECKING:
    from optuna_xmcnas.child import ChildNetwork
    from optuna_xmcnas.data import XmcDataset
    from optuna_xmcnas.training.config import TrainingConfig
    from optuna_xmcnas.training.evaluation import Evaluation
    from optuna_xmcnas.training.parallel import ProcessGroup
    from optuna_xmcnas.training.resume import TrainingCheckpoint
    from optuna_xmcnas.training.run import TrainingResult


def fit(
    child: ChildNetwork,
    data: XmcDataset,
    config: TrainingConfig,
    *,
    on_evaluation: Callable[[Evaluation], None] | None = None,
    checkpoint: TrainingCheckpoint | None = None,
    should_stop: Callable[[], bool] | None = None,
    group: ProcessGroup = ALONE,
) -> TrainingResult:
    """Train a child in place and leave it with its best weights, in evaluation mode.

    The same child, data, configuration, device and number of threads give the same weights, on
    the CPU also if the training was interrupted and went on from its checkpoint; the random
    generators of the caller are not touched.

    Args:
        child: The network; it is moved to the device.
        data: Its train split is learnt, its validation split selects.
        config: How.
        on_evaluation: Called after each evaluation. What it raises (``optuna.TrialPruned``, say)
            ends the training and reaches the caller; the child then keeps its present weights.
        checkpoint: Where the training under way is written, now and then and when it is told to
            stop. If the file is of this very training, it goes on from there, on whatever device
            and in whatever precision; any other file is named in a warning and written over. It
            is still there at the end: delete it with `remove_checkpoint` once the result is safe.
        should_stop: Asked before each step and each evaluation, so it must be quick.
        group: The processes that train the child together; see `launched_group`. Each of them
            calls this function with the same arguments and learns its part of every batch, so
            `TrainingConfig.batch_size` is that of all together. All begin with the weights of the
            first one, which alone reads and writes the checkpoint, and end with the same weights.
            If one of them is told to stop, all do. After any other error in one of them the
            others wait for it until they are ended, as a launcher does.

    Raises:
        ChildInterruptedError: If ``should_stop`` said so.
        NonFiniteLossError: If the loss becomes infinite or not a number; it names the step.
        ChildOutOfMemoryError: If the child does not fit into memory; it names the sizes.
        ValueError: If child and data do not fit, or a split is empty; or if all processes of a
            group are sent to one CUDA device.
    """
    _check(child, data)
    _check_group(config, group)
    device = resolve_device(config.device)
    shortage: str
    run: Run | None = None
    try:
        with _seeded(config.seed, device):
            file = None
            if checkpoint is not None and group.rank == 0:
                file = TrainingFile(checkpoint, child, data, config)
            run = Run(child, data, config, device, on_evaluation, file, should_stop, group)
            return run.train()
    except StorageError:
        if run is not None:
            run.save()  # nothing can be told of it now, but another worker can go on with it
        raise
    except XmcNasError:
        raise  # whatever its words are
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        shortage = str(error).strip().split("\n")[0] or type(error).__name__
        where = run.position if run is not None else "before the first step"
    finally:
        child.zero_grad(set_to_none=True)
        child.eval()
    # raised here, not while the other is handled: that one, like `run`, holds on to tensors
    run = None
    if device.type == "cuda":
        torch.cuda.empty_cache()
    raise ChildOutOfMemoryError(
        f"out of memory on {device} {where}; {child.n_parameters} parameters, {child.n_labels} "
        f"labels: {shortage}. Use a smaller batch, shorter texts or a narrower child."
    )


def _check(child: ChildNetwork, data: XmcDataset) -> None:
    if child.n_labels != data.n_labels:
        raise ValueError(
            f"the child scores {child.n_labels} labels; the data has {data.n_labels}."
        )
    for name, split in (("train", data.train), ("validation", data.validation)):
        if len(split) == 0:
            raise ValueError(f"the {name} split has no documents; training needs some.")


def _check_group(config: TrainingConfig, group: ProcessGroup) -> None:
    if group.size > 1 and ":" in config.device:
        raise ValueError(
            f"`device` is {config.device!r} for all {group.size} processes; give 'cuda' or "
            "'auto', and each has its own."
        )


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed dropout, and give the caller's random state back at the end."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.default_generator.manual_seed(seed)
        if devices:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield
