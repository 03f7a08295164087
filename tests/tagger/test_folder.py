from __future__ import annotations

from functools import partial
import json
import os
from pathlib import Path
import re
import shutil
import stat
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file
import torch

from optuna_xmcnas.child import ops
from optuna_xmcnas.child import register_op
from optuna_xmcnas.child.layers import Convolution
from optuna_xmcnas.exceptions import ModelError
from optuna_xmcnas.tagger import load_model
from optuna_xmcnas.tagger import Model
from optuna_xmcnas.tagger import save_model
from optuna_xmcnas.tagger import Tagger
from optuna_xmcnas.training import predict_top_k
from tests.tagger.tiny import change_manifest
from tests.tagger.tiny import LABEL_NAMES
from tests.tagger.tiny import tiny_child
from tests.tagger.tiny import tiny_data
from tests.tagger.tiny import tiny_model
from tests.tagger.tiny import tiny_texts
from tests.tagger.tiny import write_again


FILES = (
    "README.md",
    "config.json",
    "labels.jsonl",
    "manifest.json",
    "member-00.safetensors",
    "member-01.safetensors",
    "metrics.json",
    "tokenizer.json",
    "vectors.safetensors",
)


def _same(found: Model, expected: Model) -> None:
    """Compare all scores of all members, bit by bit."""
    split = Tagger(expected, device="cpu").encode(tiny_texts())
    assert len(found.members) == len(expected.members)
    for one, other in zip(found.members, expected.members, strict=True):
        top, wanted = (predict_top_k(c, split, 12, device="cpu") for c in (one, other))
        np.testing.assert_array_equal(top.labels, wanted.labels)
        np.testing.assert_array_equal(top.scores.view(np.int32), wanted.scores.view(np.int32))


def test_a_loaded_model_is_the_saved_one(saved: Path, model: Model) -> None:
    found = load_model(saved)
    assert found.genome == model.genome
    assert found.config == model.config
    assert found.vocabulary == model.vocabulary
    assert found.label_names == LABEL_NAMES
    for name in ("name", "n_train", "max_tokens", "metrics", "facts"):
        assert getattr(found, name) == getattr(model, name), name
    np.testing.assert_array_equal(found.label_counts, model.label_counts)
    np.testing.assert_array_equal(found.vectors, model.vectors)
    assert not any(child.training for child in found.members)
    _same(found, model)


@pytest.mark.parametrize("attention", ["label", "self", "maxpool"])
@pytest.mark.parametrize("train_embedding", [False, True])
def test_every_kind_of_child_survives(
    tmp_path: Path, attention: str, train_embedding: bool
) -> None:
    child = tiny_child(
        "bigru", "maxpool3", attention=attention, train_embedding=train_embedding, combine="concat"
    )
    save_model(tmp_path / "model", tiny_model([child]))
    _same(load_model(tmp_path / "model"), tiny_model([child]))


def test_frozen_vectors_are_stored_once_and_shared(saved: Path) -> None:
    vectors = load_file(saved / "vectors.safetensors")["vectors"]
    np.testing.assert_array_equal(vectors.numpy(), tiny_data().vectors)
    for number in range(2):
        assert "embedding.vectors" not in load_file(saved / f"member-0{number}.safetensors")
    first, second = load_model(saved).members
    assert first.embedding.vectors.data_ptr() == second.embedding.vectors.data_ptr()


def test_trained_vectors_are_those_of_the_members(tmp_path: Path) -> None:
    children = [tiny_child("conv1", seed=seed, train_embedding=True) for seed in (0, 1)]
    save_model(tmp_path / "model", tiny_model(children))
    assert not (tmp_path / "model" / "vectors.safetensors").exists()
    loaded = load_model(tmp_path / "model")
    for found, expected in zip(loaded.members, children, strict=True):
        assert torch.equal(found.embedding.vectors, expected.embedding.vectors)
    np.testing.assert_array_equal(loaded.vectors, children[0].embedding.vectors.detach().numpy())


def test_other_tools_can_read_the_rest(saved: Path) -> None:
    config = json.loads((saved / "config.json").read_text("utf-8"))
    assert config["genome"]["nodes"][0][0] == "bilstm"
    assert config["child"]["hidden"] == 8
    labels = (saved / "labels.jsonl").read_bytes().decode().removesuffix("\n").split("\n")
    assert [json.loads(label)["label"] for label in labels] == list(LABEL_NAMES)
    assert sorted(os.listdir(saved)) == sorted(FILES)
    for name in (".", *FILES):
        assert (saved / name).stat().st_mode & stat.S_IROTH, f"others cannot read {name}"


@pytest.mark.parametrize("name", FILES)
def test_no_changed_byte_goes_unnoticed(folder: Path, name: str) -> None:
    path = folder / name
    content = path.read_bytes()
    places = {0, len(content) - 1, *np.linspace(0, len(content) - 1, 12).astype(int).tolist()}
    if name == "manifest.json":  # nothing else looks after it: every kind of byte counts
        places = set(range(0, len(content), 9))
    for place in sorted(places):
        changed = bytearray(content)
        changed[place] ^= 1
        path.write_bytes(changed)
        with pytest.raises(ModelError, match=re.escape(str(folder))):
            load_model(folder)
    path.write_bytes(content)
    load_model(folder)


def test_white_space_of_the_manifest_counts_too(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace(": ", ":\t"))
    with pytest.raises(ModelError, match=r"manifest\.json was changed after it was written"):
        load_model(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ModelError, match=re.escape(name)):
        load_model(folder)


@pytest.mark.parametrize("name", FILES)
def test_further_and_missing_bytes_are_told(folder: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    for damaged in (content + b"\n", content[:-1], b""):
        (folder / name).write_bytes(damaged)
        with pytest.raises(ModelError, match=rf"{re.escape(name)} (has .* bytes|.*damaged|was)"):
            load_model(folder)


def test_another_format_version_is_refused(folder: Path) -> None:
    change_manifest(folder, format=2, version="9.9.9")
    with pytest.raises(ModelError, match=r"has format 2, .* reads 1; install .* \(9\.9\.9\)"):
        load_model(folder)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[]", "is not of a model, or damaged"),
        (b'{"kind": "something else"}', "is not of a model, or damaged"),
        (b"\xff", "is damaged: it is not JSON"),
        (b"[" * 100_000, "is damaged: it is not JSON"),
    ],
)
def test_a_foreign_manifest_is_refused(folder: Path, content: bytes, said: str) -> None:
    (folder / "manifest.json").write_bytes(content)
    with pytest.raises(ModelError, match=said):
        load_model(folder)


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"there is no folder .*absent; give the folder of"):
        load_model(tmp_path / "absent")
    with pytest.raises(ModelError, match=r"is not a model: it has no manifest\.json"):
        load_model(tmp_path)
    (tmp_path / "file").write_text("text")
    with pytest.raises(ModelError, match=r"file is not a folder"):
        load_model(tmp_path / "file")


def _weights_of_another_child(folder: Path) -> None:
    other = folder.with_name("other")
    save_model(other, tiny_model([tiny_child("bilstm", "conv3", hidden=4)]))
    content = (other / "member-00.safetensors").read_bytes()
    write_again(folder, "member-00.safetensors", content)


def _vectors_of_another_width(folder: Path) -> None:
    other = folder.with_name("other")
    data = tiny_data()
    child = tiny_child("bilstm", "conv3")
    narrow = np.ascontiguousarray(data.vectors[:, :5])
    child.embedding.register_buffer("vectors", torch.from_numpy(narrow), persistent=False)
    save_model(other, tiny_model([child], vectors=narrow))
    write_again(folder, "vectors.safetensors", (other / "vectors.safetensors").read_bytes())


def _fewer_labels(folder: Path) -> None:
    lines = (folder / "labels.jsonl").read_bytes().split(b"\n")
    write_again(folder, "labels.jsonl", b"\n".join(lines[1:]))


def _another_vocabulary(folder: Path) -> None:
    content = (folder / "tokenizer.json").read_bytes()
    write_again(folder, "tokenizer.json", content.replace(b'filler1"', b'changed"'))


def _another_tokenizer(folder: Path) -> None:
    content = (folder / "tokenizer.json").read_bytes()
    write_again(folder, "tokenizer.json", content.replace(b"Lowercase", b"StripAccents"))


def _incomplete_configuration(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_bytes())
    config.pop("max_tokens")
    write_again(folder, "config.json", json.dumps(config).encode())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            _weights_of_another_child,
            r"member-00\.safetensors is of another architecture or config",
        ),
        (_vectors_of_another_width, r"does not fit the child and the word vectors"),
        (_fewer_labels, r"score 12 labels, but there are 11"),
        (_another_vocabulary, r"was made for other words"),
        (_another_tokenizer, r"tokenizer\.json cannot be used"),
        (_incomplete_configuration, r"cannot be used as a model: 'max_tokens'"),
    ],
)
def test_parts_that_do_not_fit_are_refused(folder: Path, change: Any, said: str) -> None:
    change(folder)
    with pytest.raises(ModelError, match=said):
        load_model(folder)


def test_an_op_that_is_not_known_asks_for_its_module(tmp_path: Path) -> None:
    register_op("ours", partial(Convolution, 3), replace=True)
    save_model(tmp_path / "model", tiny_model([tiny_child("ours", "conv1")]))
    load_model(tmp_path / "model")
    ops._FACTORIES.pop("ours")
    with pytest.raises(ModelError, match=r"ops 'ours', which are not known.*--import MODULE"):
        load_model(tmp_path / "model")


def test_what_is_there_is_not_replaced_unasked(folder: Path, model: Model) -> None:
    before = (folder / "manifest.json").read_bytes()
    with pytest.raises(ModelError, match=r"model is there already; choose another path, or over"):
        save_model(folder, model)
    assert (folder / "manifest.json").read_bytes() == before
    save_model(folder, tiny_model(name="another"), overwrite=True)
    assert load_model(folder).name == "another"
    assert sorted(os.listdir(folder.parent)) == ["model"]


def test_a_damaged_model_can_be_replaced(folder: Path, model: Model) -> None:
    (folder / "labels.jsonl").unlink()
    save_model(folder, model, overwrite=True)
    _same(load_model(folder), model)


def test_nothing_but_a_model_is_ever_replaced(folder: Path, model: Model, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "notes.txt").write_text("mine")
    with pytest.raises(ModelError, match=r"notes is there and is not a model"):
        save_model(tmp_path / "notes", model, overwrite=True)
    with pytest.raises(ModelError, match=r"notes\.txt is there and is not a folder"):
        save_model(tmp_path / "notes" / "notes.txt", model, overwrite=True)
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(ModelError, match=r"link is there and is not a folder"):
        save_model(tmp_path / "link", model, overwrite=True)
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(ModelError, match=r"does not belong to its model, such as 'notes\.txt'"):
        save_model(folder, model, overwrite=True)
    assert (tmp_path / "notes" / "notes.txt").read_text() == "mine"
    assert (folder / "notes.txt").read_text() == "mine"


def test_an_empty_folder_and_new_ones_above_are_used(model: Model, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    save_model(tmp_path / "empty", model)
    save_model(tmp_path / "some" / "where", model)
    assert load_model(tmp_path / "empty").name == load_model(tmp_path / "some" / "where").name


def test_a_crash_while_it_is_written_leaves_the_old_one(
    folder: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*arguments: object, **settings: object) -> None:
        raise OSError("the cable fell out")

    monkeypatch.setattr("optuna_xmcnas.tagger.folder.write_manifest", crash)
    with pytest.raises(ModelError, match=r"cannot write .*model: the cable fell out"):
        save_model(folder, tiny_model(name="new"), overwrite=True)
    assert sorted(os.listdir(folder.parent)) == ["model"]
    assert load_model(folder).name == "tiny"


class Killed(BaseException):
    """Not an error: nothing after it runs."""


@pytest.mark.parametrize("n_renames", [0, 1, 2])
def test_a_replacement_that_is_killed_leaves_one_of_both(
    folder: Path, model: Model, monkeypatch: pytest.MonkeyPatch, n_renames: int
) -> None:
    """Kill the replacement before, between and after its two renames."""
    rename = Path.rename
    done: list[Path] = []

    def until_killed(path: Path, target: Path) -> Path:
        if len(done) == n_renames:
            raise Killed
        done.append(path)
        return rename(path, target)

    remove = shutil.rmtree

    def killed_here_too(path: Path, *, ignore_errors: bool) -> None:
        if str(path).endswith(".replaced"):
            raise Killed
        if Path(path).parent != folder.parent:  # what is written into the new folder is done with
            remove(path, ignore_errors=ignore_errors)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", until_killed)
        patch.setattr("shutil.rmtree", killed_here_too)
        with pytest.raises(Killed):
            save_model(folder, tiny_model(name="new"), overwrite=True)
    expected = "new" if n_renames == 2 else "tiny"
    assert load_model(folder).name == expected
    save_model(folder, tiny_model(name="newest"), overwrite=True)
    assert load_model(folder).name == "newest"
    left = {name for name in os.listdir(folder.parent) if not name.endswith(".tmp")}
    assert left == {"model"}


def test_a_rename_that_fails_puts_the_old_one_back(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def refuse_the_new(path: Path, target: Path) -> Path:
        if path.suffix == ".tmp":
            raise OSError("no")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse_the_new)
    with pytest.raises(ModelError, match=r"cannot write"):
        save_model(folder, tiny_model(name="new"), overwrite=True)
    assert sorted(os.listdir(folder.parent)) == ["model"]
    assert load_model(folder).name == "tiny"


def test_a_relative_path_will_do(
    tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save_model("here", model)
    _same(load_model("here"), model)
