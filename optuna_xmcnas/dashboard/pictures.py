"""The architecture of each trial, as a picture on its page of optuna-dashboard.

Optuna lets an artifact be added to a trial only while the trial runs, so a picture is uploaded
when the child begins. When the child is trained, the same file is written anew, with the weights
of the nodes and the score.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
import logging
import os
from pathlib import Path
import shutil
import tempfile
from typing import final
from typing import TYPE_CHECKING

from optuna.artifacts import FileSystemArtifactStore
from optuna.artifacts import upload_artifact
from optuna.trial import create_trial
from optuna.trial import TrialState

from optuna_xmcnas.dashboard.storage import trial_key
from optuna_xmcnas.dashboard.storage import trial_numbered
from optuna_xmcnas.drawing import draw_svg
from optuna_xmcnas.drawing import fitting_weights
from optuna_xmcnas.drawing import trial_caption
from optuna_xmcnas.drawing import trial_title
from optuna_xmcnas.samplers import proposal_of
from optuna_xmcnas.study import read_record


if TYPE_CHECKING:
    from typing import BinaryIO

    from optuna import Trial
    from optuna.storages import BaseStorage

    from optuna_xmcnas.genome import Genome
    from optuna_xmcnas.samplers import Proposal
    from optuna_xmcnas.study import TrialRecord


_LOGGER = logging.getLogger(__name__)
PICTURE_NAME = "architecture.svg"
_MIMETYPE = "image/svg+xml"
_LARGEST_BYTES = 64 * 2**10  # a genome of eight nodes takes 8 KiB
_MOST_IN_TRAINING = 256  # in one process; of more, some have ended and nobody told us


@final
class WholeFileStore(FileSystemArtifactStore):
    """A folder of artifacts in which a file is there as a whole, or as it was before.

    Args:
        folder: Made when the first artifact is written.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.folder = folder

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        """Write an artifact, in place of the one of this id if there is one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f".{artifact_id}.writing"
        try:
            with path.open("wb") as file:
                shutil.copyfileobj(content_body, file)
            os.replace(path, self.folder / artifact_id)
        except BaseException:
            path.unlink(missing_ok=True)
            raise


@dataclass(frozen=True, kw_only=True)
class _Shown:
    """What a picture was drawn from when its child began."""

    artifact_id: str
    genome: Genome
    parent: Genome | None
    caption: str


@final
class Pictures:
    """Draws children into a folder of artifacts.

    Args:
        folder: What ``optuna-dashboard`` is started with as ``--artifact-dir``.
    """

    def __init__(self, folder: Path) -> None:
        self._store = WholeFileStore(folder)
        # of children that have not ended, as far as we were told; the latest is the last
        self._shown: dict[tuple[BaseStorage, int], _Shown] = {}

    def upload(self, trial: Trial, genome: Genome) -> None:
        """Add a picture to a trial that runs, with what is different in its parent marked."""
        # what the trial's record says costs no question to the storage, unlike the proposal
        origin = _record_of(trial) or proposal_of(trial)
        parent = _parent_of(trial, origin)
        title = trial_title(trial.number)
        caption = "" if origin is None else trial_caption(origin.parent, origin.mutation)
        svg = draw_svg(genome, parent=parent, title=title, caption=caption).encode()
        if not _is_small(svg, trial):
            return
        folder = self._store.folder
        folder.mkdir(parents=True, exist_ok=True)
        # Beside the artifacts, so that a full or protected disk is found before the trial says
        # that it has a picture.
        with tempfile.TemporaryDirectory(prefix=".writing-", dir=folder) as scratch:
            path = Path(scratch) / PICTURE_NAME
            path.write_bytes(svg)
            artifact_id = upload_artifact(
                artifact_store=self._store,
                file_path=str(path),
                study_or_trial=trial,
                mimetype=_MIMETYPE,
            )
        self._shown[trial_key(trial)] = _Shown(
            artifact_id=artifact_id, genome=genome, parent=parent, caption=caption
        )
        if len(self._shown) > _MOST_IN_TRAINING:
            self._shown.pop(next(iter(self._shown)), None)

    def complete(self, trial: Trial, score: float | None) -> str | None:
        """Draw the picture of a trial again, with what is known before the trial is ended.

        Args:
            trial: The trial.
            score: What the objective returns; None takes what the trial's record says.

        Returns:
            The id of the artifact, None if it was not drawn again.
        """
        shown = self._shown.pop(trial_key(trial), None)
        if shown is None:
            return None
        record = _record_of(trial)
        title = _title(trial.number, record, score)
        if title is None:
            return None
        svg = draw_svg(
            shown.genome,
            None if record is None else fitting_weights(shown.genome, record.node_weights),
            parent=shown.parent,
            title=title,
            caption=shown.caption,
        ).encode()
        if not _is_small(svg, trial):
            return None
        self._store.write(shown.artifact_id, BytesIO(svg))
        return shown.artifact_id


def _record_of(trial: Trial) -> TrialRecord | None:
    """Return the record of a trial of ours as far as it is written; asks no storage."""
    return read_record(create_trial(state=TrialState.RUNNING, user_attrs=trial.user_attrs))


def _parent_of(trial: Trial, origin: Proposal | TrialRecord | None) -> Genome | None:
    """Return the genome that was mutated; None if there is none, or nobody wrote it down."""
    if origin is None or origin.parent is None:
        return None
    parent = trial_numbered(trial.study, origin.parent)
    record = None if parent is None else read_record(parent)
    return None if record is None else record.genome


def _title(number: int, record: TrialRecord | None, score: float | None) -> str | None:
    """Return what is known of a child in the end; None if it is nothing new."""
    if record is not None and record.failure is not None:
        return trial_title(number, state="failed")
    p_at_5 = None if record is None else record.metrics.get("P@5")
    if p_at_5 is not None:
        return trial_title(number, p_at_5)
    return None if score is None else trial_title(number, state=f"value {score:.4g}")


def _is_small(svg: bytes, trial: Trial) -> bool:
    if len(svg) <= _LARGEST_BYTES:
        return True
    _LOGGER.warning(
        "the picture of trial %d would take %d KiB, more than %d KiB, and is left out.",
        trial.number,
        len(svg) // 2**10,
        _LARGEST_BYTES // 2**10,
    )
    return False
