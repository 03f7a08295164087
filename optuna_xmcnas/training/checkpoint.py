"""A trained child as one safetensors file: weights, and in the header all that rebuilds it.

The word vectors are not in it unless they were trained: they come with the data.
"""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses
import hashlib
import json
import os
from pathlib import Path
import secrets
from typing import Any
from typing import TYPE_CHECKING

from safetensors import safe_open
from safetensors import SafetensorError
from safetensors.torch import save_file
import torch
from torch import Tensor

from optuna_xmcnas.child import ChildConfig
from optuna_xmcnas.child import ChildNetwork
from optuna_xmcnas.exceptions import CheckpointError
from optuna_xmcnas.genome import Genome
from optuna_xmcnas.version import __version__


if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


_OURS = "optuna_xmcnas."  # before the names of what this module writes into the header
_FORMAT = "1"
_CHECKSUM = f"{_OURS}sha256"


def save_child(
    path: Path | str, child: ChildNetwork, metadata: Mapping[str, str] | None = None
) -> None:
    """Write a child to a file; a crash leaves the old file or the new one, never a part of one.

    Args:
        path: The file, replaced if it exists; its folder must exist.
        child: The network.
        metadata: Further strings for the header, such as the hash of the vocabulary.

    Raises:
        ValueError: If a name in ``metadata`` begins with ``optuna_xmcnas.``.
        CheckpointError: If the file cannot be written.
    """
    path = Path(path)
    metadata = dict(metadata or {})
    if taken := [name for name in metadata if name.startswith(_OURS)]:
        raise ValueError(f"names in `metadata` must not begin with {_OURS!r}; got {taken}.")
    tensors = {name: t.detach().cpu().contiguous() for name, t in child.state_dict().items()}
    header = {
        **metadata,
        f"{_OURS}format": _FORMAT,
        f"{_OURS}version": __version__,
        f"{_OURS}genome": child.genome.to_json(),
        f"{_OURS}child_config": json.dumps(dataclasses.asdict(child.config)),
        f"{_OURS}n_labels": str(child.n_labels),
    }
    header[_CHECKSUM] = _digest(header, tensors)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        save_file(tensors, temporary, metadata=header)
        _to_disk(temporary)
        os.replace(temporary, path)
    except SafetensorError as error:
        raise CheckpointError(f"cannot write {path}: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)
    _to_disk(path.parent)


def load_child(
    path: Path | str, vectors: npt.NDArray[np.float32]
) -> tuple[ChildNetwork, dict[str, str]]:
    """Return the child in a file, on the CPU in evaluation mode, and the caller's metadata.

    Args:
        path: A file that `save_child` wrote.
        vectors: The word vectors that the child was trained with; compare the vocabulary's hash
            with the metadata before you trust its predictions.

    Raises:
        CheckpointError: If the file is damaged, foreign, of another format version, or does not
            fit the vectors.
        FileNotFoundError: If there is no such file.
    """
    path = Path(path)
    header, tensors = _read(path)
    try:
        genome = Genome.from_json(header[f"{_OURS}genome"])
        config = _config_from_json(header[f"{_OURS}child_config"])
        with torch.random.fork_rng(devices=[]):  # the weights drawn here are overwritten below
            child = ChildNetwork(genome, vectors, int(header[f"{_OURS}n_labels"]), config)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path} describes a child that cannot be built: {error} Register the ops that it "
            f"uses, or install the version that wrote it ({header.get(f'{_OURS}version')})."
        ) from error
    _load_state(path, child, tensors)
    child.eval()
    return child, {name: v for name, v in header.items() if not name.startswith(_OURS)}


def _read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Return header and tensors of a file, after all checks that need no child."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}.")
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            header: dict[str, str] = file.metadata() or {}
            tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise CheckpointError(
            f"{path} is not a whole safetensors file ({error}); copy it again or train again."
        ) from error
    version = header.get(f"{_OURS}format")
    if version is None:
        raise CheckpointError(f"{path} was not written by `save_child`; give a file that was.")
    if version != _FORMAT:
        raise CheckpointError(
            f"{path} has format {version!r}, this version of the package reads {_FORMAT!r}; "
            f"install the version that wrote it ({header.get(f'{_OURS}version')})."
        )
    if header.get(_CHECKSUM) != _digest(header, tensors):
        raise CheckpointError(
            f"{path} was changed after it was written (its checksum differs); copy it again or "
            "train again."
        )
    return header, tensors


def _config_from_json(text: str) -> ChildConfig:
    fields: dict[str, Any] = json.loads(text)
    lists = {name: tuple(value) for name, value in fields.items() if isinstance(value, list)}
    return ChildConfig(**{**fields, **lists})


def _load_state(path: Path, child: ChildNetwork, tensors: Mapping[str, Tensor]) -> None:
    state = child.state_dict()
    wrong = [
        f"{name}: {_shape(tensors, name)} in the file, {_shape(state, name)} expected"
        for name in sorted({*tensors, *state})
        if _shape(tensors, name) != _shape(state, name)
    ]
    if wrong:
        raise CheckpointError(
            f"{path} does not fit the child and the word vectors: {'; '.join(wrong)}. Give the "
            "vectors that it was trained with."
        )
    child.load_state_dict(tensors)


def _shape(tensors: Mapping[str, Tensor], name: str) -> str:
    return str(tuple(tensors[name].shape)) if name in tensors else "nothing"


def _digest(header: Mapping[str, str], tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of all that the file says, but for the checksum itself."""
    sha = hashlib.sha256()
    said = sorted((name, value) for name, value in header.items() if name != _CHECKSUM)
    sha.update(json.dumps(said).encode())
    for name, tensor in sorted(tensors.items()):
        sha.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        sha.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return sha.hexdigest()


def _to_disk(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
