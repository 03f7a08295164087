"""From a trial to the score of a trained child."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import replace
import logging
import math
from pathlib import Path
import platform
from typing import TYPE_CHECKING

import optuna
import torch

from optuna_xmcnas.child import ChildConfig
from optuna_xmcnas.child import ChildNetwork
from optuna_xmcnas.child import op_names
from optuna_xmcnas.exceptions import CheckpointError
from optuna_xmcnas.exceptions import ChildFailedError
from optuna_xmcnas.exceptions import ChildOutOfMemoryError
from optuna_xmcnas.exceptions import InvalidGenomeError
from optuna_xmcnas.study import begin_record
from optuna_xmcnas.study import best_of
from optuna_xmcnas.study import child_record
from optuna_xmcnas.study import complete_record
from optuna_xmcnas.study import CurvePoint
from optuna_xmcnas.study import fail_record
from optuna_xmcnas.study import origin_of
from optuna_xmcnas.training import ALONE
from optuna_xmcnas.training import describe_device
from optuna_xmcnas.training import Evaluation
from optuna_xmcnas.training import fit
from optuna_xmcnas.training import ProcessGroup
from optuna_xmcnas.training import resolve_device
from optuna_xmcnas.training import save_child
from optuna_xmcnas.training import TrainingCheckpoint
from optuna_xmcnas.training import TrainingConfig
from optuna_xmcnas.training import TrainingResult
from optuna_xmcnas.training.memory import is_out_of_memory
from optuna_xmcnas.version import __version__


if TYPE_CHECKING:
    from optuna import Trial

    from optuna_xmcnas.data import XmcDataset
    from optuna_xmcnas.genome import Genome
    from optuna_xmcnas.genome import GenomeSpace


__all__ = ["XmcObjective", "checkpoint_path", "child_path", "curve_point", "train_genome"]

_LOGGER = logging.getLogger(__name__)

SELECTION_METRIC = "P@5"
"""What architectures are ranked by, on the validation split (XMC-NAS, ICONIP 2020, figure 1)."""


def train_genome(
    genome: Genome,
    data: XmcDataset,
    child_config: ChildConfig,
    training_config: TrainingConfig,
    *,
    on_built: Callable[[ChildNetwork], None] | None = None,
    on_evaluation: Callable[[Evaluation], None] | None = None,
    checkpoint: TrainingCheckpoint | None = None,
    should_stop: Callable[[], bool] | None = None,
    group: ProcessGroup = ALONE,
) -> tuple[ChildNetwork, TrainingResult]:
    """Return a genome's child after training, and how the training went.

    The training seed also decides the child's first weights, so the same arguments on the same
    device give the same child.

    Args:
        genome: The architecture.
        data: What to train and validate on.
        child_config: The parts of the child that are not searched.
        training_config: How to train.
        on_built: Called with the child before it is trained.
        on_evaluation: As in :func:`~optuna_xmcnas.training.fit`, like the next two.
        checkpoint: Where the training under way is kept.
        should_stop: Whether to stop.
        group: The processes that train it together.

    Raises:
        ChildFailedError: If it cannot be trained: out of memory, or a loss that is not finite.
        ChildInterruptedError: If ``should_stop`` said so.
    """
    child = _build(genome, data, child_config, training_config.seed)
    if on_built is not None:
        on_built(child)
    result = fit(
        child,
        data,
        training_config,
        on_evaluation=on_evaluation,
        checkpoint=checkpoint,
        should_stop=should_stop,
        group=group,
    )
    return child, result


def _build(genome: Genome, data: XmcDataset, config: ChildConfig, seed: int) -> ChildNetwork:
    shortage: str
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return ChildNetwork(genome, data.vectors, data.n_labels, config)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        shortage = str(error).strip().split("\n")[0] or type(error).__name__
    raise ChildOutOfMemoryError(  # not while the other is handled: that one holds on to tensors
        f"out of memory while the child was made, for {data.n_labels} labels: {shortage}. Use a "
        "narrower child."
    )


def curve_point(evaluation: Evaluation, data: XmcDataset, training: TrainingConfig) -> CurvePoint:
    """Return an evaluation as a point of the curve that is written down."""
    steps_per_epoch = math.ceil(len(data.train) / training.batch_size)
    return CurvePoint(
        epoch=evaluation.step / steps_per_epoch,
        step=evaluation.step,
        p_at_5=evaluation.report["P@5"],
        ndcg_at_5=evaluation.report["nDCG@5"],
    )


def _software() -> str:
    return (
        f"optuna_xmcnas {__version__}, PyTorch {torch.__version__}, Optuna {optuna.__version__}, "
        f"Python {platform.python_version()}"
    )


def child_path(folder: Path, trial_number: int) -> Path:
    """Return where the child of a trial is saved."""
    return folder / f"trial-{trial_number:06d}.safetensors"


def checkpoint_path(folder: Path, origin_number: int) -> Path:
    """Return where the training of a child is kept while it is under way.

    Args:
        folder: The folder of all of them.
        origin_number: Number of the first trial that had the child; see
            :func:`~optuna_xmcnas.study.origin_number`.

    Example:
        >>> checkpoint_path(Path("children"), 12).name
        'origin-000012.training.safetensors'
    """
    return folder / f"origin-{origin_number:06d}.training.safetensors"


class XmcObjective:
    """Objective that trains the child of a trial's genome and returns its validation P@5.

    After each evaluation P@5 is reported, so Optuna's pruners work. The trial's user attributes
    say what was trained and how it went; see :class:`~optuna_xmcnas.study.TrialRecord`. A child
    that cannot be trained raises ChildFailedError: give it to ``study.optimize(catch=...)`` and
    the search goes on without it.

    Args:
        data: What to train and validate on.
        space: Which genomes there are.
        child: The parts of a child that are not searched.
        training: How to train. Each child has its own seed: this one plus the number of its
            trial, or of the first of its trials if others were lost with their workers.
        keep_best_in: A folder for the weights of each child that is the best so far, made if it
            is missing; None keeps no child.
        origin: What to write into the files of children, to know them by.
        on_child: Called before each training, with the trial's number and the genome.
        on_evaluation: Called after each evaluation of a child, with the trial's number.
        checkpoints_in: A folder for trainings under way, made if it is missing, so that another
            trial can go on with a child; see `checkpoint_path`. Delete the file of a child with
            :func:`~optuna_xmcnas.training.remove_checkpoint` once its score is stored. None
            keeps none: a child that is interrupted begins anew.
        checkpoint_every_s: Seconds between two writings of such a file, at least.

    Raises:
        InvalidGenomeError: If an op of the space has no layer.
        ValueError: If ``checkpoint_every_s`` is negative.
    """

    def __init__(
        self,
        data: XmcDataset,
        *,
        space: GenomeSpace,
        child: ChildConfig,
        training: TrainingConfig,
        keep_best_in: Path | None = None,
        origin: Mapping[str, str] | None = None,
        on_child: Callable[[int, Genome], None] | None = None,
        on_evaluation: Callable[[int, Evaluation], None] | None = None,
        checkpoints_in: Path | None = None,
        checkpoint_every_s: float = 300.0,
    ) -> None:
        unknown = {*space.ops, *(node.op for node in space.frozen)}.difference(op_names())
        if unknown:
            raise InvalidGenomeError(
                f"no layer is known for {', '.join(sorted(unknown))}; known: "
                f"{', '.join(op_names())}. Add your own with `register_op`."
            )
        self._data = data
        self._space = space
        self._child_config = child
        self._training_config = training
        self._keep_best_in = keep_best_in
        if keep_best_in is not None:
            keep_best_in.mkdir(parents=True, exist_ok=True)
        self._origin = dict(origin or {})
        self._on_child = on_child
        self._on_evaluation = on_evaluation
        self._checkpoint: TrainingCheckpoint | None = None  # its path is the folder of all
        if checkpoints_in is not None:
            checkpoints_in.mkdir(parents=True, exist_ok=True)
            # studies may share a folder, so the files tell what they are of
            origin_strings = {**self._origin, "data_fingerprint": data.fingerprint}
            self._checkpoint = TrainingCheckpoint(
                checkpoints_in, origin_strings, every_s=checkpoint_every_s
            )

    def __call__(self, trial: Trial, should_stop: Callable[[], bool] | None = None) -> float:
        """Return the validation P@5 of the trial's child, as a share from 0 to 1.

        Args:
            trial: Of a study in which the space is searched.
            should_stop: Asked before each step of the training. If it says so, the training is
                kept and ChildInterruptedError raised; the trial's record says nothing of a
                failure.
        """
        genome = self._space.suggest(trial)
        origin = origin_of(trial)
        training = self.training_of(origin)
        begin_record(trial, genome, seed=training.seed)
        if self._on_child is not None:
            self._on_child(trial.number, genome)

        def record(child: ChildNetwork) -> None:
            device = describe_device(resolve_device(training.device))
            child_record(
                trial, n_parameters=child.n_parameters, device=device, software=_software()
            )

        curve: list[CurvePoint] = []

        def report(evaluation: Evaluation) -> None:
            curve.append(curve_point(evaluation, self._data, training))
            trial.report(evaluation.report[SELECTION_METRIC], evaluation.number)
            if self._on_evaluation is not None:
                self._on_evaluation(trial.number, evaluation)
            if trial.should_prune():
                raise optuna.TrialPruned

        try:
            child, result = train_genome(
                genome,
                self._data,
                self._child_config,
                training,
                on_built=record,
                on_evaluation=report,
                checkpoint=self._checkpoint_of(origin),
                should_stop=should_stop,
            )
        except ChildFailedError as error:
            fail_record(trial, str(error))
            raise
        complete_record(
            trial,
            metrics=result.best.report,
            node_weights=child.node_weights(),
            n_parameters=child.n_parameters,
            seconds=result.seconds,
            peak_memory_bytes=result.peak_memory_bytes,
            epochs=result.epochs,
            stop_reason=result.stop_reason,
            resumed_at_step=result.resumed_at_step,
            curve=curve,
        )
        score = result.best.report[SELECTION_METRIC]
        if self._keep_best_in is not None and self._is_best(trial, score):
            self._save(child, child_path(self._keep_best_in, trial.number))
        return score

    def training_of(self, origin_number: int) -> TrainingConfig:
        """Return how a child is trained, from the number of the first trial that had it."""
        return replace(self._training_config, seed=self._training_config.seed + origin_number)

    def _checkpoint_of(self, origin_number: int) -> TrainingCheckpoint | None:
        if self._checkpoint is None:
            return None
        folder = self._checkpoint.path
        return replace(self._checkpoint, path=checkpoint_path(folder, origin_number))

    def _is_best(self, trial: Trial, score: float) -> bool:
        complete = trial.study.get_trials(
            deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,)
        )
        best = best_of(complete)
        return best is None or (score, -trial.number) > (best.values[0], -best.number)

    def _save(self, child: ChildNetwork, path: Path) -> None:
        """Save a child; the score of its trial must not be lost if that fails."""
        try:
            save_child(path, child, self._origin)
        except (CheckpointError, OSError) as error:
            _LOGGER.warning("the child was not saved, it can be trained again: %s", error)
