"""From a trial to a score: seeds, records, and trainings that are interrupted."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
import math
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial
from optuna.trial import TrialState
import pytest
import torch

from optuna_xmcnas import GenomeSpace
from optuna_xmcnas.child import ChildConfig
from optuna_xmcnas.child import ChildNetwork
from optuna_xmcnas.data import DataConfig
from optuna_xmcnas.data import prepare
from optuna_xmcnas.data import synthetic_dataset
from optuna_xmcnas.data import XmcDataset
from optuna_xmcnas.exceptions import ChildInterruptedError
from optuna_xmcnas.exceptions import ChildOutOfMemoryError
from optuna_xmcnas.objective import checkpoint_path
from optuna_xmcnas.objective import child_path
from optuna_xmcnas.objective import XmcObjective
from optuna_xmcnas.study import read_record
from optuna_xmcnas.study import Retry
from optuna_xmcnas.study import RETRY_KEY
from optuna_xmcnas.study import TrialRecord
from optuna_xmcnas.training import TrainingConfig


SPACE = GenomeSpace(ops=("conv1", "maxpool3"), min_layers=1, max_layers=2)
CHILD = ChildConfig(hidden=8, fully_connected=(16,), attention="self")
TRAINING = TrainingConfig(epochs=3, batch_size=16, learning_rate=0.02, seed=5, device="cpu")


@pytest.fixture(scope="module")
def data() -> XmcDataset:
    raw = synthetic_dataset(n_train=120, n_test=20)
    return prepare(raw, DataConfig(max_tokens=20, validation_documents=30, vector_size=16))


def _objective(data: XmcDataset, **settings: Any) -> XmcObjective:
    return XmcObjective(data, space=SPACE, child=CHILD, training=TRAINING, **settings)


def _study() -> optuna.Study:
    return optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=1))


def _retry(study: optuna.Study, of: FrozenTrial, origin: int) -> optuna.Trial:
    """Return a running trial that goes on with the child of another one."""
    retry = Retry(origin=origin, of=of.number, losses=0)
    waiting = optuna.trial.create_trial(
        state=TrialState.WAITING,
        system_attrs={RETRY_KEY: retry.to_record(), "fixed_params": of.params},
    )
    study.add_trial(waiting)
    return study.ask()


def _stop_at(question: int) -> Callable[[], bool]:
    asked = count(1)
    return lambda: next(asked) >= question


def _record(study: optuna.Study, number: int) -> TrialRecord:
    record = read_record(study.get_trials()[number])
    assert record is not None
    return record


def test_a_retry_trains_the_child_of_the_first_trial(data: XmcDataset) -> None:
    study = _study()
    objective = _objective(data)
    study.ask()
    study.optimize(objective, n_trials=1)
    first = study.get_trials()[1]
    second = _retry(study, first, origin=1)
    assert objective(second) == first.value
    third = _retry(study, study.get_trials()[2], origin=1)
    assert objective(third) == first.value
    records = [_record(study, number) for number in (1, 2, 3)]
    assert [record.seed for record in records] == [6, 6, 6]
    assert records[0].metrics == records[1].metrics == records[2].metrics


def test_an_interrupted_child_goes_on_in_another_trial(data: XmcDataset, tmp_path: Path) -> None:
    whole = _study()
    whole.optimize(_objective(data), n_trials=1)

    study = _study()
    folder = tmp_path / "made" / "if missing"
    objective, stop = _objective(data, checkpoints_in=folder), _stop_at(9)
    with pytest.raises(ChildInterruptedError, match=r"goes on from .*origin-000000\.training"):
        study.optimize(lambda trial: objective(trial, stop), n_trials=1)
    first = study.get_trials()[0]
    assert first.state == TrialState.FAIL
    assert _record(study, 0).failure is None
    assert list(first.intermediate_values) == [1]

    trial = _retry(study, first, origin=0)
    study.tell(trial, _objective(data, checkpoints_in=folder)(trial))

    assert study.get_trials()[1].value == whole.best_value
    record, expected = _record(study, 1), _record(whole, 0)
    assert record.metrics == expected.metrics
    assert record.node_weights == expected.node_weights
    assert record.resumed_at_step == 7
    assert expected.resumed_at_step is None
    values = whole.get_trials()[0].intermediate_values
    assert study.get_trials()[1].intermediate_values == {n: values[n] for n in (2, 3)}
    assert first.intermediate_values == {1: values[1]}
    # the file is still there: only who stores the score knows when it is safe
    assert list(folder.iterdir()) == [checkpoint_path(folder, 0)]


def test_checkpoints_are_written_now_and_then(data: XmcDataset, tmp_path: Path) -> None:
    path = checkpoint_path(tmp_path, 0)
    for every_s, expected in ((math.inf, False), (0.0, True)):
        _study().optimize(
            _objective(data, checkpoints_in=tmp_path, checkpoint_every_s=every_s), n_trials=1
        )
        assert path.exists() == expected


def test_a_checkpoint_of_other_data_or_of_another_study_is_left_alone(
    data: XmcDataset, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    raw = synthetic_dataset(n_train=120, n_test=20, seed=1)
    other = prepare(raw, DataConfig(max_tokens=20, validation_documents=30, vector_size=16))
    for on, origin, reason in (
        (other, {"study": "a"}, "data_fingerprint is"),
        (data, {"study": "b"}, "study is a, expected b"),
    ):
        stopped = _objective(data, origin={"study": "a"}, checkpoints_in=tmp_path)
        with pytest.raises(ChildInterruptedError):
            stopped(_study().ask(), _stop_at(9))
        caplog.clear()
        study = _study()
        study.optimize(_objective(on, origin=origin, checkpoints_in=tmp_path), n_trials=1)
        assert _record(study, 0).resumed_at_step is None
        assert reason in caplog.text
        checkpoint_path(tmp_path, 0).unlink()


def test_a_shortage_is_recorded_with_the_sizes(
    data: XmcDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhaust(*arguments: object) -> None:
        torch.empty(2**50)

    monkeypatch.setattr(ChildNetwork, "encode", exhaust)
    study = _study()
    study.optimize(_objective(data), n_trials=1, catch=(ChildOutOfMemoryError,))
    record = _record(study, 0)
    assert record.failure is not None
    assert "at step 1 (16 documents" in record.failure
    assert record.n_parameters is not None
    assert f"{record.n_parameters} parameters" in record.failure
    assert record.device is not None
    assert record.device.startswith("cpu, ")
    assert record.metrics == {}


def test_a_child_that_is_too_large_to_be_made_is_a_failed_one(data: XmcDataset) -> None:
    objective = XmcObjective(
        data,
        space=SPACE,
        child=ChildConfig(hidden=8, fully_connected=(2**50,), attention="self"),
        training=TRAINING,
    )
    study = _study()
    with pytest.raises(ChildOutOfMemoryError, match=r"while the child was made, for \d+ labels"):
        study.optimize(objective, n_trials=1)
    record = _record(study, 0)
    assert "while the child was made" in str(record.failure)
    assert record.n_parameters is None


def test_size_and_device_are_known_before_training(
    data: XmcDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*arguments: object) -> None:
        raise SystemExit  # as near as a test can come to a killed process

    monkeypatch.setattr(ChildNetwork, "encode", die)
    study = _study()
    with pytest.raises(SystemExit):
        study.optimize(_objective(data), n_trials=1)
    record = _record(study, 0)
    assert (record.n_parameters is not None, record.device is not None) == (True, True)
    assert record.failure is None


def test_a_complete_trial_says_where_it_ran(data: XmcDataset, tmp_path: Path) -> None:
    study = _study()
    study.optimize(_objective(data, keep_best_in=tmp_path), n_trials=1)
    assert str(_record(study, 0).device).startswith("cpu, ")
    assert child_path(tmp_path, 0).exists()


def test_a_complete_trial_says_how_its_training_went_and_with_what(data: XmcDataset) -> None:
    study = _study()
    study.optimize(_objective(data), n_trials=1)
    trial, record = study.get_trials()[0], _record(study, 0)
    assert record.curve is not None
    reported = [trial.intermediate_values[i] for i in sorted(trial.intermediate_values)]
    assert [point.p_at_5 for point in record.curve] == pytest.approx(reported, abs=1e-6)
    assert [point.epoch for point in record.curve] == list(range(1, TRAINING.epochs + 1))
    assert record.software is not None
    assert f"PyTorch {torch.__version__}" in record.software


def test_a_pruned_child_is_no_failure(data: XmcDataset, tmp_path: Path) -> None:
    study = optuna.create_study(
        direction="maximize", pruner=optuna.pruners.ThresholdPruner(lower=2.0)
    )
    study.optimize(_objective(data, checkpoints_in=tmp_path), n_trials=1)
    assert study.get_trials()[0].state == TrialState.PRUNED
    assert _record(study, 0).failure is None


def test_a_negative_interval_is_refused_at_once(data: XmcDataset, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"`every_s` must be at least 0"):
        _objective(data, checkpoints_in=tmp_path, checkpoint_every_s=-1)
