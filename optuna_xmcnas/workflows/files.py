"""The folder of a study: weights of its best child, checkpoints of children in training."""

from __future__ import annotations

from collections.abc import Sequence
import logging
from pathlib import Path
import re
from typing import TYPE_CHECKING

from optuna.trial import TrialState

from optuna_xmcnas.objective import checkpoint_path
from optuna_xmcnas.objective import child_path
from optuna_xmcnas.study import best_of
from optuna_xmcnas.study import origin_number
from optuna_xmcnas.training.tensor_file import remove_file


if TYPE_CHECKING:
    from optuna.trial import FrozenTrial


_LOGGER = logging.getLogger(__name__)
_NUMBER = re.compile(r"-(\d+)\.")
_LEFTOVER = re.compile(r"\.(.+\.safetensors)\.[^.]+\.tmp")


def sweep(folder: Path, trials: Sequence[FrozenTrial], owed: Sequence[FrozenTrial]) -> None:
    """Delete what nobody needs any more: finished children but the best, their checkpoints.

    Args:
        folder: Of the study; other workers may be deleting the same files.
        trials: All trials of the study, by number.
        owed: Those of them whose children are to go on from their checkpoints.
    """
    best = best_of(trial for trial in trials if trial.state == TrialState.COMPLETE)
    in_use = {origin_number(trial) for trial in owed}
    in_use |= {origin_number(trial) for trial in trials if not trial.state.is_finished()}
    for path in _files(folder):
        found = _NUMBER.search(path.name)
        if found is None or int(found[1]) >= len(trials):
            continue  # not ours, or of a trial begun since
        number = int(found[1])
        is_worse_child = path == child_path(folder, number) and (
            trials[number].state.is_finished() and trials[number] is not best
        )
        is_old_checkpoint = path == checkpoint_path(folder, number) and number not in in_use
        if is_worse_child or is_old_checkpoint:
            try:
                remove_file(path)
            except OSError as error:  # of another user, on a file system that is away
                _LOGGER.info("%s is not needed any more and stays: %s", path, error)


def _files(folder: Path) -> set[Path]:
    """Return the files that are in a folder, or were to be when their worker was killed."""
    leftovers = (_LEFTOVER.fullmatch(path.name) for path in folder.glob(".*.tmp"))
    begun = {folder / found[1] for found in leftovers if found is not None}
    return {*folder.glob("*.safetensors"), *begun}
