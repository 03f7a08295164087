"""A training that was interrupted anywhere ends as if it had not been."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
import logging
import math
import os
from pathlib import Path
import shutil
import signal
import subprocess
import sys
from typing import Any

import pytest
from safetensors.torch import save_file
import torch
from torch import Tensor

from optuna_xmcnas.child import ChildNetwork
from optuna_xmcnas.data import DataConfig
from optuna_xmcnas.data import prepare
from optuna_xmcnas.data import synthetic_dataset
from optuna_xmcnas.data import XmcDataset
from optuna_xmcnas.exceptions import CheckpointError
from optuna_xmcnas.exceptions import ChildInterruptedError
from optuna_xmcnas.exceptions import ChildOutOfMemoryError
from optuna_xmcnas.exceptions import NonFiniteLossError
from optuna_xmcnas.training import batches
from optuna_xmcnas.training import Evaluation
from optuna_xmcnas.training import fit
from optuna_xmcnas.training import load_child
from optuna_xmcnas.training import remove_checkpoint
from optuna_xmcnas.training import resume
from optuna_xmcnas.training import snapshot_bytes
from optuna_xmcnas.training import tensor_file
from optuna_xmcnas.training import TrainingCheckpoint
from optuna_xmcnas.training import TrainingConfig
from optuna_xmcnas.training import TrainingResult


MakeChild = Callable[..., ChildNetwork]
N_STEPS = 13  # of an epoch: 200 documents, 16 at a time
EPOCHS = {"epochs": 3, "evaluate_every": None}
EVERY_7 = {"epochs": 3, "evaluate_every": 7}
PATIENCE = {"epochs": 9, "evaluate_every": 4, "patience": 2, "learning_rate": 0.5}
ATTENTIONXML = {
    "epochs": 3,
    "evaluate_every": 4,
    "average_from_epoch": 2,
    "clipping": "adaptive",
    "clip_norm": 0.7,
    "select_by": "nDCG@5",
}


def _config(**settings: Any) -> TrainingConfig:
    quick = {"epochs": 3, "batch_size": 16, "learning_rate": 0.02, "device": "cpu"}
    return TrainingConfig(**{**quick, **settings})


def _child(data: XmcDataset, make_child: MakeChild, seed: int = 0) -> ChildNetwork:
    return make_child(data, "conv3", "bigru", seed=seed, dropout=0.4)


def _stop_at(question: int) -> Callable[[], bool]:
    """Return a `should_stop` that says yes when it is asked for the n-th time."""
    asked = count(1)
    return lambda: next(asked) >= question


def _state(child: ChildNetwork) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in child.state_dict().items()}


def _timeless(thing: Evaluation | TrainingResult) -> object:
    """Return it without what differs between two runs of the same training."""
    if isinstance(thing, Evaluation):
        return replace(thing, seconds=0.0)
    best = replace(thing.best, seconds=0.0)
    return replace(thing, best=best, seconds=0.0, peak_memory_bytes=0, resumed_at_step=None)


class Whole:
    """An uninterrupted training, to compare with."""

    def __init__(self, data: XmcDataset, make_child: MakeChild, config: TrainingConfig) -> None:
        self.evaluations: list[Evaluation] = []
        child = _child(data, make_child)
        asked = count()
        self.result = fit(
            child,
            data,
            config,
            on_evaluation=self.evaluations.append,
            should_stop=lambda: next(asked) < 0,
        )
        self.n_questions = next(asked)
        self.state = _state(child)


@pytest.fixture
def checkpoint(tmp_path: Path) -> TrainingCheckpoint:
    return TrainingCheckpoint(
        tmp_path / "child.training.safetensors", {"data": "abc"}, every_s=math.inf
    )


@pytest.fixture(scope="module")
def whole_of() -> Callable[..., Whole]:
    known: dict[str, Whole] = {}

    def whole(data: XmcDataset, make_child: MakeChild, config: TrainingConfig) -> Whole:
        return known.setdefault(repr(config), Whole(data, make_child, config))

    return whole


def _check_interrupted(
    data: XmcDataset,
    make_child: MakeChild,
    config: TrainingConfig,
    checkpoint: TrainingCheckpoint,
    questions: tuple[int, ...],
    whole: Whole,
) -> None:
    evaluations: list[Evaluation] = []
    for run, question in enumerate(questions):
        child = _child(data, make_child, seed=run)  # from the second on, the file's weights count
        torch.rand(run)
        with pytest.raises(ChildInterruptedError, match=r"told to stop after step \d+; it goes"):
            fit(
                child,
                data,
                config,
                on_evaluation=evaluations.append,
                checkpoint=checkpoint,
                should_stop=_stop_at(question),
            )
        assert not child.training
    child = _child(data, make_child, seed=99)
    result = fit(child, data, config, on_evaluation=evaluations.append, checkpoint=checkpoint)

    assert [_timeless(e) for e in evaluations] == [_timeless(e) for e in whole.evaluations]
    assert [e.number for e in evaluations] == list(range(1, len(evaluations) + 1))
    assert _timeless(result) == _timeless(whole.result)
    assert result.resumed_at_step is not None
    for name, tensor in child.state_dict().items():
        assert torch.equal(tensor, whole.state[name]), name


@pytest.mark.parametrize(
    ("settings", "questions"),
    [
        (EPOCHS, (1,)),  # before the first step
        (EPOCHS, (8,)),  # in the middle of an epoch
        (EPOCHS, (N_STEPS + 1,)),  # after the last step of an epoch, before its evaluation
        (EPOCHS, (N_STEPS + 2,)),  # after that evaluation
        (EPOCHS, (3 * N_STEPS + 3,)),  # before the very last evaluation
        (EPOCHS, (5, 1, 20)),  # again and again, once without a step between
        (EVERY_7, (8,)),  # before an evaluation in the middle of an epoch
        (EVERY_7, (9, 30)),
        (PATIENCE, (12,)),
        (ATTENTIONXML, (7,)),  # before weights are averaged
        (ATTENTIONXML, (21,)),  # before the first evaluation of a mean
        (ATTENTIONXML, (9, 14, 8)),
    ],
)
def test_an_interrupted_training_ends_as_an_uninterrupted_one(
    data: XmcDataset,
    make_child: MakeChild,
    checkpoint: TrainingCheckpoint,
    whole_of: Callable[..., Whole],
    settings: dict[str, Any],
    questions: tuple[int, ...],
) -> None:
    config = _config(**settings)
    whole = whole_of(data, make_child, config)
    _check_interrupted(data, make_child, config, checkpoint, questions, whole)


def test_the_cases_above_reach_what_they_are_meant_to(
    data: XmcDataset, make_child: MakeChild, whole_of: Callable[..., Whole]
) -> None:
    epochs = whole_of(data, make_child, _config(**EPOCHS))
    assert (epochs.result.steps, epochs.n_questions) == (3 * N_STEPS, 3 * N_STEPS + 3)
    assert whole_of(data, make_child, _config(**EVERY_7)).result.best.step % N_STEPS
    attentionxml = whole_of(data, make_child, _config(**ATTENTIONXML))
    assert attentionxml.result.best.epoch == 3
    for other in ({"clipping": "constant"}, {"average_from_epoch": None}):
        changed = whole_of(data, make_child, _config(**{**ATTENTIONXML, **other}))
        assert _timeless(changed.result) != _timeless(attentionxml.result)
    patience = whole_of(data, make_child, _config(**PATIENCE))
    assert patience.result.stop_reason == "patience"
    assert patience.n_questions > 12


def test_patience_counts_on_over_an_interruption(
    data: XmcDataset,
    make_child: MakeChild,
    checkpoint: TrainingCheckpoint,
    whole_of: Callable[..., Whole],
) -> None:
    config = _config(**PATIENCE)
    whole = whole_of(data, make_child, config)
    # before the last evaluation, which is the second one in a row without gain
    _check_interrupted(data, make_child, config, checkpoint, (whole.n_questions,), whole)


def test_trained_word_vectors_are_part_of_it(
    data: XmcDataset, make_child: MakeChild, checkpoint: TrainingCheckpoint
) -> None:
    whole, child = (make_child(data, train_embedding=True) for _ in range(2))
    fit(whole, data, _config())
    with pytest.raises(ChildInterruptedError):
        fit(child, data, _config(), checkpoint=checkpoint, should_stop=_stop_at(20))
    other = make_child(data, train_embedding=True, seed=1)
    fit(other, data, _config(), checkpoint=checkpoint)
    for name, tensor in other.state_dict().items():
        assert torch.equal(tensor, whole.state_dict()[name]), name


_KILLED = """
import os, signal, sys
from dataclasses import replace
from pathlib import Path
import torch
from optuna_xmcnas.child import ChildConfig, ChildNetwork
from optuna_xmcnas.data import DataConfig, prepare, synthetic_dataset
from optuna_xmcnas.genome import Genome, Node
from optuna_xmcnas.training import TrainingCheckpoint, TrainingConfig, fit

torch.set_num_threads(int(sys.argv[2]))
raw = synthetic_dataset(n_train=240, n_test=40, n_labels=12)
data = prepare(raw, DataConfig(validation_documents=40, vector_size=16))
torch.manual_seed(0)
genome = Genome((Node("conv3", 0), Node("bigru", 1)))
config = ChildConfig(
    hidden=8, fully_connected=(16,), attention="self", label_chunk=5, dropout=0.4
)
child = ChildNetwork(genome, data.vectors, data.n_labels, config)
steps = 0

def die():
    global steps
    steps += 1
    if steps == 20:
        os.kill(os.getpid(), signal.SIGKILL)
    return False

training = TrainingConfig(epochs=3, batch_size=16, learning_rate=0.02, device="cpu")
checkpoint = TrainingCheckpoint(Path(sys.argv[1]), {"data": "abc"}, every_s=0.0)
fit(child, data, training, checkpoint=checkpoint, should_stop=die)
"""


def test_a_killed_process_loses_only_what_came_after_its_last_checkpoint(
    data: XmcDataset,
    make_child: MakeChild,
    checkpoint: TrainingCheckpoint,
    whole_of: Callable[..., Whole],
) -> None:
    command = [sys.executable, "-c", _KILLED, str(checkpoint.path), str(torch.get_num_threads())]
    killed = subprocess.run(command, env=dict(os.environ), check=False)
    assert killed.returncode == -signal.SIGKILL

    whole = whole_of(data, make_child, _config(**EPOCHS))
    child = _child(data, make_child)
    result = fit(child, data, _config(**EPOCHS), checkpoint=checkpoint)

    assert result.resumed_at_step == 17  # before 18 steps and 1 evaluation it was asked and lived
    assert _timeless(result) == _timeless(whole.result)
    for name, tensor in child.state_dict().items():
        assert torch.equal(tensor, whole.state[name]), name


def test_without_a_checkpoint_a_stop_is_a_stop(data: XmcDataset, make_child: MakeChild) -> None:
    with pytest.raises(ChildInterruptedError, match="after step 3; it was not kept"):
        fit(_child(data, make_child), data, _config(), should_stop=_stop_at(4))


def test_the_time_of_earlier_runs_counts(
    data: XmcDataset, make_child: MakeChild, checkpoint: TrainingCheckpoint
) -> None:
    evaluations: list[Evaluation] = []
    with pytest.raises(ChildInterruptedError):
        fit(
            _child(data, make_child),
            data,
            _config(),
            on_evaluation=evaluations.append,
            checkpoint=checkpoint,
            should_stop=_stop_at(N_STEPS + 2),
        )
    child = _child(data, make_child)
    result = fit(child, data, _config(), on_evaluation=evaluations.append, checkpoint=checkpoint)
    times = [evaluation.seconds for evaluation in evaluations]
    assert times == sorted(times)
    assert result.seconds > times[-1]
    assert result.resumed_at_step == N_STEPS


def test_used_batches_are_not_built_again(
    data: XmcDataset,
    make_child: MakeChild,
    checkpoint: TrainingCheckpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(ChildInterruptedError):
        fit(
            _child(data, make_child),
            data,
            _config(epochs=1),
            checkpoint=checkpoint,
            should_stop=_stop_at(13),
        )
    built: list[int] = []
    pad = batches._pad

    def counting(split: Any, documents: Any) -> Any:
        built.append(split is data.train)
        return pad(split, documents)

    monkeypatch.setattr(batches, "_pad", counting)
    fit(_child(data, make_child), data, _config(epochs=1), checkpoint=checkpoint)
    assert sum(built) == N_STEPS - 12


def test_the_file_stays_until_it_is_removed(
    data: XmcDataset, make_child: MakeChild, checkpoint: TrainingCheckpoint
) -> None:
    often = replace(checkpoint, every_s=0.0)
    fit(_child(data, make_child), data, _config(epochs=1), checkpoint=often)
    assert [file.name for file in checkpoint.path.parent.iterdir()] == [checkpoint.path.name]
    remove_checkpoint(checkpoint.path)
    assert not any(checkpoint.path.parent.iterdir())


@pytest.fixture
def begun(
    data: XmcDataset, make_child: MakeChild, checkpoint: TrainingCheckpoint
) -> TrainingCheckpoint:
    """The checkpoint of a training that was stopped in its second epoch."""
    with pytest.raises(ChildInterruptedError):
        fit(
            _child(data, make_child),
            data,
            _config(),
            checkpoint=checkpoint,
            should_stop=_stop_at(20),
        )
    return checkpoint


def _why_anew(
    caplog: pytest.LogCaptureFixture,
    data: XmcDataset,
    child: ChildNetwork,
    config: TrainingConfig,
    checkpoint: TrainingCheckpoint,
) -> str:
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        result = fit(child, data, config, checkpoint=checkpoint)
    assert result.resumed_at_step is None
    (warning,) = caplog.records
    return warning.getMessage()


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"seed": 1}, r"another training: training\.seed is 0, expected 1\."),
        ({"epochs": 2}, r"training\.epochs is 3, expected 2"),
        ({"learning_rate": 0.5}, r"training\.learning_rate is 0\.02, expected 0\.5"),
        ({"clip_norm": math.inf}, r"training\.clip_norm is 5\.0, expected Infinity"),
        ({"evaluate_every": 3}, r"training\.evaluate_every is null, expected 3"),
        ({"average_from_epoch": 3}, r"training\.average_from_epoch is None, expected 3"),
        ({"clipping": "adaptive"}, r"training\.clipping is None, expected \"adaptive\""),
    ],
)
def test_other_settings_begin_anew(
    data: XmcDataset,
    make_child: MakeChild,
    begun: TrainingCheckpoint,
    caplog: pytest.LogCaptureFixture,
    settings: dict[str, Any],
    reason: str,
) -> None:
    child = _child(data, make_child)
    why = _why_anew(caplog, data, child, _config(**settings), begun)
    pytest.raises(CheckpointError, _raise, why).match(f"starts anew, not from .*{reason}")


def _raise(text: str) -> None:
    raise CheckpointError(text)


def test_another_child_or_origin_or_data_begins_anew(
    data: XmcDataset,
    make_child: MakeChild,
    begun: TrainingCheckpoint,
    caplog: pytest.LogCaptureFixture,
) -> None:
    content = begun.path.read_bytes()
    fewer = prepare(
        synthetic_dataset(n_train=200, n_test=40, n_labels=12),
        DataConfig(validation_documents=40, vector_size=16),
    )
    same = _child(data, make_child)
    for child, on, checkpoint, reason in (
        (make_child(data, "conv3", "conv3", dropout=0.4), data, begun, "genome is"),
        (make_child(data, "conv3", "bigru"), data, begun, "child.dropout is 0.4, expected 0.2"),
        (same, data, replace(begun, origin={"data": "xyz"}), "data is abc, expected xyz"),
        (same, data, replace(begun, origin={}), "data is abc, expected None"),
        (_child(fewer, make_child), fewer, begun, "data.n_train is"),
    ):
        begun.path.write_bytes(content)
        assert reason in _why_anew(caplog, on, child, _config(), checkpoint)


def test_a_training_that_began_anew_ends_as_one_without_a_file(
    data: XmcDataset,
    make_child: MakeChild,
    begun: TrainingCheckpoint,
    whole_of: Callable[..., Whole],
) -> None:
    content = bytearray(begun.path.read_bytes())
    content[-1] ^= 1
    begun.path.write_bytes(content)
    child = _child(data, make_child)
    result = fit(child, data, _config(**EPOCHS), checkpoint=begun)
    whole = whole_of(data, make_child, _config(**EPOCHS))
    assert _timeless(result) == _timeless(whole.result)
    assert all(torch.equal(t, whole.state[name]) for name, t in child.state_dict().items())


def test_a_file_without_later_features_is_as_it_was_before_them(
    data: XmcDataset, begun: TrainingCheckpoint
) -> None:
    header, tensors = tensor_file.read_tensors(begun.path, resume._KIND)
    config = {n.split(".")[2] for n in header if n.startswith("optuna_xmcnas.training.")}
    assert config == {
        *("epochs", "batch_size", "learning_rate", "patience"),
        *("evaluate_every", "clip_norm", "seed"),
    }
    groups = {name.split(":")[0] for name in tensors}
    assert groups == {
        *("weights", "best", "losses", "random"),
        *("adam.step", "adam.exp_avg", "adam.exp_avg_sq"),
    }


@pytest.mark.parametrize("group", ["average.count:", "average:head", "clipping:"])
def test_a_mean_or_norms_that_are_not_whole_begin_anew(
    data: XmcDataset,
    make_child: MakeChild,
    checkpoint: TrainingCheckpoint,
    caplog: pytest.LogCaptureFixture,
    group: str,
) -> None:
    config = _config(**ATTENTIONXML)
    child = _child(data, make_child)
    with pytest.raises(ChildInterruptedError):
        fit(child, data, config, checkpoint=checkpoint, should_stop=_stop_at(30))
    header, tensors = tensor_file.read_tensors(checkpoint.path, resume._KIND)
    content = tensor_file.content_of(header, resume._KIND)
    kept = {name: t.clone() for name, t in tensors.items() if not name.startswith(group)}
    assert len(kept) < len(tensors)
    tensor_file.write_tensors(checkpoint.path, resume._KIND, content, kept)
    why = _why_anew(caplog, data, child, config, checkpoint)
    assert f"{group}" in why
    assert "nothing in the file" in why


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


def _change(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1] + b"x")


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _pickle(path: Path) -> None:
    torch.save({"weights": torch.ones(3)}, path)


def _foreign(path: Path) -> None:
    save_file({"weights": torch.ones(3)}, path)


def _old(path: Path) -> None:
    kind = replace(resume._KIND, format_version="0")
    tensor_file.write_tensors(path, kind, {}, {})


def _without_progress(path: Path) -> None:
    tensor_file.write_tensors(path, resume._KIND, {"optuna_xmcnas.progress": "{}"}, {})


def _without_tensors(path: Path) -> None:
    header, tensors = tensor_file.read_tensors(path, resume._KIND)
    content = tensor_file.content_of(header, resume._KIND)
    kept = {name: t.clone() for name, t in tensors.items() if not name.startswith("weights:head")}
    tensor_file.write_tensors(path, resume._KIND, content, kept)


def _of_another_shape(path: Path) -> None:
    header, tensors = tensor_file.read_tensors(path, resume._KIND)
    content = tensor_file.content_of(header, resume._KIND)
    other = {name: t.clone() if t.ndim != 2 else t[:-1].clone() for name, t in tensors.items()}
    tensor_file.write_tensors(path, resume._KIND, content, other)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_cut, "is not a whole safetensors file"),
        (_empty, "is not a whole safetensors file"),
        (_pickle, "is not a whole safetensors file"),
        (_change, "its checksum differs"),
        (_foreign, "was not written by `fit`"),
        (_old, "has format '0', this version of the package reads '1'"),
        (_without_progress, "does not say how far it is"),
        (_without_tensors, "nothing in the file"),
        (_of_another_shape, "does not fit the child"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_and_written_over(
    data: XmcDataset,
    make_child: MakeChild,
    begun: TrainingCheckpoint,
    caplog: pytest.LogCaptureFixture,
    spoil: Callable[[Path], None],
    reason: str,
) -> None:
    spoil(begun.path)
    child = _child(data, make_child)
    caplog.clear()
    with caplog.at_level(logging.WARNING), pytest.raises(ChildInterruptedError):
        fit(child, data, _config(), checkpoint=begun, should_stop=_stop_at(2))
    (warning,) = caplog.messages
    assert reason in warning
    assert str(begun.path) in warning
    caplog.clear()
    assert fit(child, data, _config(), checkpoint=begun).resumed_at_step == 1
    assert not caplog.messages


def test_the_file_of_a_training_is_not_taken_for_a_child(
    data: XmcDataset, begun: TrainingCheckpoint
) -> None:
    with pytest.raises(CheckpointError, match="was not written by `save_child`"):
        load_child(begun.path, data.vectors)


def test_a_training_may_go_on_in_another_precision(
    data: XmcDataset, make_child: MakeChild, begun: TrainingCheckpoint
) -> None:
    child = _child(data, make_child)
    result = fit(child, data, _config(precision="bfloat16"), checkpoint=begun)
    assert result.resumed_at_step == 18
    assert result.steps == 3 * N_STEPS


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize(("first", "second"), [("cpu", "cuda"), ("cuda", "cpu"), ("cuda", "cuda")])
def test_a_training_may_go_on_on_another_device(
    data: XmcDataset,
    make_child: MakeChild,
    checkpoint: TrainingCheckpoint,
    first: str,
    second: str,
) -> None:
    child = _child(data, make_child)
    with pytest.raises(ChildInterruptedError):
        fit(
            child,
            data,
            _config(device=first),
            checkpoint=checkpoint,
            should_stop=_stop_at(20),
        )
    result = fit(_child(data, make_child), data, _config(device=second), checkpoint=checkpoint)
    assert (result.resumed_at_step, result.steps) == (18, 3 * N_STEPS)
    assert math.isfinite(result.best.loss)


def _full(*arguments: object, **settings: object) -> None:
    raise OSError(28, "No space left on device")


def _no_memory(*arguments: object, **settings: object) -> None:
    raise MemoryError


@pytest.mark.parametrize(
    ("failure", "reason"), [(_full, r"The disk is full: free some space"), (_no_memory, "")]
)
def test_a_checkpoint_that_cannot_be_written_costs_nothing(
    data: XmcDataset,
    make_child: MakeChild,
    checkpoint: TrainingCheckpoint,
    whole_of: Callable[..., Whole],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    failure: Callable[..., None],
    reason: str,
) -> None:
    config = _config(**EPOCHS)
    whole = whole_of(data, make_child, config)
    monkeypatch.setattr(tensor_file, "save_file", failure)
    child = _child(data, make_child)
    with caplog.at_level(logging.WARNING):
        result = fit(child, data, config, checkpoint=replace(checkpoint, every_s=0.0))
    assert _timeless(result) == _timeless(whole.result)
    assert all("goes on without a new checkpoint" in text for text in caplog.messages)
    assert caplog.messages
    assert reason in caplog.messages[0]
    assert not any(checkpoint.path.parent.iterdir())
    with pytest.raises(ChildInterruptedError, match="it was not kept"):
        fit(child, data, config, checkpoint=checkpoint, should_stop=_stop_at(3))


def test_a_folder_that_vanished_costs_nothing(
    data: XmcDataset, make_child: MakeChild, tmp_path: Path
) -> None:
    checkpoint = TrainingCheckpoint(tmp_path / "gone" / "file", every_s=0.0)
    checkpoint.path.parent.mkdir()
    result = fit(
        _child(data, make_child),
        data,
        _config(),
        checkpoint=checkpoint,
        on_evaluation=lambda _: shutil.rmtree(checkpoint.path.parent, ignore_errors=True),
    )
    assert result.steps == 3 * N_STEPS


def test_a_loss_that_is_not_finite_is_not_written_down(
    data: XmcDataset, make_child: MakeChild, checkpoint: TrainingCheckpoint
) -> None:
    child = _child(data, make_child)
    with pytest.raises(NonFiniteLossError, match=r"the loss became (nan|inf) at step [23];"):
        fit(
            child,
            data,
            _config(learning_rate=1e30),
            checkpoint=checkpoint,
            should_stop=_stop_at(6),
        )
    assert not checkpoint.path.exists()


def test_a_path_that_sounds_like_a_shortage_is_none(
    data: XmcDataset, make_child: MakeChild, tmp_path: Path
) -> None:
    checkpoint = TrainingCheckpoint(tmp_path / "out of memory", every_s=math.inf)
    child = _child(data, make_child)
    with pytest.raises(ChildInterruptedError, match=r"goes on from .*out of memory"):
        fit(child, data, _config(), checkpoint=checkpoint, should_stop=_stop_at(2))


def test_a_shortage_after_a_resumption_names_the_step(
    data: XmcDataset, make_child: MakeChild, begun: TrainingCheckpoint
) -> None:
    child = _child(data, make_child)

    def exhaust(*arguments: object) -> None:
        torch.empty(2**50)

    child.graph.register_forward_pre_hook(exhaust)
    with pytest.raises(ChildOutOfMemoryError, match="at step 19 "):
        fit(child, data, _config(), checkpoint=begun)


@pytest.mark.parametrize("every_s", [-1.0, math.nan])
def test_time_does_not_run_backwards(every_s: float) -> None:
    with pytest.raises(ValueError, match=r"`every_s` must be at least 0"):
        TrainingCheckpoint(Path("file"), every_s=every_s)


def test_names_of_our_own_are_taken() -> None:
    with pytest.raises(ValueError, match=r"must not begin with 'optuna_xmcnas\.'"):
        TrainingCheckpoint(Path("file"), {"optuna_xmcnas.genome": "{}"})


def test_the_size_of_a_file_can_be_told_before(
    data: XmcDataset, make_child: MakeChild, checkpoint: TrainingCheckpoint
) -> None:
    child = make_child(data, hidden=100, fully_connected=(512,))
    with pytest.raises(ChildInterruptedError):
        fit(child, data, _config(), checkpoint=checkpoint, should_stop=_stop_at(N_STEPS + 2))
    expected = snapshot_bytes(child.n_parameters) - 2**20
    assert expected <= checkpoint.path.stat().st_size <= expected + 2**20
    averaged = _config(average_from_epoch=1)
    with pytest.raises(ChildInterruptedError):
        fit(child, data, averaged, checkpoint=checkpoint, should_stop=_stop_at(N_STEPS + 2))
    expected = snapshot_bytes(child.n_parameters, is_averaged=True) - 2**20
    assert expected <= checkpoint.path.stat().st_size <= expected + 2**20
