"""One training under way: steps, evaluations, pauses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import replace
import logging
import time
from typing import final
from typing import Literal
from typing import TYPE_CHECKING

from optuna_xmcnas.exceptions import ChildInterruptedError
from optuna_xmcnas.exceptions import NonFiniteLossError
from optuna_xmcnas.training.averaging import WeightAverage
from optuna_xmcnas.training.batches import load_batches
from optuna_xmcnas.training.batches import training_order
from optuna_xmcnas.training.descent import Descent
from optuna_xmcnas.training.evaluation import Evaluation
from optuna_xmcnas.training.loss_record import LossRecord
from optuna_xmcnas.training.memory import PeakMemory
from optuna_xmcnas.training.resume import Progress
from optuna_xmcnas.training.resume import TrainingFile
from optuna_xmcnas.training.snapshot import Snapshot
from optuna_xmcnas.training.together import begin_together
from optuna_xmcnas.training.together import end_together
from optuna_xmcnas.training.together import share_of
from optuna_xmcnas.training.validation import Validation
from optuna_xmcnas.training.weights import BestWeights


if TYPE_CHECKING:
    import torch

    from optuna_xmcnas.child import ChildNetwork
    from optuna_xmcnas.data import XmcDataset
    from optuna_xmcnas.metrics import EvaluationReport
    from optuna_xmcnas.training.batches import Batch
    from optuna_xmcnas.training.config import TrainingConfig
    from optuna_xmcnas.training.parallel import ProcessGroup


_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingResult:
    """How a training went; the child itself holds the weights of `best`.

    Attributes:
        best: The first evaluation with the highest P@5, and among equals the highest nDCG@5; the
            other way round if `TrainingConfig.select_by` is nDCG@5.
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


@final
class Run:
    """One training under way; the arguments are those of `fit`.

    Attributes:
        position: Where it is, in words.
    """

    def __init__(
        self,
        child: ChildNetwork,
        data: XmcDataset,
        config: TrainingConfig,
        device: torch.device,
        on_evaluation: Callable[[Evaluation], None] | None,
        file: TrainingFile | None,
        should_stop: Callable[[], bool] | None,
        group: ProcessGroup,
    ) -> None:
        self._began = time.perf_counter()
        self._memory = PeakMemory(device)
        self._child = child.to(device).train()
        self._data = data
        self._config = config
        self._device = device
        self._group = group
        self._on_evaluation = on_evaluation
        self._file = file
        self._should_stop = should_stop
        self._descent = Descent(child, config, device, group)
        self._validation = Validation(child, data.validation, config, device, group)
        self._best_weights = BestWeights(child)
        self._average = WeightAverage(child)
        self._losses = LossRecord(device)
        self._snapshot = Snapshot(
            child=child,
            optimizer=self._descent.optimizer,
            best_weights=self._best_weights,
            average=self._average,
            clipping=self._descent.clipping,
            losses=self._losses,
            device=device,
        )
        self._progress = Progress()
        self._resumed_at_step: int | None = None
        self._seconds_before = 0.0
        self.position = "before the first step"

    def train(self) -> TrainingResult:
        """Train to the end; the child then has its best weights."""
        self._resume()
        if not self._goes_on():  # an evaluation may be due
            return self._finish("patience")
        train, config = self._data.train, self._config
        for epoch in range(self._progress.epoch, config.epochs + 1):
            if epoch > self._progress.epoch:
                self._progress = replace(self._progress, epoch=epoch, n_batches=0)
            order = training_order(train.lengths, config.batch_size, seed=config.seed, epoch=epoch)
            rest = order[self._progress.n_batches :]
            parts = [share_of(documents, self._group) for documents in rest]
            batches = load_batches(train, parts, self._device)
            for documents, batch in zip(rest, batches, strict=True):
                self._pause()
                self._descend(batch, len(documents))
                self._count_step(n_in_epoch=len(order))
                if not self._goes_on():
                    return self._finish("patience")
        return self._finish("epochs")

    def _resume(self) -> None:
        """Go on from the file, if there is one of this training."""
        progress = self._file.restore(self._snapshot) if self._file is not None else None
        progress = begin_together(progress, self._snapshot, self._config.seed, self._group)
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
        is_told = self._group.is_any(self._should_stop is not None and self._should_stop())
        is_due = is_told or (self._file is not None and self._file.is_due)
        is_kept = is_due and self.save()
        if is_told:
            way = "it was not kept"
            if is_kept and self._file is not None:
                way = f"it goes on from {self._file.path}"
            said = f"the training was told to stop after step {self._progress.step}; {way}."
            raise ChildInterruptedError(self._group.from_first(said.encode()).decode())

    def _seconds(self) -> float:
        return self._seconds_before + time.perf_counter() - self._began

    def _descend(self, batch: Batch, n_documents: int) -> None:
        n_own, n_tokens = batch.tokens.shape
        step = self._progress.step + 1
        self.position = f"at step {step} ({n_own} documents of {n_tokens} tokens)"
        self._losses.add(self._descent.step(batch, n_documents))

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
        """Evaluate the weights, or from some epoch on their mean; keep the best."""
        self.position = f"in the evaluation after step {self._progress.step}"
        loss = self._losses.mean()
        first = self._config.average_from_epoch
        if first is not None and self._progress.epoch >= first:
            self._average.add()
        with self._average.applied():
            evaluation = self._evaluation(loss)
            self._judge(evaluation)
        if self._on_evaluation is not None:
            self._on_evaluation(evaluation)

    def _evaluation(self, loss: float) -> Evaluation:
        before = self._progress
        evaluation = Evaluation(
            epoch=before.epoch,
            step=before.step,
            report=self._report(),
            seconds=self._seconds(),
            loss=loss,
            number=before.n_evaluations + 1,
        )
        level = logging.INFO if self._group.rank == 0 else logging.DEBUG
        _LOGGER.log(
            level,
            "epoch %d, step %d: loss %.3g, validation P@5 %.4f",
            evaluation.epoch,
            evaluation.step,
            loss,
            evaluation.report["P@5"],
        )
        return evaluation

    def _judge(self, evaluation: Evaluation) -> None:
        """Keep the present weights if they are the best, and count how many were not."""
        before, name = self._progress, self._config.select_by
        is_gain = before.best is None or (evaluation.score_by(name) > before.best.score_by(name))
        if is_gain and self._group.rank == 0:
            self._best_weights.keep()
        self._progress = replace(
            before,
            is_evaluation_due=False,
            n_evaluations=evaluation.number,
            without_gain=0 if is_gain else before.without_gain + 1,
            best=evaluation if is_gain else before.best,
        )

    def _report(self) -> EvaluationReport:
        try:
            return self._validation.report()
        except NonFiniteLossError as error:
            raise NonFiniteLossError(f"after step {self._progress.step}, {error}") from error

    def _finish(self, stop_reason: Literal["epochs", "patience"]) -> TrainingResult:
        progress = self._progress
        assert progress.best is not None  # the last step of all is always evaluated
        self._best_weights.restore()  # kept by the first process only
        end_together(self._child, self._group)
        return TrainingResult(
            best=progress.best,
            epochs=progress.epoch,
            steps=progress.step,
            seconds=self._seconds(),
            peak_memory_bytes=self._memory.read(),
            stop_reason=stop_reason,
            resumed_at_step=self._resumed_at_step,
        )
