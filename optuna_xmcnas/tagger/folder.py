"""A model as a folder: written whole or not at all, checked byte by byte when it is read.

Weights are safetensors, the rest is JSON and a README for people; nothing in it is ever run.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from pathlib import Path
import secrets
import shutil
from typing import Any

import numpy as np
import torch

from optuna_xmcnas.child import ChildConfig
from optuna_xmcnas.child import op_names
from optuna_xmcnas.data import Vocabulary
from optuna_xmcnas.exceptions import CheckpointError
from optuna_xmcnas.exceptions import DataError
from optuna_xmcnas.exceptions import ModelError
from optuna_xmcnas.exceptions import XmcNasError
from optuna_xmcnas.genome import Genome
from optuna_xmcnas.tagger.card import model_card
from optuna_xmcnas.tagger.manifest import names_in
from optuna_xmcnas.tagger.manifest import read_manifest
from optuna_xmcnas.tagger.manifest import write_manifest
from optuna_xmcnas.tagger.model import Model
from optuna_xmcnas.tagger.model import share_vectors
from optuna_xmcnas.training import load_child
from optuna_xmcnas.training import save_child
from optuna_xmcnas.training.tensor_file import FileKind
from optuna_xmcnas.training.tensor_file import OURS
from optuna_xmcnas.training.tensor_file import read_tensors
from optuna_xmcnas.training.tensor_file import write_tensors


_CARD = "README.md"
_CONFIG = "config.json"
_TOKENIZER = "tokenizer.json"
_LABELS = "labels.jsonl"
_METRICS = "metrics.json"
_VECTORS = "vectors.safetensors"
_VECTORS_KIND = FileKind(f"{OURS}vectors_format", "1", "`save_model`")
_VOCABULARY = "vocabulary"  # name in the header of what belongs to some word numbers


def save_model(path: Path | str, model: Model, *, overwrite: bool = False) -> None:
    """Write a model to a folder; a crash leaves the old folder or the new one, never a part.

    Args:
        path: The folder. Folders above it are made.
        model: What to write.
        overwrite: Whether to replace a model that is there. Nothing else is ever replaced.

    Raises:
        ModelError: If something is there that must stay, or the folder cannot be written.
    """
    path = Path(os.path.abspath(path))
    check_target(path, overwrite=overwrite)
    # beside its place, so that a rename puts it there; the name tells what it is if we are killed
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        temporary.mkdir(parents=True)
        _write(temporary, model)
        for written in (*temporary.iterdir(), temporary):
            _to_disk(written)
        _put_in_place(temporary, path)
    except OSError as error:
        raise ModelError(f"cannot write {path}: {error.strerror or error}.") from error
    except CheckpointError as error:
        raise ModelError(f"cannot write {path}: {error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def load_model(path: Path | str) -> Model:
    """Return the model in a folder, its members on the CPU in evaluation mode.

    Raises:
        ModelError: If there is no model, one byte of it differs from what was written, it has
            another format version, or it uses an op that is not registered.
    """
    path = Path(os.path.abspath(path))
    if not path.exists() and _replaced(path).exists():
        path = _replaced(path)  # a replacement was cut off: the new one never got its place
    read_manifest(path)
    try:
        return _read(path)
    except ModelError:
        raise
    except (XmcNasError, KeyError, TypeError, ValueError, OSError) as error:
        reason = f"{path} cannot be used as a model: {error}"
        raise ModelError(f"{reason.removesuffix('.')}. Was it put together by hand?") from error


def _write(folder: Path, model: Model) -> None:
    config = {
        "name": model.name,
        "genome": json.loads(model.genome.to_json()),
        "child": _fields(model.config),
        "n_members": len(model.members),
        "n_labels": model.n_labels,
        "vectors_shape": list(model.vectors.shape),
        "n_train": model.n_train,
        "max_tokens": model.max_tokens,
        "facts": dict(model.facts),
    }
    labels = (
        json.dumps({"label": name, "count": count}, ensure_ascii=False)
        for name, count in zip(model.label_names, model.label_counts.tolist(), strict=True)
    )
    texts = {
        _CARD: model_card(model),
        _CONFIG: _json(config),
        _TOKENIZER: model.vocabulary.to_json(),
        _LABELS: "".join(f"{line}\n" for line in labels),
        _METRICS: _json(dict(model.metrics)),
    }
    for name, text in texts.items():
        (folder / name).write_bytes(text.encode("utf-8", "backslashreplace"))
    names = [*texts]
    made_for = {_VOCABULARY: model.vocabulary.content_hash}
    if not model.config.train_embedding:
        vectors = torch.from_numpy(np.ascontiguousarray(model.vectors, np.float32))
        write_tensors(folder / _VECTORS, _VECTORS_KIND, made_for, {"vectors": vectors})
        names.append(_VECTORS)
    for number, child in enumerate(model.members):
        save_child(folder / _member(number), child, made_for)
        names.append(_member(number))
    write_manifest(folder, names)


def _read(folder: Path) -> Model:
    config = json.loads((folder / _CONFIG).read_bytes())
    genome = Genome.from_json(json.dumps(config["genome"]))
    _check_ops(folder, genome)
    try:
        vocabulary = Vocabulary.from_json((folder / _TOKENIZER).read_text("utf-8"))
    except DataError as error:
        raise ModelError(f"{folder / _TOKENIZER} cannot be used: {error}") from error
    # split at "\n" alone: other ends of lines may stand within a name
    lines = (folder / _LABELS).read_bytes().decode().removesuffix("\n").split("\n")
    labels = [json.loads(line) for line in lines]
    is_frozen = not config["child"]["train_embedding"]
    vectors = np.zeros(config["vectors_shape"], np.float32)
    if is_frozen:
        header, tensors = read_tensors(folder / _VECTORS, _VECTORS_KIND)
        _check_words(folder / _VECTORS, header, vocabulary)
        vectors = tensors["vectors"].numpy()
    members = []
    for number in range(config["n_members"]):
        child, header = load_child(folder / _member(number), vectors)
        _check_words(folder / _member(number), header, vocabulary)
        if child.genome != genome or _fields(child.config) != config["child"]:
            raise ModelError(
                f"{folder / _member(number)} is of another architecture or configuration than "
                f"{_CONFIG} says."
            )
        members.append(child)
        if is_frozen:
            share_vectors(child, torch.from_numpy(vectors))
    if not is_frozen:
        vectors = members[0].embedding.vectors.detach().numpy()
    return Model(
        name=config["name"],
        members=tuple(members),
        vocabulary=vocabulary,
        vectors=vectors,
        label_names=tuple(label["label"] for label in labels),
        label_counts=np.array([label["count"] for label in labels], np.int64),
        n_train=config["n_train"],
        max_tokens=config["max_tokens"],
        metrics=json.loads((folder / _METRICS).read_bytes()),
        facts=config["facts"],
    )


def _fields(config: ChildConfig) -> dict[str, Any]:
    """Return a configuration as it comes back from JSON."""
    fields: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(config)))
    return fields


def _check_ops(folder: Path, genome: Genome) -> None:
    unknown = sorted({node.op for node in genome.nodes}.difference(op_names()))
    if unknown:
        raise ModelError(
            f"{folder} uses the ops {', '.join(map(repr, unknown))}, which are not known here; "
            f"known: {', '.join(op_names())}. Import the module that registers them first: "
            "`--import MODULE` on the command line."
        )


def _check_words(path: Path, header: dict[str, str], vocabulary: Vocabulary) -> None:
    if header.get(_VOCABULARY) != vocabulary.content_hash:
        raise ModelError(f"{path} was made for other words than those in {_TOKENIZER}.")


def check_target(path: Path | str, *, overwrite: bool) -> None:
    """Check that a model could be written to a folder, as far as that can be told before.

    Raises:
        ModelError: If something is there that must stay.
    """
    path = Path(os.path.abspath(path))
    if not os.path.lexists(path):
        return
    if path.is_symlink() or not path.is_dir():
        raise ModelError(f"{path} is there and is not a folder; choose another path.")
    inside = {entry.name for entry in path.iterdir()}
    if not inside:
        return
    names = names_in(path)
    if names is None:
        raise ModelError(f"{path} is there and is not a model; choose another path.")
    if others := sorted(inside - names):
        raise ModelError(
            f"{path} holds what does not belong to its model, such as {others[0]!r}; move that "
            "elsewhere, or choose another path."
        )
    if not overwrite:
        raise ModelError(f"{path} is there already; choose another path, or overwrite it.")


def _put_in_place(new: Path, path: Path) -> None:
    """Rename a folder to ``path``; of what is replaced, `load_model` finds one or the other."""
    old = _replaced(path)
    if names_in(path) is not None:
        if old.exists():  # left when an earlier replacement was cut off after its last rename
            _remove_model(old)
        path.rename(old)
    try:
        new.rename(path)
    except OSError:
        if old.exists() and not path.exists():
            old.rename(path)
        raise
    with contextlib.suppress(OSError):  # some network file systems refuse it; the names are there
        _to_disk(path.parent)
    if old.exists():
        _remove_model(old)


def _remove_model(folder: Path) -> None:
    if names_in(folder) is not None:
        shutil.rmtree(folder, ignore_errors=True)


def _replaced(path: Path) -> Path:
    return path.with_name(f".{path.name}.replaced")


def _to_disk(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _member(number: int) -> str:
    return f"member-{number:02d}.safetensors"


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
