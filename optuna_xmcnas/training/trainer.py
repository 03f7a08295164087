"""Training of one child: from random weights to the best it had on the validation split."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import replace
import logging
import time
from typing import final
from typing import Literal
from typing import TYPE_CHECKING

import torch

from optuna_xmcnas.exceptions import ChildInterruptedError
from optuna_xmcnas.exceptions import ChildOutOfMemoryError
from optuna_xmcnas.exceptions import NonFiniteLossError
from optuna_xmcnas.exceptions import StorageError
from optuna_xmcnas.exceptions import XmcNasError
from optuna_xmcnas.metrics import evaluate
from optuna_xmcnas.training.batches import load_batches
from optuna_xmcnas.training.batches import training_order
from optuna_xmcnas.training.device import autocast
from optuna_xmcnas.training.device import resolve_device
from optuna_xmcnas.training.evaluation import Evaluation
from optuna_xmcnas.training.loss_record import LossRecord
from optuna_xmcnas.training.losses import backpropagate
from optuna_xmcnas.training.memory import is_out_of_memory
from optuna_xmcnas.training.memory import PeakMemory
from optuna_xmcnas.training.predict import predict_top_k
from optuna_xmcnas.training.resume import Progress
from optuna_xmcnas.training.resume import TrainingFile
from optuna_xmcnas.training.snapshot import Snapshot
from optuna_xmcnas.training.weights import BestWeights


if TYPE_CHECKING:
    from optuna_xmcnas.child import ChildNetwork
    from optuna_xmcnas.data import XmcDataset
    from optuna_xmcnas.metrics import EvaluationReport
    from optuna_xmcnas.training.batches import Batch
    from optuna_xmcnas.training.config import TrainingConfig
    from optuna_xmcnas.training.resume import TrainingCheckpoint


_LOGGER = logging.getLogger(__name__)
_PLACES = (1, 3, 5)  # the k of P@k and nDCG@k
_EVALUATION_FACTOR = 2  # documents per batch against training: no gradients are kept (ours)


@dataclass(frozen=True)
class TrainingResult:
    """How a training went; the child itself holds the weights of `best`.

    Attributes:
        best: The first evaluation with the highest P@5; among equals, the highest nDCG@5.
        epochs: Epochs begun.
        steps: Optimiser steps.
        seconds: Time spent on it, evaluations and the runs before this one included.
        peak_memory_bytes: See `PeakMemory`; of the run that ended it.
        stop_reason: ``"epochs"``: all were used; ``"patience"``: that many evaluations in a row
            brought no gain.
        resumed_at_step: After how many steps this run took it up; None if it began it.
    """

    best: Evaluation
    epochs: int
    steps: int
    seconds: float
    peak_memory_bytes: int
    stop_reason: Literal["epochs", "patience"]
    resumed_at_step: int | None = None


def fit(
    child: ChildNetwork,
    data: XmcDataset,
    config: TrainingConfig,
    *,
    on_evaluation: Callable[[Evaluation], None] | None = None,
    checkpoint: TrainingCheckpoint | None = None,
    should_stop: Callable[[], bool] | None = None,
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

    Raises:
        ChildInterruptedError: If ``should_stop`` said so.
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
            file = checkpoint and TrainingFile(checkpoint, child, data, config)
            run = _Run(child, data, config, device, on_evaluation, file, should_stop)
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
        file: TrainingFile | None,
        should_stop: Callable[[], bool] | None,
    ) -> None:
        self._began = time.perf_counter()
        self._memory = PeakMemory(device)
        self._child = child.to(device).train()
        self._data = data
        self._config = config
        self._device = device
        self._autocast = autocast(device, config.precision)
        self._on_evaluation = on_evaluation
        self._file = file
        self._should_stop = should_stop
        self._weights = [p for p in child.parameters() if p.requires_grad]
        self._optimizer = torch.optim.Adam(self._weights, lr=config.learning_rate, fused=True)
        self._best_weights = BestWeights(child)
        self._losses = LossRecord(device)
        self._snapshot = Snapshot(child, self._optimizer, self._best_weights, self._losses, device)
        self._progress = Progress()
        self._resumed_at_step: int | None = None
        self._seconds_before = 0.0
        self.position = "before the first step"

    def train(self) -> TrainingResult:
        self._resume()
        if not self._goes_on():  # an evaluation may be due
            return self._finish("patience")
        train, config = self._data.train, self._config
        for epoch in range(self._progress.epoch, config.epochs + 1):
            if epoch > self._progress.epoch:
                self._progress = replace(self._progress, epoch=epoch, n_batches=0)
            order = training_order(train.lengths, config.batch_size, seed=config.seed, epoch=epoch)
            rest = order[self._progress.n_batches :]
            for batch in load_batches(train, rest, self._device):
                self._pause()
                self._descend(batch)
                self._count_step(n_in_epoch=len(order))
                if not self._goes_on():
                    return self._finish("patience")
        return self._finish("epochs")

    def _resume(self) -> None:
        """Go on from the file, if there is one of this training."""
        progress = self._file.restore(self._snapshot) if self._file is not None else None
        if progress is not None:
            self._progress = progress
            self._resumed_at_step = progress.step
            self._seconds_before = progress.seconds
            self.position = f"after step {progress.step}"

    def save(self) -> bool:
        """Write the training down where that was wanted; tell whether it was possible."""
        if self._file is None:
            return False
        return self._file.write(replace(self._progress, seconds=self._seconds()), self._snapshot)

    def _pause(self) -> None:
        """Write the training down if it is time to, and end it if it was told to stop."""
        is_told = self._should_stop is not None and self._should_stop()
        is_due = is_told or (self._file is not None and self._file.is_due)
        is_kept = is_due and self.save()
        if is_told:
            way = "it was not kept"
            if is_kept and self._file is not None:
                way = f"it goes on from {self._file.path}"
            raise ChildInterruptedError(
                f"the training was told to stop after step {self._progress.step}; {way}."
            )

    def _seconds(self) -> float:
        return self._seconds_before + time.perf_counter() - self._began

    def _descend(self, batch: Batch) -> None:
        """Take one optimiser step; nothing in it waits for the device."""
        n_documents, n_tokens = batch.tokens.shape
        step = self._progress.step + 1
        self.position = f"at step {step} ({n_documents} documents of {n_tokens} tokens)"
        child = self._child
        with self._autocast:
            hidden = child.encode(batch.tokens, batch.lengths)
            prepared = child.head.prepare(hidden, child.padding(batch.lengths))
        loss = backpropagate(child.head, prepared, batch.targets, self._autocast)
        torch.nn.utils.clip_grad_norm_(self._weights, self._config.clip_norm)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self._losses.add(loss)

    def _count_step(self, n_in_epoch: int) -> None:
        step, n_batches = self._progress.step + 1, self._progress.n_batches + 1
        is_due = self._is_evaluation_due(step, is_epoch_over=n_batches == n_in_epoch)
        self._progress = replace(
            self._progress, step=step, n_batches=n_batches, is_evaluation_due=is_due
        )

    def _is_evaluation_due(self, step: int, *, is_epoch_over: bool) -> bool:
        every = self._config.evaluate_every
        if every is None:
            return is_epoch_over
        is_last = is_epoch_over and self._progress.epoch == self._config.epochs
        return is_last or step % every == 0

    def _goes_on(self) -> bool:
        """Evaluate if it is time to, and tell whether there has been gain of late."""
        if self._progress.is_evaluation_due:
            self._pause()
            self._evaluate()
        return self._progress.without_gain < self._config.patience

    def _evaluate(self) -> None:
        """Evaluate, and keep the weights if they are the best."""
        before = self._progress
        self.position = f"in the evaluation after step {before.step}"
        loss = self._losses.mean()
        evaluation = Evaluation(
            epoch=before.epoch,
            step=before.step,
            report=self._report(),
            seconds=self._seconds(),
            loss=loss,
            number=before.n_evaluations + 1,
        )
        _LOGGER.info(
            "epoch %d, step %d: loss %.3g, validation P@5 %.4f",
            evaluation.epoch,
            evaluation.step,
            loss,
            evaluation.report["P@5"],
        )
        is_gain = before.best is None or evaluation.score > before.best.score
        if is_gain:
            self._best_weights.keep()
        self._progress = replace(
            before,
            is_evaluation_due=False,
            n_evaluations=evaluation.number,
            without_gain=0 if is_gain else before.without_gain + 1,
            best=evaluation if is_gain else before.best,
        )
        if self._on_evaluation is not None:
            self._on_evaluation(evaluation)

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
            raise NonFiniteLossError(f"after step {self._progress.step}, {error}") from error
        return evaluate(top.labels, validation.labels, ks=_PLACES)

    def _finish(self, stop_reason: Literal["epochs", "patience"]) -> TrainingResult:
        progress = self._progress
        assert progress.best is not None  # the last step of all is always evaluated
        self._best_weights.restore()
        return TrainingResult(
            best=progress.best,
            epochs=progress.epoch,
            steps=progress.step,
            seconds=self._seconds(),
            peak_memory_bytes=self._memory.read(),
            stop_reason=stop_reason,
            resumed_at_step=self._resumed_at_step,
        )


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
