"""From a trial to the score of a trained child."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import replace
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import optuna
import torch

from optuna_xmcnas.child import ChildConfig
from optuna_xmcnas.child import ChildNetwork
from optuna_xmcnas.child import op_names
from optuna_xmcnas.exceptions import CheckpointError
from optuna_xmcnas.exceptions import ChildFailedError
from optuna_xmcnas.exceptions import InvalidGenomeError
from optuna_xmcnas.study import begin_record
from optuna_xmcnas.study import best_of
from optuna_xmcnas.study import complete_record
from optuna_xmcnas.study import fail_record
from optuna_xmcnas.training import Evaluation
from optuna_xmcnas.training import fit
from optuna_xmcnas.training import save_child
from optuna_xmcnas.training import TrainingConfig
from optuna_xmcnas.training import TrainingResult


if TYPE_CHECKING:
    from optuna import Trial

    from optuna_xmcnas.data import XmcDataset
    from optuna_xmcnas.genome import Genome
    from optuna_xmcnas.genome import GenomeSpace


__all__ = ["XmcObjective", "child_path", "train_genome"]

_LOGGER = logging.getLogger(__name__)

SELECTION_METRIC = "P@5"
"""What architectures are ranked by, on the validation split (XMC-NAS, ICONIP 2020, figure 1)."""


def train_genome(
    genome: Genome,
    data: XmcDataset,
    child_config: ChildConfig,
    training_config: TrainingConfig,
    *,
    on_evaluation: Callable[[Evaluation], None] | None = None,
) -> tuple[ChildNetwork, TrainingResult]:
    """Return a genome's child after training, and how the training went.

    The training seed also decides the child's first weights, so the same arguments on the same
    device give the same child.

    Raises:
        ChildFailedError: If it cannot be trained: out of memory, or a loss that is not finite.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(training_config.seed)
        child = ChildNetwork(genome, data.vectors, data.n_labels, child_config)
    return child, fit(child, data, training_config, on_evaluation=on_evaluation)


def child_path(folder: Path, trial_number: int) -> Path:
    """Return where the child of a trial is saved."""
    return folder / f"trial-{trial_number:06d}.safetensors"


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
        training: How to train. Each trial trains with its own seed: this one plus its number.
        keep_best_in: A folder for the weights of each child that is the best so far, made if it
            is missing; None keeps no child.
        origin: What to write into the files of children, to know them by.
        on_child: Called before each training, with the trial's number and the genome.
        on_evaluation: Called after each evaluation of a child, with the trial's number.

    Raises:
        InvalidGenomeError: If an op of the space has no layer.
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

    def __call__(self, trial: Trial) -> float:
        """Return the validation P@5 of the trial's child, as a share from 0 to 1."""
        genome = self._space.suggest(trial)
        training = self.training_of(trial.number)
        begin_record(trial, genome, seed=training.seed)
        if self._on_child is not None:
            self._on_child(trial.number, genome)
        n_evaluations = 0

        def report(evaluation: Evaluation) -> None:
            nonlocal n_evaluations
            n_evaluations += 1
            trial.report(evaluation.report[SELECTION_METRIC], n_evaluations)
            if self._on_evaluation is not None:
                self._on_evaluation(trial.number, evaluation)
            if trial.should_prune():
                raise optuna.TrialPruned

        try:
            child, result = train_genome(
                genome, self._data, self._child_config, training, on_evaluation=report
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
        )
        score = result.best.report[SELECTION_METRIC]
        if self._keep_best_in is not None and self._is_best(trial, score):
            self._save(child, child_path(self._keep_best_in, trial.number))
        return score

    def training_of(self, trial_number: int) -> TrainingConfig:
        """Return how the child of a trial is trained."""
        return replace(self._training_config, seed=self._training_config.seed + trial_number)

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
