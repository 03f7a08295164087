"""Judging the best child of a study: validation, and the test split, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from optuna.trial import TrialState

from optuna_xmcnas.exceptions import CheckpointError
from optuna_xmcnas.exceptions import SearchFailedError
from optuna_xmcnas.metrics import evaluate
from optuna_xmcnas.metrics import EvaluationReport
from optuna_xmcnas.objective import child_path
from optuna_xmcnas.objective import train_genome
from optuna_xmcnas.study import best_of
from optuna_xmcnas.study import LinearRecord
from optuna_xmcnas.study import metrics_on_test
from optuna_xmcnas.study import note_linear
from optuna_xmcnas.study import note_metrics_on_test
from optuna_xmcnas.study import read_record
from optuna_xmcnas.training import load_child
from optuna_xmcnas.training import predict_top_k
from optuna_xmcnas.workflows.linear import judge_linear
from optuna_xmcnas.workflows.linear import LinearVerdict


if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

    from optuna_xmcnas.child import ChildNetwork
    from optuna_xmcnas.data import TextDataset
    from optuna_xmcnas.data import TokenSplit
    from optuna_xmcnas.data import XmcDataset
    from optuna_xmcnas.genome import Genome
    from optuna_xmcnas.workflows.settings import SearchSettings


_LOGGER = logging.getLogger(__name__)
_PLACES = (1, 3, 5)
_EVALUATION_FACTOR = 2  # documents per batch against training: no gradients are kept


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The best child of a study by validation, and what it is worth.

    Attributes:
        trial: Its number.
        genome: Its architecture.
        node_weights: Share of each node in the combination; None if outputs are not mixed.
        n_parameters: Its trained weights.
        validation: Its metrics on the validation split, by which it was selected.
        test: Its metrics on the test split; None if the data has none.
        frequent: Test metrics of always predicting the most frequent labels; None likewise.
        linear: A linear model on the same documents; None likewise, or if it is not installed.
    """

    trial: int
    genome: Genome
    node_weights: tuple[float, ...] | None
    n_parameters: int
    validation: Mapping[str, float]
    test: Mapping[str, float] | None
    frequent: Mapping[str, float] | None
    linear: LinearVerdict | None = None


def judge(
    study: Study,
    raw: TextDataset,
    data: XmcDataset,
    settings: SearchSettings,
    children_dir: Path,
    origin: Mapping[str, str],
    number: int | None = None,
    *,
    with_linear: bool = True,
) -> Verdict:
    """Return the verdict on the best child of a study, or on that of a trial.

    Its weights are read from ``children_dir``; where they are missing, or not of ``origin``, it is
    trained again with the seed of its trial. Test metrics are kept in the study, so that a second
    call for the same child does not read the test split again.
    """
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    best = best_of(t for t in complete if number in (None, t.number))
    if best is None:
        raise SearchFailedError("no child was finished; give the search more time.")
    genome = settings.space.from_params(best.params)
    child = _trained_child(
        best, genome, data, settings, child_path(children_dir, best.number), origin
    )
    on_validation = _report(child, data.validation, settings)
    test = frequent = None
    if data.test is not None:
        test = metrics_on_test(study).get(best.number)
        if test is None:
            test = dict(_report(child, data.test, settings))
            note_metrics_on_test(study, best.number, test)
        frequent = frequent_labels_report(data, data.test)
    linear = judge_linear(raw, settings.data) if with_linear else None
    if linear is not None:
        note_linear(study, _linear_record(linear))
    return Verdict(
        trial=best.number,
        genome=genome,
        node_weights=child.node_weights(),
        n_parameters=child.n_parameters,
        validation=on_validation,
        test=test,
        frequent=frequent,
        linear=linear,
    )


def frequent_labels_report(data: XmcDataset, split: TokenSplit) -> EvaluationReport:
    """Return the metrics of predicting the most frequent train labels for every document."""
    counts = np.bincount(data.train.labels.indices, minlength=data.n_labels)
    top = np.argsort(-counts, kind="stable")[: max(_PLACES)]
    ranked = np.tile(top, (len(split), 1))
    return evaluate(ranked, split.labels, ks=_PLACES)


def _linear_record(linear: LinearVerdict) -> LinearRecord:
    train, predict = linear.seconds
    return LinearRecord(
        description=linear.description,
        test=linear.test,
        train_seconds=train,
        predict_seconds=predict,
    )


def _trained_child(
    trial: FrozenTrial,
    genome: Genome,
    data: XmcDataset,
    settings: SearchSettings,
    path: Path,
    origin: Mapping[str, str],
) -> ChildNetwork:
    try:
        child, found = load_child(path, data.vectors)
        if child.genome == genome and found == origin:
            return child
        _LOGGER.warning("%s holds another child; it is trained again.", path)
    except (CheckpointError, FileNotFoundError) as error:
        _LOGGER.warning("%s The child is trained again.", error)
    record = read_record(trial)
    seed = record.seed if record is not None and record.seed is not None else trial.number
    training = replace(settings.training, seed=seed)
    return train_genome(genome, data, settings.child, training)[0]


def _report(child: ChildNetwork, split: TokenSplit, settings: SearchSettings) -> EvaluationReport:
    top = predict_top_k(
        child,
        split,
        max(_PLACES),
        batch_size=_EVALUATION_FACTOR * settings.training.batch_size,
        device=settings.training.device,
        precision=settings.training.precision,
    )
    return evaluate(top.labels, split.labels, ks=_PLACES)
