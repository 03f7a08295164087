"""What is deleted from the folder of a study, and what is kept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from optuna.trial import create_trial
from optuna.trial import FrozenTrial
from optuna.trial import TrialState
import pytest

from optuna_xmcnas.objective import checkpoint_path
from optuna_xmcnas.objective import child_path
from optuna_xmcnas.study import Retry
from optuna_xmcnas.study import RETRY_KEY
from optuna_xmcnas.workflows.files import sweep


COMPLETE, FAIL, RUNNING = TrialState.COMPLETE, TrialState.FAIL, TrialState.RUNNING


def _trials(*kinds: tuple[TrialState, float | None], **retries: Retry) -> list[FrozenTrial]:
    """Return trials in some states; ``t2=Retry(...)`` says whose child number 2 goes on with."""
    trials = []
    for number, (state, value) in enumerate(kinds):
        retry = retries.get(f"t{number}")
        attrs: dict[str, Any] = {} if retry is None else {RETRY_KEY: retry.to_record()}
        trial = create_trial(state=state, value=value, system_attrs=attrs)
        trial.number = number
        trials.append(trial)
    return trials


def _fill(folder: Path, *, children: int = 0, checkpoints: int = 0) -> None:
    for number in range(children):
        child_path(folder, number).touch()
    for number in range(checkpoints):
        checkpoint_path(folder, number).touch()


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_best_child_is_kept_and_worse_ones_are_deleted(tmp_path: Path) -> None:
    _fill(tmp_path, children=4)
    sweep(tmp_path, _trials((COMPLETE, 0.2), (COMPLETE, 0.7), (COMPLETE, 0.5), (FAIL, None)), [])
    assert _names(tmp_path) == {"trial-000001.safetensors"}


def test_of_equal_children_the_first_is_kept(tmp_path: Path) -> None:
    _fill(tmp_path, children=2)
    sweep(tmp_path, _trials((COMPLETE, 0.5), (COMPLETE, 0.5)), [])
    assert _names(tmp_path) == {"trial-000000.safetensors"}


def test_the_child_of_a_trial_that_is_not_told_yet_is_kept(tmp_path: Path) -> None:
    _fill(tmp_path, children=2)  # saved before its score is in the study
    sweep(tmp_path, _trials((COMPLETE, 0.5), (RUNNING, None)), [])
    assert _names(tmp_path) == {"trial-000000.safetensors", "trial-000001.safetensors"}


def test_checkpoints_are_kept_as_long_as_somebody_goes_on_from_them(tmp_path: Path) -> None:
    _fill(tmp_path, checkpoints=4)
    trials = _trials((COMPLETE, 0.5), (RUNNING, None), (FAIL, None), (FAIL, None))
    sweep(tmp_path, trials, owed=[trials[2]])
    assert _names(tmp_path) == {
        "origin-000001.training.safetensors",
        "origin-000002.training.safetensors",
    }


@pytest.mark.parametrize(
    ("state", "value", "is_kept"), [(RUNNING, None, True), (COMPLETE, 0.5, False)]
)
def test_a_retry_holds_the_checkpoint_of_its_origin(
    tmp_path: Path, state: TrialState, value: float | None, is_kept: bool
) -> None:
    _fill(tmp_path, checkpoints=1)
    retries = {"t1": Retry(0, 0, 1), "t2": Retry(0, 1, 2)}
    sweep(tmp_path, _trials((FAIL, None), (FAIL, None), (state, value), **retries), [])
    assert bool(_names(tmp_path)) == is_kept


def test_what_a_killed_worker_was_writing_is_deleted_with_the_rest(tmp_path: Path) -> None:
    for number in range(2):
        for path in (checkpoint_path(tmp_path, number), child_path(tmp_path, number)):
            (tmp_path / f".{path.name}.x1_y.tmp").mkdir()
            (tmp_path / f".{path.name}.x1_y.tmp" / path.name).touch()
    sweep(tmp_path, _trials((FAIL, None), (RUNNING, None)), [])
    assert _names(tmp_path) == {
        ".origin-000001.training.safetensors.x1_y.tmp",
        ".trial-000001.safetensors.x1_y.tmp",
    }


def test_files_of_trials_begun_since_are_kept(tmp_path: Path) -> None:
    _fill(tmp_path, children=3, checkpoints=3)
    sweep(tmp_path, _trials((COMPLETE, 0.5)), [])
    assert _names(tmp_path) == {
        "trial-000000.safetensors",
        *(f"trial-{number:06d}.safetensors" for number in (1, 2)),
        *(f"origin-{number:06d}.training.safetensors" for number in (1, 2)),
    }


def test_foreign_files_are_kept(tmp_path: Path) -> None:
    foreign = {
        "mine.safetensors",
        "trial-0.safetensors",  # not as we number them
        "model-000000.safetensors",
        "trial-000000.safetensors.bak",
        "notes-000000.txt",
    }
    for name in foreign:
        (tmp_path / name).touch()
    sweep(tmp_path, _trials((FAIL, None)), [])
    assert _names(tmp_path) == foreign


def test_workers_may_sweep_one_folder_at_once(tmp_path: Path) -> None:
    _fill(tmp_path, children=300, checkpoints=300)
    trials = _trials(*((COMPLETE, number / 300) for number in range(300)))
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(sweep, tmp_path, trials, []) for _ in range(8)]:
            done.result()
    assert _names(tmp_path) == {"trial-000299.safetensors"}


def test_a_folder_that_is_gone_is_no_error(tmp_path: Path) -> None:
    sweep(tmp_path / "gone", _trials((COMPLETE, 0.5)), [])
