"""The figures and the note of a study."""

from __future__ import annotations

from collections.abc import Callable
import json
import logging
from pathlib import Path
import sys
from typing import Any

import optuna
from optuna import Study
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState
from optuna_dashboard import get_note
from optuna_dashboard import save_note
from optuna_dashboard._custom_plot_data import get_plotly_graph_objects
import pytest

from optuna_xmcnas.analysis import read_history
from optuna_xmcnas.dashboard import gallery
from optuna_xmcnas.dashboard import Showcase
from optuna_xmcnas.dashboard.turn import Claim
from optuna_xmcnas.exceptions import StorageError
from optuna_xmcnas.study import complete_record
from tests.dashboard.simulated import begin
from tests.dashboard.simulated import make_study
from tests.dashboard.simulated import SPACE
from tests.dashboard.simulated import train


NAMES = {"xmcnas-progress", "xmcnas-family", "xmcnas-operations", "xmcnas-weights"}


@pytest.fixture
def study() -> Study:
    study = make_study()
    run(study, 6)
    return study


def run(study: Study, n_trials: int, showcase: Showcase | None = None) -> None:
    for _ in range(n_trials):
        trial = study.ask()
        genome = begin(trial)
        if showcase is not None:
            showcase.child_began(trial, genome)
        score = train(trial, genome)
        if showcase is not None:
            showcase.child_ended(trial, score)
        study.tell(trial, score)


def figures(study: Study) -> dict[str, Any]:
    """Return the figures as whoever reads the dashboard gets them."""
    attributes = study._storage.get_study_system_attrs(study._study_id)
    return {name: json.loads(text) for name, text in get_plotly_graph_objects(attributes).items()}


def test_a_study_has_four_figures(study: Study) -> None:
    Showcase(None).study_changed(study)
    found = figures(study)
    assert set(found) == NAMES
    assert all(figure["data"] for figure in found.values())
    assert all(figure["layout"]["title"]["text"] for figure in found.values())


def test_a_second_look_within_a_minute_changes_nothing(study: Study) -> None:
    showcase = Showcase(None)
    showcase.study_changed(study)
    before = figures(study)
    run(study, 1)
    showcase.study_changed(study)
    Showcase(None).study_changed(study)  # of another worker
    assert figures(study) == before


def test_the_end_of_a_search_is_shown_at_once(study: Study) -> None:
    showcase = Showcase(None)
    showcase.study_changed(study)
    before = figures(study)
    run(study, 1)
    showcase.study_changed(study, force=True)
    assert figures(study) != before


def test_a_refresh_reads_finished_trials_once(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    showcase = Showcase(None, refresh_every_s=0.0)
    read: list[int] = []

    def spy(study: Study, *, known: Any) -> Any:
        read.append(len(known))
        return read_history(study, known=known)

    monkeypatch.setattr(gallery, "read_history", spy)
    showcase.study_changed(study, force=True)
    study.ask()
    run(study, 1)
    showcase.study_changed(study, force=True)
    run(study, 1)
    showcase.study_changed(study, force=True)
    assert read == [0, 6, 7]


def test_a_study_without_finished_trials_has_no_figures() -> None:
    study = make_study()
    study.ask()
    Showcase(None).study_changed(study, force=True)
    assert figures(study) == {}
    assert get_note(study) == ""


def test_trials_of_others_and_half_written_ones_are_no_hindrance(
    study: Study, caplog: pytest.LogCaptureFixture
) -> None:
    study.add_trial(optuna.trial.create_trial(value=0.1))
    study.add_trial(optuna.trial.create_trial(value=0.2, user_attrs={"xmcnas_format": 1}))
    study.add_trial(optuna.trial.create_trial(value=float("inf")))
    study.add_trial(optuna.trial.create_trial(state=TrialState.FAIL))
    SPACE.suggest(study.ask())
    Showcase(None).study_changed(study)
    assert set(figures(study)) == NAMES
    assert caplog.text == ""


def test_several_studies_have_their_own_turns(study: Study) -> None:
    other = make_study(study._storage, name="other")
    run(other, 3)
    showcase = Showcase(None)
    showcase.study_changed(study)
    showcase.study_changed(other)
    assert set(figures(other)) == NAMES


def test_the_note_shows_the_best_child_with_its_picture(tmp_path: Path) -> None:
    study = make_study()
    showcase = Showcase(tmp_path)
    run(study, 5, showcase)
    showcase.study_changed(study)
    note = get_note(study)
    best = study.best_trial
    assert f"trial {best.number}" in note
    assert f"{100 * best.values[0]:.2f}" in note
    assert f"(/artifacts/{study._study_id}/{best._trial_id}/" in note
    assert "└── " in note


def test_the_note_is_written_anew_for_a_new_best_child_alone(study: Study) -> None:
    showcase = Showcase(None)
    showcase.study_changed(study)
    before = get_note(study)
    study.add_trial(optuna.trial.create_trial(value=0.01))
    showcase.study_changed(study, force=True)
    assert get_note(study) == before
    study.add_trial(optuna.trial.create_trial(value=0.99))
    showcase.study_changed(study, force=True)
    assert "trial 7" in get_note(study)


def test_a_note_of_a_person_stays(study: Study) -> None:
    showcase = Showcase(None)
    showcase.study_changed(study)
    mine = get_note(study) + "\nAsk Ada about this one."
    save_note(study, mine)
    study.add_trial(optuna.trial.create_trial(value=0.99))
    showcase.study_changed(study, force=True)
    assert get_note(study) == mine


def test_a_new_best_child_has_a_note_with_its_picture_and_others_have_none(
    tmp_path: Path,
) -> None:
    study = make_study()
    showcase = Showcase(tmp_path)
    run(study, 3, showcase)
    showcase.study_changed(study)
    trials = []
    for score in (0.01, 0.98, 0.02, 0.97, 0.99):
        trial = study.ask()
        showcase.child_began(trial, begin(trial))
        showcase.child_ended(trial, score)
        study.tell(trial, score)
        trials.append(trial)
    assert [bool(get_note(trial)) for trial in trials] == [False, True, False, False, True]
    assert f"](/artifacts/{study._study_id}/{trials[1]._trial_id}/" in get_note(trials[1])


def test_a_child_that_another_worker_has_beaten_has_no_note(tmp_path: Path) -> None:
    study = make_study()
    one, other = (Showcase(tmp_path, refresh_every_s=0.0) for _ in range(2))
    noted = []
    for showcase, score in ((one, 0.3), (other, 0.31), (one, 0.9), (other, 0.4), (other, 0.95)):
        trial = study.ask()
        showcase.child_began(trial, begin(trial))
        showcase.child_ended(trial, score)
        noted.append(bool(get_note(trial)))
        study.tell(trial, score)
        if trial.number < 2:
            showcase.study_changed(study)
    assert noted == [False, False, True, False, True]


def test_a_study_that_minimises_has_figures_and_a_note_of_its_lowest_child(tmp_path: Path) -> None:
    study = make_study(direction="minimize")
    showcase = Showcase(tmp_path, refresh_every_s=0.0)
    run(study, 6, showcase)
    showcase.study_changed(study)
    assert set(figures(study)) == NAMES
    note = get_note(study)
    assert f"trial {study.best_trial.number}\n\nValue: **{study.best_value:.4g}**" in note
    assert "**Best value**" in note
    claim = Claim.from_record(study.user_attrs["xmcnas:figures"])
    assert claim is not None
    assert claim.best == study.best_trial.number
    noted = []
    for score in (0.9, 0.01, 0.02):
        trial = study.ask()
        showcase.child_began(trial, begin(trial))
        showcase.child_ended(trial, score)
        noted.append(bool(get_note(trial)))
        study.tell(trial, score)
    assert noted == [False, True, False]


def test_the_note_calls_the_values_what_they_are(study: Study) -> None:
    Showcase(None).study_changed(study)
    assert "**Best P@5**" in get_note(study)
    other = make_study()
    other.add_trial(optuna.trial.create_trial(value=12.5))
    Showcase(None).study_changed(other)
    note = get_note(other)
    assert "Value: **12.5**" in note
    assert "**Best value**" in note
    assert "P@5" not in note


def test_weights_that_do_not_fit_are_not_in_the_note(
    study: Study, caplog: pytest.LogCaptureFixture
) -> None:
    trial = study.ask()
    begin(trial)
    complete_record(
        trial,
        metrics={"P@5": 0.99},
        node_weights=(0.5,) * 9,
        n_parameters=1,
        seconds=1.0,
        peak_memory_bytes=1,
        epochs=1,
        stop_reason="patience",
        curve=[],
    )
    study.tell(trial, 0.99)
    Showcase(None).study_changed(study)
    note = get_note(study)
    assert f"trial {trial.number}" in note
    assert "The bars" not in note
    assert caplog.text == ""


def test_a_note_that_fails_leaves_the_figures_as_drawn(
    study: Study, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    drawn: list[int] = []

    def fail(*_: object) -> None:
        raise StorageError("no place for a note")

    monkeypatch.setattr(gallery, "save_study_note", fail)
    monkeypatch.setattr(gallery, "save_figures", lambda *_: drawn.append(1))
    showcase = Showcase(None)
    for _ in range(3):
        showcase.study_changed(study, force=True)
    assert drawn == [1]
    assert "the note of the study is not written" in caplog.text


def test_finished_trials_are_kept_without_their_curves(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[Any] = []

    def spy(study: Study, *, known: Any) -> Any:
        kept[:] = [row.record for row in known.values()]
        return read_history(study, known=known)

    monkeypatch.setattr(gallery, "read_history", spy)
    showcase = Showcase(None)
    showcase.study_changed(study, force=True)
    run(study, 1)
    showcase.study_changed(study, force=True)
    assert len(kept) == 6
    assert all(record.curve is None and record.node_weights for record in kept)


def test_only_a_worker_whose_turn_it_is_loads_the_dashboard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    study = make_study()
    run(study, 3)
    Showcase(None).study_changed(study)
    run(study, 1)
    monkeypatch.setitem(sys.modules, "optuna_dashboard", None)  # an import of it fails
    showcase = Showcase(tmp_path)
    showcase.study_changed(study)
    trial = study.ask()
    showcase.child_began(trial, begin(trial))
    showcase.child_ended(trial, 0.99)
    assert caplog.text == ""


def test_studies_of_one_name_in_two_storages_have_their_own_figures() -> None:
    showcase = Showcase(None)
    studies = [make_study(), make_study()]
    for study in studies:
        run(study, 3)
        showcase.study_changed(study)
    assert [set(figures(study)) for study in studies] == [NAMES, NAMES]


def _the_storage_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise StorageError("the storage did not answer for 600 s")

    monkeypatch.setattr(InMemoryStorage, "set_study_system_attr", fail)


def _the_claim_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise StorageError("the storage did not answer for 600 s")

    monkeypatch.setattr(InMemoryStorage, "set_study_user_attr", fail)


def _the_study_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RecursionError("did not answer")

    monkeypatch.setattr(gallery, "read_history", fail)


@pytest.mark.parametrize(
    "spoil", [_the_storage_is_away, _the_claim_cannot_be_written, _the_study_cannot_be_read]
)
def test_what_goes_wrong_is_logged_once(
    study: Study,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    spoil: Callable[[pytest.MonkeyPatch], None],
) -> None:
    spoil(monkeypatch)
    showcase = Showcase(None)
    for _ in range(3):
        showcase.study_changed(study, force=True)
        run(study, 1)
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warnings) == 1
    assert "did not answer" in warnings[0].getMessage()


def test_a_study_with_two_objectives_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    study = optuna.create_study(directions=["maximize", "minimize"])
    study.add_trial(optuna.trial.create_trial(values=[1.0, 2.0]))
    Showcase(None).study_changed(study)
    assert figures(study) == {}
    assert "2 objectives" in caplog.text


def test_a_wish_to_stop_is_not_ignored(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(gallery, "read_history", interrupt)
    showcase = Showcase(None)
    with pytest.raises(KeyboardInterrupt):
        showcase.study_changed(study)
    with pytest.raises(KeyboardInterrupt):  # nothing is locked
        showcase.study_changed(study, force=True)
    monkeypatch.undo()
    showcase.study_changed(study, force=True)  # what was claimed is drawn in the end
    assert set(figures(study)) == NAMES


def test_a_negative_pause_is_refused() -> None:
    with pytest.raises(ValueError, match=r"refresh_every_s.*got -1"):
        Showcase(None, refresh_every_s=-1)
