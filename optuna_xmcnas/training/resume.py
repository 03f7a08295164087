"""A training under way in a file, from which another process can go on with it.

The file is a snapshot of the tensors; its header says which training it is of and how far that
has come. On one machine's CPU a training that went on from a file ends with the same bits as one
that was never interrupted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
import json
import logging
from pathlib import Path
import time
from typing import Any
from typing import final
from typing import TYPE_CHECKING

from optuna_xmcnas.exceptions import CheckpointError
from optuna_xmcnas.training.evaluation import Evaluation
from optuna_xmcnas.training.memory import is_out_of_memory
from optuna_xmcnas.training.tensor_file import check_names
from optuna_xmcnas.training.tensor_file import content_of
from optuna_xmcnas.training.tensor_file import FileKind
from optuna_xmcnas.training.tensor_file import OURS
from optuna_xmcnas.training.tensor_file import read_tensors
from optuna_xmcnas.training.tensor_file import remove_file
from optuna_xmcnas.training.tensor_file import write_tensors


if TYPE_CHECKING:
    from optuna_xmcnas.child import ChildNetwork
    from optuna_xmcnas.data import XmcDataset
    from optuna_xmcnas.training.config import TrainingConfig
    from optuna_xmcnas.training.snapshot import Snapshot


_LOGGER = logging.getLogger(__name__)
_KIND = FileKind(f"{OURS}training_format", "1", "`fit`")
_PROGRESS = f"{OURS}progress"
_NOT_THE_TRAINING = ("device", "precision")  # a training may go on on another machine


@final
@dataclass(frozen=True)
class TrainingCheckpoint:
    """Where a training under way is kept, and how often it is written there.

    Args:
        path: The file; its folder must exist.
        origin: What else the training is of, such as the fingerprint of the data; a file with
            other strings is not gone on with.
        every_s: Seconds between two writings, at least; ``math.inf``: only when told to stop.

    Raises:
        ValueError: If ``every_s`` is negative, or a name begins with ``optuna_xmcnas.``.

    Example:
        >>> TrainingCheckpoint(Path("child.training.safetensors"), every_s=-1)
        Traceback (most recent call last):
        ...
        ValueError: `every_s` must be at least 0 (math.inf: only when told to stop); got -1.
    """

    path: Path
    origin: Mapping[str, str] = field(default_factory=dict)
    every_s: float = 300.0

    def __post_init__(self) -> None:
        if not self.every_s >= 0:
            raise ValueError(
                "`every_s` must be at least 0 (math.inf: only when told to stop); "
                f"got {self.every_s}."
            )
        check_names(self.origin)


def remove_checkpoint(path: Path) -> None:
    """Delete the file of a training, and what writers that were killed left beside it.

    Nothing happens if there is none.
    """
    remove_file(path)


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a training has come.

    Attributes:
        epoch: The epoch under way, from 1.
        n_batches: Batches of that epoch that were learnt.
        step: Optimiser steps so far.
        is_evaluation_due: Whether the next thing to do is an evaluation.
        n_evaluations: How many there were.
        without_gain: How many of them, the last ones in a row, brought no gain.
        seconds: Time spent so far.
        best: The best evaluation so far.
    """

    epoch: int = 1
    n_batches: int = 0
    step: int = 0
    is_evaluation_due: bool = False
    n_evaluations: int = 0
    without_gain: int = 0
    seconds: float = 0.0
    best: Evaluation | None = None

    def to_json(self) -> str:
        """Return it as JSON text.

        Example:
            >>> progress = Progress(epoch=2, step=10)
            >>> Progress.from_json(progress.to_json()) == progress
            True
        """
        best = None if self.best is None else self.best.to_record()
        return json.dumps({**vars(self), "best": best})

    @classmethod
    def from_json(cls, text: str) -> Progress:
        """Return what `to_json` wrote.

        Raises:
            KeyError, TypeError or ValueError: If the text is not that.
        """
        fields: dict[str, Any] = json.loads(text)
        best = fields["best"]
        return cls(**{**fields, "best": None if best is None else Evaluation.from_record(best)})


@final
class TrainingFile:
    """The file of one training: read once at its beginning, written now and then.

    No failure to read or write it ends the training; each is logged as a warning.

    Args:
        checkpoint: Where it is.
        child: The child that is trained.
        data: What it is trained on.
        config: How.
    """

    def __init__(
        self,
        checkpoint: TrainingCheckpoint,
        child: ChildNetwork,
        data: XmcDataset,
        config: TrainingConfig,
    ) -> None:
        self.path = checkpoint.path
        self._every_s = checkpoint.every_s
        self._identity = {**checkpoint.origin, **_identity(child, data, config)}
        self._written = time.monotonic()

    @property
    def is_due(self) -> bool:
        """Whether the time between two writings has passed."""
        return time.monotonic() - self._written >= self._every_s

    def restore(self, snapshot: Snapshot) -> Progress | None:
        """Set a training that has not begun to where the file is; None if it cannot be used."""
        try:
            progress = self._read(snapshot)
        except FileNotFoundError:
            return None
        except (CheckpointError, OSError) as error:
            _LOGGER.warning("the training starts anew, not from its checkpoint: %s", error)
            return None
        _LOGGER.info("the training goes on after step %d, from %s", progress.step, self.path)
        return progress

    def write(self, progress: Progress, snapshot: Snapshot) -> bool:
        """Write the file, and tell whether that was possible.

        Raises:
            NonFiniteLossError: If a loss so far was infinite or not a number.
        """
        self._written = time.monotonic()  # also if it fails: a full disk is not asked every step
        header = {**self._identity, _PROGRESS: progress.to_json()}
        try:
            write_tensors(self.path, _KIND, header, snapshot.take())
        except (CheckpointError, MemoryError, RuntimeError) as error:
            if not isinstance(error, CheckpointError) and not is_out_of_memory(error):
                raise
            _LOGGER.warning("the training goes on without a new checkpoint: %s", error)
            return False
        return True

    def _read(self, snapshot: Snapshot) -> Progress:
        header, tensors = read_tensors(self.path, _KIND)
        content = content_of(header, _KIND)
        try:
            progress = Progress.from_json(content.pop(_PROGRESS))
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"{self.path} does not say how far it is: {error!r}.") from error
        if other := _differences(content, self._identity):
            raise CheckpointError(f"{self.path} is of another training: {'; '.join(other)}.")
        try:
            snapshot.put(tensors, progress.step)
        except CheckpointError as error:
            raise CheckpointError(f"{self.path} cannot be used: {error}") from error
        return progress


def _identity(child: ChildNetwork, data: XmcDataset, config: TrainingConfig) -> dict[str, str]:
    """Return what two trainings must have in common for one to go on from the other."""
    training = {n: v for n, v in config.to_record().items() if n not in _NOT_THE_TRAINING}
    sizes = {
        "n_labels": data.n_labels,
        "n_train": len(data.train),
        "n_train_tokens": len(data.train.tokens),
        "n_validation": len(data.validation),
        "vectors": data.vectors.shape,
    }
    parts = {"training": training, "child": asdict(child.config), "data": sizes}
    names = {
        f"{OURS}{part}.{n}": json.dumps(v) for part, all_ in parts.items() for n, v in all_.items()
    }
    return {f"{OURS}genome": child.genome.to_json(), **names}


def _differences(found: Mapping[str, str], expected: Mapping[str, str]) -> list[str]:
    return [
        f"{name.removeprefix(OURS)} is {found.get(name)}, expected {expected.get(name)}"
        for name in sorted({*found, *expected})
        if found.get(name) != expected.get(name)
    ]
