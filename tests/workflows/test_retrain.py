"""Training in full: what a model folder says, interruptions, ensembles."""

from __future__ import annotations

from dataclasses import replace
import fcntl
from pathlib import Path

import numpy as np
import pytest
from torch import Tensor

from optuna_xmcnas import Genome
from optuna_xmcnas import Node
from optuna_xmcnas.data import prepare
from optuna_xmcnas.exceptions import ChildInterruptedError
from optuna_xmcnas.exceptions import ConfigMismatchError
from optuna_xmcnas.exceptions import ModelError
from optuna_xmcnas.metrics import evaluate
from optuna_xmcnas.tagger import load_model
from optuna_xmcnas.tagger import Tagger
from optuna_xmcnas.training import predict_top_k
from optuna_xmcnas.training import ProcessGroup
from optuna_xmcnas.workflows import Architecture
from optuna_xmcnas.workflows import retrain
from tests.workflows.tiny import RECIPE
from tests.workflows.tiny import RetrainWatcher
from tests.workflows.tiny import tiny_texts


ARCHITECTURE = Architecture(name="mine", genome=Genome((Node("conv1", 0), Node("conv3", 0))))


def test_a_model_is_what_was_trained_and_says_what_it_is_worth(tmp_path: Path) -> None:
    raw, watcher = tiny_texts(), RetrainWatcher()
    done = retrain(
        raw, ARCHITECTURE, RECIPE, out=tmp_path / "model", observer=watcher, with_linear=False
    )
    assert done is not None
    assert done.linear is None
    assert (watcher.began, watcher.ended) == ([0], [0])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model"]
    model = load_model(tmp_path / "model")
    data = prepare(raw, RECIPE.data)
    assert data.test is not None
    top = predict_top_k(model.members[0], data.test, 5)
    assert model.metrics["test"]["P@5"] == evaluate(top.labels, data.test.labels)["P@5"]
    assert model.metrics["test"]["P@5"] > 0.15  # 1,000 labels or so: it has learnt something
    assert model.facts["data"]["texts"] == raw.fingerprint
    assert model.n_train == len(data.train)
    assert model.label_counts.sum() == data.train.labels.nnz
    np.testing.assert_array_equal(model.vectors, data.vectors)


def test_several_seeds_are_an_ensemble(tmp_path: Path) -> None:
    recipe = replace(RECIPE, n_seeds=2)
    watcher = RetrainWatcher()
    done = retrain(
        tiny_texts(), ARCHITECTURE, recipe, out=tmp_path / "m", observer=watcher, with_linear=True
    )
    assert done is not None
    assert done.linear is not None
    assert watcher.ended == [0, 1]
    model = load_model(tmp_path / "m")
    assert len(model.members) == 2
    assert [member["seed"] for member in model.metrics["members"]] == [0, 1]
    for member in model.metrics["members"]:
        last_epoch, last_step, *_ = member["curve"][-1]
        assert (last_epoch, last_step) == (member["epochs"], member["steps"])
    assert model.metrics["linear"]["test"]["P@5"] == done.linear.test["P@5"]
    one, other = (member["test"]["P@5"] for member in model.metrics["members"])
    assert one != other
    data = prepare(tiny_texts(), recipe.data)
    assert data.test is not None
    together = predict_top_k(model.members, data.test, 5)
    assert model.metrics["test"]["P@5"] == evaluate(together.labels, data.test.labels)["P@5"]
    first = Tagger(model).predict(["alpha beta"], k=3)
    assert len(first[0]) == 3


def test_an_interrupted_training_goes_on_and_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    raw, recipe = tiny_texts(), replace(RECIPE, n_seeds=2)
    whole = retrain(
        raw,
        ARCHITECTURE,
        recipe,
        out=tmp_path / "whole",
        observer=RetrainWatcher(),
        with_linear=False,
    )
    watcher = RetrainWatcher()
    with pytest.raises(ChildInterruptedError):
        retrain(
            raw,
            ARCHITECTURE,
            recipe,
            out=tmp_path / "model",
            observer=watcher,
            with_linear=False,
            should_stop=lambda: watcher.n_evaluations == 4,  # in the second training
        )
    assert not (tmp_path / "model").exists()
    again = RetrainWatcher()
    resumed = retrain(
        raw, ARCHITECTURE, recipe, out=tmp_path / "model", observer=again, with_linear=False
    )
    assert again.began == [1]
    assert again.ended == [0, 1]
    assert whole is not None
    assert resumed is not None
    for one, other in zip(whole.model.members, resumed.model.members, strict=True):
        for name, tensor in one.state_dict().items():
            assert tensor.equal(other.state_dict()[name]), name
    assert resumed.model.metrics["test"] == whole.model.metrics["test"]
    steps = [member["resumed_at_step"] for member in resumed.model.metrics["members"]]
    assert steps[0] is None  # it was whole
    assert steps[1] > 0  # its curve begins there


def test_members_of_another_training_are_not_taken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    raw, watcher = tiny_texts(), RetrainWatcher()
    recipe = replace(RECIPE, n_seeds=2)
    with pytest.raises(ChildInterruptedError):
        retrain(
            raw,
            ARCHITECTURE,
            recipe,
            out=tmp_path / "model",
            observer=watcher,
            should_stop=lambda: watcher.n_evaluations == 4,
        )
    other = replace(recipe, training=replace(recipe.training, learning_rate=0.01))
    again = RetrainWatcher()
    retrain(raw, ARCHITECTURE, other, out=tmp_path / "model", observer=again, with_linear=False)
    assert again.began == [0, 1]
    assert "is of another training and is written over" in caplog.text


def test_a_model_is_not_written_over_unless_that_is_wanted(tmp_path: Path) -> None:
    arguments = {"out": tmp_path / "model", "with_linear": False}
    raw = tiny_texts()
    retrain(raw, ARCHITECTURE, RECIPE, observer=RetrainWatcher(), **arguments)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="is there already"):
        retrain(raw, ARCHITECTURE, RECIPE, observer=RetrainWatcher(), **arguments)  # type: ignore[arg-type]
    recipe = replace(RECIPE, training=replace(RECIPE.training, seed=5))
    retrain(raw, ARCHITECTURE, recipe, observer=RetrainWatcher(), overwrite=True, **arguments)  # type: ignore[arg-type]
    assert load_model(tmp_path / "model").metrics["members"][0]["seed"] == 5


def test_a_folder_that_must_stay_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    watcher = RetrainWatcher()
    with pytest.raises(ModelError, match="is not a model"):
        retrain(
            tiny_texts(),
            ARCHITECTURE,
            RECIPE,
            out=tmp_path / "mine",
            observer=watcher,
            overwrite=True,
        )
    assert watcher.began == []
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"


def test_a_folder_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match="cannot write to"):
        retrain(
            tiny_texts(),
            ARCHITECTURE,
            RECIPE,
            out=tmp_path / "file" / "model",
            observer=RetrainWatcher(),
        )


def test_two_processes_do_not_train_into_one_folder(tmp_path: Path) -> None:
    (tmp_path / "model.partial").mkdir()
    with (tmp_path / "model.partial" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ModelError, match="another process is training into"):
            retrain(
                tiny_texts(),
                ARCHITECTURE,
                RECIPE,
                out=tmp_path / "model",
                observer=RetrainWatcher(),
            )


def test_a_stop_before_the_test_split_is_read_keeps_what_is_trained(tmp_path: Path) -> None:
    watcher = RetrainWatcher()
    with pytest.raises(ChildInterruptedError):
        retrain(
            tiny_texts(),
            ARCHITECTURE,
            RECIPE,
            out=tmp_path / "model",
            observer=watcher,
            should_stop=lambda: bool(watcher.ended),
        )
    assert not (tmp_path / "model").exists()
    again = RetrainWatcher()
    retrain(
        tiny_texts(),
        ARCHITECTURE,
        RECIPE,
        out=tmp_path / "model",
        observer=again,
        with_linear=False,
    )
    assert (again.began, again.ended) == ([], [0])


def test_the_card_says_where_the_architecture_is_from(tmp_path: Path) -> None:
    found = Architecture(name="trial 7 of docs", genome=ARCHITECTURE.genome, score="31.20")
    retrain(
        tiny_texts(),
        found,
        RECIPE,
        out=tmp_path / "model",
        observer=RetrainWatcher(),
        with_linear=False,
        drawing="embedding\n|-- 1 conv1",
    )
    card = (tmp_path / "model" / "README.md").read_text()
    assert "Origin: trial 7 of docs; validation P@5 where it was found: 31.20." in card
    assert "|-- 1 conv1" in card


class _Other(ProcessGroup):
    """The first of two processes, of which the other found something else."""

    @property
    def rank(self) -> int:
        return 0

    @property
    def size(self) -> int:
        return 2

    def add_up(self, tensor: Tensor) -> None:
        pytest.fail("nothing is trained")

    def is_any(self, is_it: bool) -> bool:
        return is_it

    def gather(self, content: bytes) -> list[bytes]:
        return [content, b"another architecture"]

    def from_first(self, content: bytes) -> bytes:
        return content


def test_processes_that_found_different_architectures_do_not_begin(tmp_path: Path) -> None:
    with pytest.raises(ConfigMismatchError, match="different architectures"):
        retrain(
            tiny_texts(),
            ARCHITECTURE,
            RECIPE,
            out=tmp_path / "model",
            observer=RetrainWatcher(),
            group=_Other(),
        )
