"""Training of one child: from random weights to the best it had on the validation split."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
import logging
import time
from typing import final
from typing import Literal
from typing import TYPE_CHECKING

import torch

from optuna_xmcnas.exceptions import ChildOutOfMemoryError
from optuna_xmcnas.exceptions import NonFiniteLossError
from optuna_xmcnas.metrics import evaluate
from optuna_xmcnas.metrics import EvaluationReport
from optuna_xmcnas.training.batches import load_batches
from optuna_xmcnas.training.batches import training_order
from optuna_xmcnas.training.device import autocast
from optuna_xmcnas.training.device import resolve_device
from optuna_xmcnas.training.loss_record import LossRecord
from optuna_xmcnas.training.losses import backpropagate
from optuna_xmcnas.training.memory import is_out_of_memory
from optuna_xmcnas.training.memory import PeakMemory
from optuna_xmcnas.training.predict import predict_top_k
from optuna_xmcnas.training.weights import BestWeights


if TYPE_CHECKING:
    from optuna_xmcnas.child import ChildNetwork
    from optuna_xmcnas.data import XmcDataset
    from optuna_xmcnas.training.batches import Batch
    from optuna_xmcnas.training.config import TrainingConfig


_LOGGER = logging.getLogger(__name__)
_PLACES = (1, 3, 5)  # the k of P@k and nDCG@k
_EVALUATION_FACTOR = 2  # documents per batch against training: no gradients are kept (ours)
_SELECTION = ("P@5", "nDCG@5")  # ICONIP 2020 ranks by P@5; where that is equal, nDCG@5 (ours)


@dataclass(frozen=True)
class Evaluation:
    """What was found on the validation split at one point of a training.

    Attributes:
        epoch: The epoch under way or just finished, from 1.
        step: Optimiser steps so far.
        seconds: Time since the training began.
        loss: Mean training loss of the steps since the evaluation before.
        report: The metrics.
    """

    epoch: int
    step: int
    seconds: float
    loss: float
    report: EvaluationReport


@dataclass(frozen=True)
class TrainingResult:
    """How a training went; the child itself holds the weights of `best`.

    Attributes:
        best: The first evaluation with the highest P@5; among equals, the highest nDCG@5.
        epochs: Epochs begun.
        steps: Optimiser steps.
        seconds: Time from beginning to end, evaluations included.
        peak_memory_bytes: See `PeakMemory`.
        stop_reason: ``"epochs"``: all were used; ``"patience"``: that many evaluations in a row
            brought no gain.
    """

    best: Evaluation
    epochs: int
    steps: int
    seconds: float
    peak_memory_bytes: int
    stop_reason: Literal["epochs", "patience"]


def fit(
    child: ChildNetwork,
    data: XmcDataset,
    config: TrainingConfig,
    *,
    on_evaluation: Callable[[Evaluation], None] | None = None,
) -> TrainingResult:
    """Train a child in place and leave it with its best weights, in evaluation mode.

    The same child, data, configuration, device and number of threads give the same weights; the
    random generators of the caller are not touched.

    Args:
        child: The network; it is moved to the device.
        data: Its train split is learnt, its validation split selects.
        config: How.
        on_evaluation: Called after each evaluation. What it raises (``optuna.TrialPruned``, say)
            ends the training and reaches the caller; the child then keeps its present weights.

    Raises:
        NonFiniteLossError: If the loss becomes infinite or not a number; it names the step.
        ChildOutOfMemoryError: If the child does not fit into memory; it names the sizes.
        ValueError: If child and data do not fit, or a split is empty.
    """
    _check(child, data)
    device = resolve_device(config.device)
    shortage: str
    run: _Run | None = None
    try:
        with _seeded(config.seed, device):
            run = _Run(child, data, config, device, on_evaluation)
            return run.train()
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


@final
class _Run:
    """One training under way."""

    def __init__(
        self,
        child: ChildNetwork,
        data: XmcDataset,
        config: TrainingConfig,
        device: torch.device,
        on_evaluation: Callable[[Evaluation], None] | None,
    ) -> None:
        self._began = time.perf_counter()
        self._memory = PeakMemory(device)
        self._child = child.to(device).train()
        self._data = data
        self._config = config
        self._device = device
        self._autocast = autocast(device, config.precision)
        self._on_evaluation = on_evaluation
        self._weights = [p for p in child.parameters() if p.requires_grad]
        self._optimizer = torch.optim.Adam(self._weights, lr=config.learning_rate, fused=True)
        self._best_weights = BestWeights(child)
        self._best: Evaluation | None = None
        self._losses = LossRecord(device)
        self._without_gain = 0
        self._epoch = 0
        self._step = 0
        self.position = "before the first step"

    def train(self) -> TrainingResult:
        config, train = self._config, self._data.train
        for epoch in range(1, config.epochs + 1):
            self._epoch = epoch
            order = training_order(train.lengths, config.batch_size, seed=config.seed, epoch=epoch)
            for number, batch in enumerate(load_batches(train, order, self._device), start=1):
                self._descend(batch)
                is_epoch_over = number == len(order)
                if self._is_evaluation_due(is_epoch_over) and not self._evaluate():
                    return self._finish("patience")
        return self._finish("epochs")

    def _descend(self, batch: Batch) -> None:
        """Take one optimiser step; nothing in it waits for the device."""
        self._step += 1
        n_documents, n_tokens = batch.tokens.shape
        self.position = f"at step {self._step} ({n_documents} documents of {n_tokens} tokens)"
        child = self._child
        with self._autocast:
            hidden = child.encode(batch.tokens, batch.lengths)
            prepared = child.head.prepare(hidden, child.padding(batch.lengths))
        loss = backpropagate(child.head, prepared, batch.targets, self._autocast)
        torch.nn.utils.clip_grad_norm_(self._weights, self._config.clip_norm)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self._losses.add(loss)

    def _is_evaluation_due(self, is_epoch_over: bool) -> bool:
        every = self._config.evaluate_every
        if every is None:
            return is_epoch_over
        is_last = is_epoch_over and self._epoch == self._config.epochs
        return is_last or self._step % every == 0

    def _evaluate(self) -> bool:
        """Evaluate, keep the weights if they are the best, and tell whether to go on."""
        self.position = f"in the evaluation after step {self._step}"
        loss = self._losses.mean()
        evaluation = Evaluation(
            epoch=self._epoch,
            step=self._step,
            report=self._report(),
            seconds=time.perf_counter() - self._began,
            loss=loss,
        )
        _LOGGER.info(
            "epoch %d, step %d: loss %.3g, validation P@5 %.4f",
            evaluation.epoch,
            evaluation.step,
            loss,
            evaluation.report["P@5"],
        )
        if self._best is None or _score(evaluation) > _score(self._best):
            self._best = evaluation
            self._best_weights.keep()
            self._without_gain = 0
        else:
            self._without_gain += 1
        if self._on_evaluation is not None:
            self._on_evaluation(evaluation)
        return self._without_gain < self._config.patience

    def _report(self) -> EvaluationReport:
        validation = self._data.validation
        try:
            top = predict_top_k(
                self._child,
                validation,
                max(_PLACES),
                batch_size=_EVALUATION_FACTOR * self._config.batch_size,
                device=str(self._device),
                precision=self._config.precision,
            )
        except NonFiniteLossError as error:
            raise NonFiniteLossError(f"after step {self._step}, {error}") from error
        return evaluate(top.labels, validation.labels, ks=_PLACES)

    def _finish(self, stop_reason: Literal["epochs", "patience"]) -> TrainingResult:
        assert self._best is not None  # the last step of all is always evaluated
        self._best_weights.restore()
        return TrainingResult(
            best=self._best,
            epochs=self._epoch,
            steps=self._step,
            seconds=time.perf_counter() - self._began,
            peak_memory_bytes=self._memory.read(),
            stop_reason=stop_reason,
        )


def _score(evaluation: Evaluation) -> tuple[float, ...]:
    return tuple(evaluation.report[name] for name in _SELECTION)


def _check(child: ChildNetwork, data: XmcDataset) -> None:
    if child.n_labels != data.n_labels:
        raise ValueError(
            f"the child scores {child.n_labels} labels; the data has {data.n_labels}."
        )
    for name, split in (("train", data.train), ("validation", data.validation)):
        if len(split) == 0:
            raise ValueError(f"the {name} split has no documents; training needs some.")


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
