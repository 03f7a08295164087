"""A search from texts to a verdict, on a tiny generated data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
import os
from pathlib import Path
import signal

import optuna
from optuna.trial import FrozenTrial
from optuna.trial import TrialState
import pytest

from optuna_xmcnas import Genome
from optuna_xmcnas import GenomeSpace
from optuna_xmcnas.analysis import best_records
from optuna_xmcnas.child import ChildConfig
from optuna_xmcnas.dashboard import Showcase
from optuna_xmcnas.data import DataConfig
from optuna_xmcnas.data import prepare
from optuna_xmcnas.data import synthetic_dataset
from optuna_xmcnas.data import TextDataset
from optuna_xmcnas.data import XmcDataset
from optuna_xmcnas.exceptions import ChildOutOfMemoryError
from optuna_xmcnas.exceptions import ConfigMismatchError
from optuna_xmcnas.exceptions import SearchFailedError
from optuna_xmcnas.study import join_study
from optuna_xmcnas.study import linear_of
from optuna_xmcnas.study import metrics_on_test
from optuna_xmcnas.study import open_storage
from optuna_xmcnas.study import read_record
from optuna_xmcnas.study import StudyConfig
from optuna_xmcnas.training import Evaluation
from optuna_xmcnas.training import TrainingConfig
from optuna_xmcnas.workflows import search
from optuna_xmcnas.workflows import SearchOutcome
from optuna_xmcnas.workflows import SearchSettings
from optuna_xmcnas.workflows import Standing
from optuna_xmcnas.workflows.sampler import SamplerName


TINY = SearchSettings(
    n_trials=4,
    population_size=2,
    sample_size=2,
    space=GenomeSpace(ops=("conv1", "maxpool3"), min_layers=1, max_layers=2),
    data=DataConfig(max_tokens=20, validation_documents=30, vector_size=32),
    child=ChildConfig(hidden=16, fully_connected=(32,), attention="self"),
    training=TrainingConfig(epochs=8, batch_size=16, learning_rate=0.02),
)


@pytest.fixture(scope="module")
def raw() -> TextDataset:
    return synthetic_dataset(n_train=200, n_test=40)


class Watcher:
    """Notes what happens, and interrupts at a chosen evaluation."""

    def __init__(self, interrupt_at: int | None = None) -> None:
        self.ended: list[tuple[TrialState, int]] = []
        self.began_with: int | None = None
        self._evaluations = 0
        self._interrupt_at = interrupt_at

    def data_ready(self, data: XmcDataset) -> None:
        pass

    def child_began(self, number: int, genome: Genome) -> None:
        pass

    def child_lost(self, number: int, reason: str) -> None:
        pass

    def others_at_work(self, running: Sequence[int]) -> None:
        pass

    def worker_restarted(self, worker: int, reason: str) -> None:
        pass

    def stopping(self) -> None:
        pass

    def confirming_began(self, study_name: str, n_trainings: int) -> None:
        pass

    def judging_began(self) -> None:
        pass

    def search_began(self, standing: Standing, n_trials: int) -> None:
        self.began_with = standing.n_complete

    def child_evaluated(self, number: int, evaluation: Evaluation) -> None:
        self._evaluations += 1
        if self._evaluations == self._interrupt_at:
            os.kill(os.getpid(), signal.SIGINT)

    def child_ended(self, trial: FrozenTrial, standing: Standing) -> None:
        self.ended.append((trial.state, standing.n_complete))


def _search(
    raw: TextDataset,
    folder: Path,
    settings: SearchSettings = TINY,
    watcher: Watcher | None = None,
    showcase: Showcase | None = None,
) -> SearchOutcome:
    return search(
        raw,
        settings,
        storage=open_storage(f"sqlite:///{folder}/study.db"),
        study_name="tiny",
        children_dir=folder / "children",
        observer=watcher or Watcher(),
        showcase=showcase,
    )


def test_search_ends_with_a_verdict(raw: TextDataset, tmp_path: Path) -> None:
    watcher = Watcher()
    outcome = _search(raw, tmp_path, watcher=watcher)
    verdict = outcome.verdict
    assert verdict is not None
    assert outcome.n_complete == 4
    assert watcher.ended == [(TrialState.COMPLETE, n) for n in (1, 2, 3, 4)]
    assert verdict.trial == outcome.study.best_trial.number
    assert verdict.validation["P@5"] == pytest.approx(outcome.study.best_value)
    assert verdict.test is not None
    assert verdict.frequent is not None
    assert verdict.test["P@1"] > verdict.frequent["P@1"]
    assert metrics_on_test(outcome.study) == {verdict.trial: verdict.test}
    assert verdict.linear is not None
    linear = linear_of(outcome.study)
    assert linear is not None
    assert linear.test == dict(verdict.linear.test)
    children = [path.name for path in (tmp_path / "children").rglob("*.safetensors")]
    assert children == [f"trial-{verdict.trial:06d}.safetensors"]
    records = [read_record(trial) for trial in outcome.study.get_trials()]
    assert all(r is not None and r.stop_reason == "epochs" for r in records)
    assert len({r.seed for r in records if r}) == 4


@pytest.mark.parametrize(("interrupt_at", "expected"), [(1, []), (None, [False, True])])
def test_the_figures_are_not_refreshed_for_one_who_is_told_to_stop(
    raw: TextDataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    interrupt_at: int | None,
    expected: list[bool],
) -> None:
    asked: list[bool] = []

    def note(_: Showcase, study: optuna.Study, *, force: bool = False) -> None:
        asked.append(force)

    monkeypatch.setattr(Showcase, "study_changed", note)
    settings = replace(TINY, n_trials=1)
    _search(raw, tmp_path, settings, Watcher(interrupt_at), Showcase(None))
    assert asked == expected


def test_interrupted_search_goes_on_with_the_same_genome(raw: TextDataset, tmp_path: Path) -> None:
    stopped = _search(raw, tmp_path, watcher=Watcher(interrupt_at=18))  # in the third child
    assert stopped.is_interrupted
    assert stopped.verdict is None
    assert stopped.n_complete == 2
    watcher = Watcher()
    outcome = _search(raw, tmp_path, watcher=watcher)
    assert watcher.began_with == 2
    assert outcome.n_complete == 4
    trials = outcome.study.get_trials()
    states = [trial.state for trial in trials]
    assert states == [TrialState.COMPLETE] * 2 + [TrialState.FAIL] + [TrialState.COMPLETE] * 2
    interrupted, again = read_record(trials[2]), read_record(trials[3])
    assert interrupted is not None
    assert again is not None
    assert interrupted.genome == again.genome
    assert (interrupted.parent, interrupted.mutation) == (again.parent, again.mutation)


def test_finished_search_trains_nothing_again(raw: TextDataset, tmp_path: Path) -> None:
    first = _search(raw, tmp_path)
    watcher = Watcher()
    second = _search(raw, tmp_path, watcher=watcher)
    assert watcher.ended == []
    assert first.verdict == second.verdict


def test_lost_child_is_trained_again_to_the_same_scores(raw: TextDataset, tmp_path: Path) -> None:
    first = _search(raw, tmp_path)
    for path in (tmp_path / "children").rglob("*.safetensors"):
        path.unlink()
    second = _search(raw, tmp_path)
    assert first.verdict is not None
    assert second.verdict is not None
    assert first.verdict.validation == second.verdict.validation


def test_damaged_child_is_trained_again(raw: TextDataset, tmp_path: Path) -> None:
    first = _search(raw, tmp_path)
    (path,) = (tmp_path / "children").rglob("*.safetensors")
    path.write_bytes(path.read_bytes()[:-1])
    assert _search(raw, tmp_path).verdict == first.verdict


@pytest.mark.parametrize("sampler", ["tpe", "random", "nsgaii"])
def test_a_sampler_of_optuna_searches_is_interrupted_and_goes_on(
    raw: TextDataset, tmp_path: Path, sampler: SamplerName
) -> None:
    settings = replace(TINY, sampler=sampler, training=replace(TINY.training, epochs=2))
    stopped = _search(raw, tmp_path, settings, Watcher(interrupt_at=5))  # in the third child
    assert (stopped.is_interrupted, stopped.n_complete) == (True, 2)
    outcome = _search(raw, tmp_path, settings)
    assert outcome.verdict is not None
    assert outcome.n_complete == 4
    interrupted, again = (read_record(trial) for trial in outcome.study.get_trials()[2:4])
    assert interrupted is not None
    assert again is not None
    assert (interrupted.genome, interrupted.seed) == (again.genome, again.seed)
    assert again.resumed_at_step is not None
    assert [record.number for _, record in best_records(outcome.study, 1)] == [
        outcome.verdict.trial
    ]


def test_a_study_from_before_there_was_a_choice_is_searched_by_evolution(
    raw: TextDataset, tmp_path: Path
) -> None:
    settings = replace(TINY, sampler="evolution", n_trials=1)
    config = settings.study_config(prepare(raw, settings.data))
    old = {**config.sections, "sampler": {"population_size": 2, "sample_size": 2, "seed": 0}}
    study = optuna.create_study(
        storage=open_storage(f"sqlite:///{tmp_path}/study.db"),
        study_name="tiny",
        direction="maximize",
    )
    join_study(study, StudyConfig(old))
    with pytest.raises(
        ConfigMismatchError, match=r'sampler\.name: the study has "evolution", asked for "guided"'
    ):
        _search(raw, tmp_path, replace(settings, sampler="guided"))
    assert _search(raw, tmp_path, settings).n_complete == 1
    (folder,) = (tmp_path / "children").iterdir()
    assert folder.name == f"tiny-{StudyConfig(old).fingerprint[:8]}"  # the one it had


def test_other_settings_are_refused_before_training(raw: TextDataset, tmp_path: Path) -> None:
    _search(raw, tmp_path, replace(TINY, n_trials=1))
    other = replace(TINY, child=replace(TINY.child, hidden=8))
    with pytest.raises(ConfigMismatchError, match=r"child\.hidden: the study has 16, asked for 8"):
        _search(raw, tmp_path, other)


def test_more_trials_and_another_device_are_no_other_settings(
    raw: TextDataset, tmp_path: Path
) -> None:
    _search(raw, tmp_path, replace(TINY, n_trials=1))
    more = replace(TINY, n_trials=2, training=replace(TINY.training, device="cpu"))
    assert _search(raw, tmp_path, more).n_complete == 2


def test_failed_children_do_not_count(
    raw: TextDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import optuna_xmcnas.objective as objective

    train = objective.train_genome
    calls = iter(range(100))

    def sometimes(*args: object, **kwargs: object) -> object:
        if next(calls) % 2 == 0:
            raise ChildOutOfMemoryError("no room")
        return train(*args, **kwargs)  # type: ignore[arg-type]  # handed through

    monkeypatch.setattr(objective, "train_genome", sometimes)
    watcher = Watcher()
    outcome = _search(raw, tmp_path, replace(TINY, n_trials=2), watcher)
    assert watcher.ended == [
        (TrialState.FAIL, 0),
        (TrialState.COMPLETE, 1),
        (TrialState.FAIL, 1),
        (TrialState.COMPLETE, 2),
    ]
    failed = read_record(outcome.study.get_trials()[0])
    assert failed is not None
    assert failed.failure == "no room"


def test_endless_failures_end_the_search_with_the_reason(
    raw: TextDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*args: object, **kwargs: object) -> object:
        raise ChildOutOfMemoryError("no room at all")

    monkeypatch.setattr("optuna_xmcnas.objective.train_genome", never)
    with pytest.raises(SearchFailedError, match=r"5 children failed .* no room at all"):
        _search(raw, tmp_path)


def test_timeout_ends_the_search_with_what_there_is(raw: TextDataset, tmp_path: Path) -> None:
    outcome = _search(raw, tmp_path, replace(TINY, n_trials=10_000, timeout_s=2.0))
    assert outcome.verdict is not None
    assert 1 <= outcome.n_complete < 10_000
    assert not outcome.is_interrupted


def test_timeout_without_any_child_is_an_error(raw: TextDataset, tmp_path: Path) -> None:
    with pytest.raises(SearchFailedError, match="no child was finished; give"):
        _search(raw, tmp_path, replace(TINY, timeout_s=1e-9))


def test_any_optuna_sampler_can_search_the_same_space(raw: TextDataset, tmp_path: Path) -> None:
    from optuna_xmcnas.objective import XmcObjective

    data = prepare(raw, TINY.data)
    objective = XmcObjective(
        data, space=TINY.space, child=TINY.child, training=TINY.training, keep_best_in=tmp_path
    )
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
    study.optimize(objective, n_trials=2)
    record = read_record(study.best_trial)
    assert record is not None
    assert record.metrics["P@5"] == study.best_value
    assert record.mutation is None


def test_studies_of_one_name_in_two_storages_keep_their_children_apart(
    raw: TextDataset, tmp_path: Path
) -> None:
    def run(name: str, epochs: int) -> SearchOutcome:
        return search(
            raw,
            replace(TINY, n_trials=1, training=replace(TINY.training, epochs=epochs)),
            storage=open_storage(f"sqlite:///{tmp_path}/{name}.db"),
            study_name="same",
            children_dir=tmp_path / "children",
        )

    first = run("one", epochs=4)
    run("two", epochs=1)
    assert run("one", epochs=4).verdict == first.verdict
    assert len(list((tmp_path / "children").rglob("*.safetensors"))) == 2


def test_a_trial_that_another_worker_ended_does_not_end_this_one(
    raw: TextDataset, tmp_path: Path
) -> None:
    class Sleeper(Watcher):
        def child_began(self, number: int, genome: Genome) -> None:
            if number == 0:  # what a worker does that finds our heartbeat too old
                storage = open_storage(f"sqlite:///{tmp_path}/study.db")
                study = optuna.load_study(study_name="tiny", storage=storage)
                study.tell(0, state=TrialState.FAIL)

    outcome = _search(raw, tmp_path, replace(TINY, n_trials=1), Sleeper())
    states = [trial.state for trial in outcome.study.get_trials()]
    assert states == [TrialState.FAIL, TrialState.COMPLETE]
