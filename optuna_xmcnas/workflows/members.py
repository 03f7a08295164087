"""The trainings that make up a model: one for each seed, kept until the model is whole."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
import hashlib
import json
import logging
from pathlib import Path
from typing import Any
from typing import Protocol
from typing import TYPE_CHECKING

from optuna_xmcnas.exceptions import CheckpointError
from optuna_xmcnas.objective import curve_point
from optuna_xmcnas.objective import train_genome
from optuna_xmcnas.study.curve import curve_to_record
from optuna_xmcnas.training import load_child
from optuna_xmcnas.training import remove_checkpoint
from optuna_xmcnas.training import save_child
from optuna_xmcnas.training import TrainingCheckpoint


if TYPE_CHECKING:
    from optuna_xmcnas.child import ChildConfig
    from optuna_xmcnas.child import ChildNetwork
    from optuna_xmcnas.data import XmcDataset
    from optuna_xmcnas.study import CurvePoint
    from optuna_xmcnas.training import Evaluation
    from optuna_xmcnas.training import ProcessGroup
    from optuna_xmcnas.training import TrainingConfig
    from optuna_xmcnas.workflows.architecture import Architecture


_LOGGER = logging.getLogger(__name__)
_IDENTITY = "retraining"  # names in the files of finished members
_REPORT = "report"


class RetrainObserver(Protocol):
    """Somebody who watches a training in full; all methods return at once."""

    def data_ready(self, data: XmcDataset) -> None:
        """The documents are read and numbered."""

    def member_began(self, seed: int, child: ChildNetwork) -> None:
        """A training begins, or goes on from its checkpoint."""

    def member_evaluated(self, seed: int, evaluation: Evaluation) -> None:
        """A child was evaluated on the validation split."""

    def member_ended(self, seed: int, validation: Mapping[str, float]) -> None:
        """A training is over, in this run or in one before."""

    def judging_began(self) -> None:
        """The test split is read."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Member:
    """A trained child of a model.

    Attributes:
        seed: Of its weights, document order and dropout.
        child: The child, with its best weights.
        report: Validation metrics and curve, steps, epochs, seconds, why it ended, and
            after how many steps it was taken up, if it was; JSON values.
    """

    seed: int
    child: ChildNetwork
    report: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class MemberTraining:
    """The training of one seed: read if it is finished, else done."""

    architecture: Architecture
    data: XmcDataset
    child_config: ChildConfig
    config: TrainingConfig
    folder: Path
    group: ProcessGroup

    def member(
        self,
        observer: RetrainObserver,
        checkpoint_every_s: float,
        should_stop: Callable[[], bool] | None,
    ) -> Member | None:
        """Return the trained child; None in other processes, if the first has a file of it."""
        # only the first process writes files, and others may not see them
        member = self._finished() if self.group.rank == 0 else None
        if not self.group.is_any(member is not None):
            member = self._train(observer, checkpoint_every_s, should_stop)
        if member is not None:
            observer.member_ended(self.config.seed, member.report["validation"])
        return member

    @property
    def path(self) -> Path:
        """Where the child is kept once it is trained."""
        return self.folder / f"seed-{self.config.seed}.safetensors"

    @property
    def identity(self) -> str:
        """What two trainings must have in common to be the same."""
        training = self.config.to_record()
        for name in ("device", "precision"):
            training.pop(name, None)
        parts = {
            "data": self.data.fingerprint,
            "genome": self.architecture.genome.to_json(),
            "child": asdict(self.child_config),
            "training": training,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def _finished(self) -> Member | None:
        try:
            child, found = load_child(self.path, self.data.vectors)
            if found.get(_IDENTITY) != self.identity:
                _LOGGER.warning("%s is of another training and is written over.", self.path)
                return None
            return Member(seed=self.config.seed, child=child, report=json.loads(found[_REPORT]))
        except FileNotFoundError:
            return None
        except (CheckpointError, KeyError, ValueError) as error:
            _LOGGER.warning("%s The child is trained again.", error)
            return None

    def _train(
        self,
        observer: RetrainObserver,
        checkpoint_every_s: float,
        should_stop: Callable[[], bool] | None,
    ) -> Member:
        seed = self.config.seed
        checkpoint = self.folder / f"seed-{seed}.training.safetensors"
        curve: list[CurvePoint] = []

        def evaluated(evaluation: Evaluation) -> None:
            curve.append(curve_point(evaluation, self.data, self.config))
            observer.member_evaluated(seed, evaluation)

        child, result = train_genome(
            self.architecture.genome,
            self.data,
            self.child_config,
            self.config,
            on_built=lambda child: observer.member_began(seed, child),
            on_evaluation=evaluated,
            checkpoint=TrainingCheckpoint(
                checkpoint, {"texts": self.data.fingerprint}, every_s=checkpoint_every_s
            ),
            should_stop=should_stop,
            group=self.group,
        )
        report = {
            "validation": dict(result.best.report),
            "epochs": result.epochs,
            "steps": result.steps,
            "best_step": result.best.step,
            "seconds": result.seconds,
            "peak_memory_bytes": result.peak_memory_bytes,
            "stop_reason": result.stop_reason,
            "curve": curve_to_record(curve),
            "resumed_at_step": result.resumed_at_step,
        }
        if self.group.rank == 0:
            metadata = {_IDENTITY: self.identity, _REPORT: json.dumps(report)}
            save_child(self.path, child, metadata)
            remove_checkpoint(checkpoint)
            child.cpu()  # the next one wants the device for itself
        return Member(seed=seed, child=child, report=report)
