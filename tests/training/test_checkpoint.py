from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
import json
from pathlib import Path
import shutil

import numpy as np
import pytest
from safetensors.torch import save_file
import torch

from optuna_xmcnas.child import ChildNetwork
from optuna_xmcnas.child import ops
from optuna_xmcnas.child import register_op
from optuna_xmcnas.child.layers import Convolution
from optuna_xmcnas.data import XmcDataset
from optuna_xmcnas.exceptions import CheckpointError
from optuna_xmcnas.training import checkpoint
from optuna_xmcnas.training import load_child
from optuna_xmcnas.training import predict_top_k
from optuna_xmcnas.training import save_child


@pytest.fixture
def child(data: XmcDataset, make_child: Callable[..., ChildNetwork]) -> ChildNetwork:
    return make_child(data, "bilstm", "maxpool3", attention="label", fully_connected=(8, 4))


@pytest.fixture
def path(child: ChildNetwork, tmp_path: Path) -> Path:
    path = tmp_path / "child.safetensors"
    save_child(path, child, {"vocabulary": "abc"})
    return path


def _header(content: bytes) -> tuple[int, int]:
    """Where the header of a safetensors file begins and ends (its own documentation)."""
    return 8, 8 + int.from_bytes(content[:8], "little")


@pytest.mark.parametrize("train_embedding", [False, True])
def test_a_loaded_child_predicts_the_same(
    data: XmcDataset,
    make_child: Callable[..., ChildNetwork],
    tmp_path: Path,
    train_embedding: bool,
) -> None:
    child = make_child(data, "bigru", "conv3", train_embedding=train_embedding)
    with torch.no_grad():
        for parameter in child.parameters():
            parameter.add_(0.01)
    save_child(tmp_path / "child", child, {"vocabulary": "abc", "note": "α"})

    loaded, metadata = load_child(tmp_path / "child", data.vectors)

    assert metadata == {"vocabulary": "abc", "note": "α"}
    assert (loaded.genome, loaded.config) == (child.genome, child.config)
    assert not loaded.training
    expected = predict_top_k(child, data.validation, 5, device="cpu")
    found = predict_top_k(loaded, data.validation, 5, device="cpu")
    np.testing.assert_array_equal(found.labels, expected.labels)
    np.testing.assert_array_equal(found.scores, expected.scores)


def test_frozen_word_vectors_are_not_in_the_file(path: Path, data: XmcDataset) -> None:
    assert b"embedding.vectors" not in path.read_bytes()


def test_loading_does_not_touch_the_random_generator(path: Path, data: XmcDataset) -> None:
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    load_child(path, data.vectors)
    torch.testing.assert_close(torch.rand(3), expected)


def test_a_file_is_replaced_as_a_whole(
    path: Path, child: ChildNetwork, data: XmcDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = path.read_bytes()

    def crash(*arguments: object, **settings: object) -> None:
        raise OSError("the cable fell out")

    monkeypatch.setattr("os.replace", crash)
    with pytest.raises(
        CheckpointError, match=r"cannot write .*child\.safetensors: the cable fell"
    ):
        save_child(path, child)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]

    monkeypatch.undo()
    save_child(path, child)
    assert load_child(path, data.vectors)[1] == {}


@pytest.mark.parametrize("kept", [0, 4, 8, 100, -1])
def test_a_truncated_file_is_refused(path: Path, data: XmcDataset, kept: int) -> None:
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(CheckpointError, match=r"child\.safetensors is not a whole safetensors"):
        load_child(path, data.vectors)


def test_no_changed_byte_goes_unnoticed(path: Path, data: XmcDataset) -> None:
    content = path.read_bytes()
    _, end = _header(content)
    rng = np.random.default_rng(0)
    places = [*range(end), *rng.integers(end, len(content), 50).tolist()]
    for place in places[:: max(1, len(places) // 400)]:
        changed = bytearray(content)
        changed[place] ^= 1
        path.write_bytes(changed)
        with pytest.raises(CheckpointError, match=r"child\.safetensors"):
            load_child(path, data.vectors)


def test_a_safetensors_file_of_someone_else_is_refused(tmp_path: Path, data: XmcDataset) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"weight": torch.ones(2)}, path)
    with pytest.raises(CheckpointError, match=r"other\.safetensors was not written by `save_"):
        load_child(path, data.vectors)


def test_a_text_file_is_refused(tmp_path: Path, data: XmcDataset) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("these are notes, and long enough to be read as a header length\n" * 9)
    with pytest.raises(CheckpointError, match=r"notes\.txt is not a whole safetensors file"):
        load_child(path, data.vectors)


def test_a_missing_file_is_named(tmp_path: Path, data: XmcDataset) -> None:
    with pytest.raises(FileNotFoundError, match=r"no file .*nothing"):
        load_child(tmp_path / "nothing", data.vectors)


def test_another_format_version_is_refused(
    path: Path, child: ChildNetwork, data: XmcDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "_KIND", replace(checkpoint._KIND, format_version="99"))
        save_child(path, child)
    with pytest.raises(CheckpointError, match=r"has format '99'.*reads '1'; install the version"):
        load_child(path, data.vectors)


def test_vectors_of_another_width_are_refused(path: Path, data: XmcDataset) -> None:
    with pytest.raises(CheckpointError, match=r"in the file, .* expected.*Give the vectors"):
        load_child(path, np.ascontiguousarray(data.vectors[:, :5]))


def test_an_op_that_is_not_known_is_named(
    data: XmcDataset, make_child: Callable[..., ChildNetwork], tmp_path: Path
) -> None:
    register_op("ours", partial(Convolution, 3), replace=True)
    save_child(tmp_path / "child", make_child(data, "ours"))
    ops._FACTORIES.pop("ours")
    with pytest.raises(CheckpointError, match=r"no op 'ours'.*Register the ops that it uses"):
        load_child(tmp_path / "child", data.vectors)


def test_names_of_our_own_are_taken(path: Path, child: ChildNetwork) -> None:
    with pytest.raises(ValueError, match=r"must not begin with 'optuna_xmcnas\.'"):
        save_child(path, child, {"optuna_xmcnas.genome": "{}"})


def test_the_header_can_be_read_by_other_tools(path: Path, child: ChildNetwork) -> None:
    content = path.read_bytes()
    begin, end = _header(content)
    header = json.loads(content[begin:end])["__metadata__"]
    assert header["optuna_xmcnas.genome"] == child.genome.to_json()
    assert json.loads(header["optuna_xmcnas.child_config"])["fully_connected"] == [8, 4]
    assert header["vocabulary"] == "abc"


def test_the_file_can_be_moved(path: Path, data: XmcDataset, tmp_path: Path) -> None:
    moved = tmp_path / "folder with spaces" / "ä.bin"
    moved.parent.mkdir()
    shutil.move(path, moved)
    assert load_child(moved, data.vectors)[1] == {"vocabulary": "abc"}
