"""The pictures of children on the pages of their trials."""

from __future__ import annotations

from collections.abc import Callable
import errno
import logging
from pathlib import Path
from xml.etree import ElementTree

from optuna import Study
from optuna import Trial
from optuna.artifacts import FileSystemArtifactStore
from optuna.artifacts import get_all_artifact_meta
from optuna.trial import TrialState
import pytest

from optuna_xmcnas.dashboard import pictures
from optuna_xmcnas.dashboard import Showcase
from optuna_xmcnas.dashboard.pictures import WholeFileStore
from optuna_xmcnas.exceptions import StorageError
from optuna_xmcnas.study import fail_record
from tests.dashboard.simulated import begin
from tests.dashboard.simulated import make_study
from tests.dashboard.simulated import SPACE
from tests.dashboard.simulated import train


@pytest.fixture
def study() -> Study:
    return make_study()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "artifacts"


def run_child(study: Study, showcase: Showcase) -> Trial:
    trial = study.ask()
    genome = begin(trial)
    showcase.child_began(trial, genome)
    score = train(trial, genome)
    showcase.child_ended(trial, score)
    study.tell(trial, score)
    return trial


def picture(trial: Trial, folder: Path) -> str:
    """Return the picture of a trial as whoever reads the dashboard gets it."""
    (found,) = get_all_artifact_meta(trial)
    assert (found.filename, found.mimetype, found.encoding) == (
        "architecture.svg",
        "image/svg+xml",
        None,
    )
    with FileSystemArtifactStore(folder).open_reader(found.artifact_id) as file:
        svg = file.read().decode()
    ElementTree.fromstring(svg)
    return svg


def files(folder: Path) -> list[Path]:
    return list(folder.rglob("*"))


def test_a_child_in_training_has_its_picture(study: Study, folder: Path) -> None:
    trial = study.ask()
    genome = begin(trial)
    Showcase(folder).child_began(trial, genome)
    svg = picture(trial, folder)
    assert "trial 0" in svg
    assert all(node.op in svg for node in genome.nodes)
    assert len(files(folder)) == 1


def test_a_trained_child_has_its_weights_and_score_in_the_same_picture(
    study: Study, folder: Path
) -> None:
    showcase = Showcase(folder)
    trial = study.ask()
    genome = begin(trial)
    showcase.child_began(trial, genome)
    before = picture(trial, folder)
    score = train(trial, genome)
    showcase.child_ended(trial, score)
    study.tell(trial, score)
    after = picture(trial, folder)
    assert f"{100 * score:.2f}" in after
    assert f"{100 * score:.2f}" not in before
    assert f"{1 / genome.n_layers:.2f}" in after
    assert len(files(folder)) == 1


def test_a_mutant_has_what_differs_from_its_parent_marked(study: Study, folder: Path) -> None:
    showcase = Showcase(folder)
    trials = [run_child(study, showcase) for _ in range(8)]
    assert "child of trial" not in picture(trials[0], folder)
    mutant = picture(trials[-1], folder)
    assert "child of trial" in mutant
    assert "since the parent" in mutant


def test_a_parent_without_a_record_leaves_a_picture_without_marks(
    study: Study, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(4):
        run_child(study, Showcase(None))
    monkeypatch.setattr(pictures, "trial_numbered", lambda *_: None)
    svg = picture(run_child(study, Showcase(folder)), folder)
    assert "child of trial" in svg
    assert "since the parent" not in svg


def test_a_child_that_failed_keeps_its_picture_which_says_so(study: Study, folder: Path) -> None:
    showcase = Showcase(folder)
    trial = study.ask()
    showcase.child_began(trial, begin(trial))
    fail_record(trial, "out of memory")
    showcase.child_ended(trial)
    study.tell(trial, state=TrialState.FAIL)
    assert "failed" in picture(trial, folder)


def test_an_objective_without_records_has_pictures_too(study: Study, folder: Path) -> None:
    showcase = Showcase(folder)
    trial = study.ask()
    showcase.child_began(trial, SPACE.suggest(trial))
    showcase.child_ended(trial, 12.5)
    assert "value 12.5" in picture(trial, folder)


def test_a_child_of_which_nothing_is_known_in_the_end_keeps_the_picture_that_it_has(
    study: Study, folder: Path
) -> None:
    showcase = Showcase(folder)
    trial = study.ask()
    showcase.child_began(trial, begin(trial))
    before = picture(trial, folder)
    showcase.child_ended(trial)
    assert picture(trial, folder) == before


def test_trials_of_studies_of_one_name_have_their_own_pictures(folder: Path) -> None:
    showcase = Showcase(folder)
    trials = [make_study().ask() for _ in range(2)]
    for trial in trials:
        showcase.child_began(trial, SPACE.suggest(trial))
    for trial, score in zip(trials, (11.5, 12.5), strict=True):
        showcase.child_ended(trial, score)
    assert ["value 11.5" in picture(trial, folder) for trial in trials] == [True, False]
    assert ["value 12.5" in picture(trial, folder) for trial in trials] == [False, True]


def test_children_of_which_nobody_tells_the_end_are_forgotten(
    study: Study, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "_MOST_IN_TRAINING", 2)
    showcase = Showcase(folder)
    trials = [study.ask() for _ in range(3)]
    for trial in trials:
        showcase.child_began(trial, SPACE.suggest(trial))
    for trial in trials:
        showcase.child_ended(trial, 12.5)
    assert ["12.5" in picture(trial, folder) for trial in trials] == [False, True, True]


def test_weights_that_do_not_fit_are_left_out_of_the_picture(
    study: Study, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    showcase = Showcase(folder)
    trial = study.ask()
    genome = begin(trial)
    showcase.child_began(trial, genome)
    train(trial, genome)
    trial.set_user_attr("node_weights", [0.5] * 9)
    showcase.child_ended(trial, 0.5)
    assert "P@5" in picture(trial, folder)
    assert caplog.text == ""


def test_nothing_is_uploaded_to_a_trial_that_has_ended(
    study: Study, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    trial = study.ask()
    genome = begin(trial)
    study.tell(trial, 0.5)
    showcase = Showcase(folder)
    showcase.child_began(trial, genome)
    showcase.child_ended(trial, 0.5)
    assert get_all_artifact_meta(trial) == []
    assert files(folder) == []
    assert "UpdateFinishedTrialError" in caplog.text


def test_without_a_folder_there_are_no_pictures(study: Study) -> None:
    assert get_all_artifact_meta(run_child(study, Showcase(None))) == []


def test_a_huge_picture_is_left_out(
    study: Study,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(pictures, "draw_svg", lambda *_, **__: "<svg/>" + " " * 2**17)
    assert get_all_artifact_meta(run_child(study, Showcase(folder))) == []
    assert "128 KiB, more than 64 KiB" in caplog.text


def _full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def _a_file_in_the_way(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.write_text("no folder")


def _a_full_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WholeFileStore, "write", _full)


def _a_storage_that_is_away(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> str:
        raise StorageError("the storage did not answer for 600 s")

    monkeypatch.setattr(pictures, "upload_artifact", fail)


def _a_drawing_that_fails(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr(pictures, "draw_svg", fail)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_a_file_in_the_way, "FileExistsError"),
        (_a_full_disk, "No space left"),
        (_a_storage_that_is_away, "did not answer"),
        (_a_drawing_that_fails, "ZeroDivisionError"),
    ],
)
def test_what_goes_wrong_is_logged_once_and_leaves_nothing_behind(
    study: Study,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    spoil: Callable[[Path, pytest.MonkeyPatch], None],
    reason: str,
) -> None:
    spoil(folder, monkeypatch)
    showcase = Showcase(folder)
    for _ in range(3):
        run_child(study, showcase)
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * 3
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warnings) == 1
    assert reason in warnings[0].getMessage()
    assert files(folder) == []


def test_a_disk_that_fills_up_leaves_the_picture_of_before(
    study: Study, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    showcase = Showcase(folder)
    trial = study.ask()
    genome = begin(trial)
    showcase.child_began(trial, genome)
    before = picture(trial, folder)
    score = train(trial, genome)
    monkeypatch.setattr("optuna_xmcnas.dashboard.pictures.shutil.copyfileobj", _full)
    showcase.child_ended(trial, score)
    assert picture(trial, folder) == before
    assert len(files(folder)) == 1


def test_a_wish_to_stop_is_not_ignored(
    study: Study, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(pictures, "draw_svg", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_child(study, Showcase(folder))


def test_after_a_slow_upload_there_is_a_pause(
    study: Study,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    times = iter([100.0, 100.0, 110.0])
    showcase = Showcase(folder)
    trial = study.ask()
    genome = begin(trial)
    with monkeypatch.context() as patch:
        patch.setattr("optuna_xmcnas.dashboard.showcase.time.monotonic", lambda: next(times))
        showcase.child_began(trial, genome)
    assert "took 10 s" in caplog.text
    with monkeypatch.context() as patch:
        patch.setattr("optuna_xmcnas.dashboard.showcase.time.monotonic", lambda: 609.0)
        assert get_all_artifact_meta(run_child(study, showcase)) == []
        patch.setattr("optuna_xmcnas.dashboard.showcase.time.monotonic", lambda: 611.0)
        assert len(get_all_artifact_meta(run_child(study, showcase))) == 1
