"""Training one architecture in full, with one seed or several, into a model that people use."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import replace
from datetime import datetime
from datetime import UTC
import fcntl
import logging
import os
from pathlib import Path
import shutil
from typing import Any
from typing import TYPE_CHECKING

import numpy as np

from optuna_xmcnas.data import prepare
from optuna_xmcnas.exceptions import ChildInterruptedError
from optuna_xmcnas.exceptions import ConfigMismatchError
from optuna_xmcnas.exceptions import ModelError
from optuna_xmcnas.metrics import evaluate
from optuna_xmcnas.metrics import inverse_propensity
from optuna_xmcnas.tagger import check_target
from optuna_xmcnas.tagger import Model
from optuna_xmcnas.tagger import save_model
from optuna_xmcnas.training import ALONE
from optuna_xmcnas.training import describe_device
from optuna_xmcnas.training import predict_top_k
from optuna_xmcnas.training import resolve_device
from optuna_xmcnas.workflows.linear import judge_linear
from optuna_xmcnas.workflows.linear import LinearVerdict
from optuna_xmcnas.workflows.members import Member
from optuna_xmcnas.workflows.members import MemberTraining


if TYPE_CHECKING:
    from optuna_xmcnas.child import ChildConfig
    from optuna_xmcnas.child import ChildNetwork
    from optuna_xmcnas.data import DataConfig
    from optuna_xmcnas.data import TextDataset
    from optuna_xmcnas.data import TokenSplit
    from optuna_xmcnas.data import XmcDataset
    from optuna_xmcnas.training import ProcessGroup
    from optuna_xmcnas.training import TrainingConfig
    from optuna_xmcnas.workflows.architecture import Architecture
    from optuna_xmcnas.workflows.members import RetrainObserver


_LOGGER = logging.getLogger(__name__)
_PLACES = 5  # the largest k of the metrics
_EVALUATION_FACTOR = 2  # documents per batch against training: no gradients are kept


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How an architecture is trained in full.

    Attributes:
        data: Which documents, and how they are read.
        child: The parts of the network that are not its genome.
        training: How; seeds count up from its own.
        n_seeds: Trainings that differ by their seed alone; together they are an ensemble.
    """

    data: DataConfig
    child: ChildConfig
    training: TrainingConfig
    n_seeds: int = 1

    def __post_init__(self) -> None:
        if self.n_seeds < 1:
            raise ValueError(f"`n_seeds` must be at least 1; got {self.n_seeds}.")


@dataclass(frozen=True, eq=False, kw_only=True)
class Retrained:
    """A model, and what it was compared with.

    Attributes:
        model: The model; its folder is written.
        linear: The linear baseline on the same documents; None if it is not to be had.
    """

    model: Model
    linear: LinearVerdict | None


def retrain(
    raw: TextDataset,
    architecture: Architecture,
    recipe: Recipe,
    *,
    out: Path,
    observer: RetrainObserver,
    vectors: Path | None = None,
    overwrite: bool = False,
    with_linear: bool = True,
    checkpoint_every_s: float = 300.0,
    should_stop: Callable[[], bool] | None = None,
    group: ProcessGroup = ALONE,
    drawing: str = "",
) -> Retrained | None:
    """Train an architecture, judge it on the test split, and write the folder of the model.

    What is finished, and the training under way, is kept beside the folder in ``<out>.partial``
    until the model is there, so the same call after an interruption goes on.

    Args:
        raw: The documents and their labels.
        architecture: What to train.
        recipe: How.
        out: The folder of the model.
        observer: Who watches.
        vectors: A file of pretrained word vectors; None makes them from the train split.
        overwrite: Whether a model that is there already may be replaced.
        with_linear: Whether to train the linear baseline too, if it is installed.
        checkpoint_every_s: Seconds of training that may be lost when this process is killed.
        should_stop: Asked before each step.
        group: The processes that train together; the first of them judges and writes.
        drawing: The architecture as a picture of characters, for the model card.

    Returns:
        None in a process of the group that is not the first.

    Raises:
        ChildInterruptedError: If ``should_stop`` said so.
        ChildFailedError: If the child cannot be trained.
        ConfigMismatchError: If the processes of the group do not train the same.
        DataError: If the data cannot be used.
        ModelError: If the folder exists, cannot be written, or another process trains into it.
    """
    out = Path(os.path.abspath(out))
    check_target(out, overwrite=overwrite)
    data = prepare(raw, recipe.data, vectors=vectors)
    observer.data_ready(data)
    _check_stop(should_stop)
    training = recipe.training
    first_averaged = training.average_from_epoch
    if first_averaged is not None and first_averaged > training.epochs and group.rank == 0:
        _LOGGER.warning(
            "no weights are averaged: that would begin in epoch %d, and there are %d at most.",
            first_averaged,
            training.epochs,
        )
    partial = out.with_name(f"{out.name}.partial")
    _check_same(group, architecture, recipe, data)
    with _held(partial, group):
        members: list[Member] = []
        for seed in range(recipe.training.seed, recipe.training.seed + recipe.n_seeds):
            config = replace(recipe.training, seed=seed)
            run = MemberTraining(architecture, data, recipe.child, config, partial, group)
            member = run.member(observer, checkpoint_every_s, should_stop)
            if member is not None:
                members.append(member)
        if group.rank != 0:
            return None
        _check_stop(should_stop)
        observer.judging_began()
        linear = judge_linear(raw, recipe.data) if with_linear else None
        _check_stop(should_stop)
        model = _model(raw, data, architecture, recipe, members, linear, drawing)
        save_model(out, model, overwrite=overwrite)
        shutil.rmtree(partial, ignore_errors=True)
    return Retrained(model=model, linear=linear)


def _model(
    raw: TextDataset,
    data: XmcDataset,
    architecture: Architecture,
    recipe: Recipe,
    members: Sequence[Member],
    linear: LinearVerdict | None,
    drawing: str,
) -> Model:
    return Model(
        name=raw.name,
        members=tuple(member.child for member in members),
        vocabulary=data.vocabulary,
        vectors=data.vectors,
        label_names=data.label_names,
        label_counts=np.bincount(data.train.labels.indices, minlength=data.n_labels),
        n_train=len(data.train),
        max_tokens=recipe.data.max_tokens,
        metrics=_metrics(members, data, recipe.training, linear),
        facts=_facts(raw, data, architecture, recipe, members, drawing),
    )


@contextmanager
def _held(folder: Path, group: ProcessGroup) -> Iterator[None]:
    """Make a folder, and keep others from training into it as long as this process is in it."""
    if group.rank != 0:
        yield
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise ModelError(f"cannot write to {folder}: {error.strerror or error}.") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ModelError(
                f"another process is training into {folder}; wait for it, or give another folder."
            ) from error
        yield


def _check_same(
    group: ProcessGroup, architecture: Architecture, recipe: Recipe, data: XmcDataset
) -> None:
    """Check that all processes train the same: each has read the study and the texts by itself."""
    parts = (architecture.genome.to_json(), repr(recipe), data.fingerprint)
    if len(set(group.gather("\n".join(parts).encode()))) > 1:
        raise ConfigMismatchError(
            "the processes that train together found different architectures, settings or texts: "
            "the study may have changed meanwhile. Start them again, with --trial."
        )


def _check_stop(should_stop: Callable[[], bool] | None) -> None:
    if should_stop is not None and should_stop():
        raise ChildInterruptedError("it was told to stop; what is trained is kept.")


def _metrics(
    members: Sequence[Member],
    data: XmcDataset,
    training: TrainingConfig,
    linear: LinearVerdict | None,
) -> dict[str, Any]:
    """Return what the model, each of its members and the baseline are worth, as JSON values."""

    def report(children: Sequence[ChildNetwork], split: TokenSplit | None) -> Any:
        if split is None:
            return None
        top = predict_top_k(
            children,
            split,
            _PLACES,
            batch_size=_EVALUATION_FACTOR * training.batch_size,
            device=training.device,
            precision=training.precision,
        )
        propensity = inverse_propensity(data.train.labels)
        return dict(evaluate(top.labels, split.labels, propensity=propensity))

    children = [member.child for member in members]
    tests = [report([child], data.test) for child in children]
    is_one = len(members) == 1
    return {
        "validation": report(children, data.validation),
        "test": tests[0] if is_one else report(children, data.test),
        "members": [
            {"seed": member.seed, **member.report, "test": test}
            for member, test in zip(members, tests, strict=True)
        ],
        "linear": linear
        and {
            "description": linear.description,
            "test": dict(linear.test),
            "seconds": sum(linear.seconds),
        },
    }


def _facts(
    raw: TextDataset,
    data: XmcDataset,
    architecture: Architecture,
    recipe: Recipe,
    members: Sequence[Member],
    drawing: str,
) -> dict[str, Any]:
    device = resolve_device(recipe.training.device)
    found = f"; validation P@5 where it was found: {architecture.score}"
    where = found if architecture.score else ""
    return {
        "architecture": drawing,
        "origin": architecture.name + where,
        "data": {
            **asdict(recipe.data),
            "texts": raw.fingerprint,
            "fingerprint": data.fingerprint,
            "vectors": data.vectors_origin,
            "n_validation": len(data.validation),
            "n_test": 0 if data.test is None else len(data.test),
        },
        "training": {**recipe.training.to_record(), "n_seeds": recipe.n_seeds},
        "seconds": sum(member.report["seconds"] for member in members),
        "device": describe_device(device),
        "created": datetime.now(UTC).date().isoformat(),
    }
