"""A trained child as one safetensors file: weights, and in the header all that rebuilds it.

The word vectors are not in it unless they were trained: they come with the data.
"""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses
import json
from pathlib import Path
from typing import Any
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from optuna_xmcnas.child import ChildConfig
from optuna_xmcnas.child import ChildNetwork
from optuna_xmcnas.exceptions import CheckpointError
from optuna_xmcnas.genome import Genome
from optuna_xmcnas.training.tensor_file import check_names
from optuna_xmcnas.training.tensor_file import FileKind
from optuna_xmcnas.training.tensor_file import OURS
from optuna_xmcnas.training.tensor_file import read_tensors
from optuna_xmcnas.training.tensor_file import version_of
from optuna_xmcnas.training.tensor_file import write_tensors


if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


_KIND = FileKind(f"{OURS}format", "1", "`save_child`")


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
        CheckpointError: If the file cannot be written; it names a full disk.
    """
    metadata = dict(metadata or {})
    check_names(metadata)
    tensors = {name: t.detach().cpu().contiguous() for name, t in child.state_dict().items()}
    header = {
        **metadata,
        f"{OURS}genome": child.genome.to_json(),
        f"{OURS}child_config": json.dumps(dataclasses.asdict(child.config)),
        f"{OURS}n_labels": str(child.n_labels),
    }
    write_tensors(Path(path), _KIND, header, tensors)


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
    header, tensors = read_tensors(path, _KIND)
    try:
        genome = Genome.from_json(header[f"{OURS}genome"])
        config = _config_from_json(header[f"{OURS}child_config"])
        with torch.random.fork_rng(devices=[]):  # the weights drawn here are overwritten below
            child = ChildNetwork(genome, vectors, int(header[f"{OURS}n_labels"]), config)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path} describes a child that cannot be built: {error} Register the ops that it "
            f"uses, or install the version that wrote it ({version_of(header)})."
        ) from error
    _load_state(path, child, tensors)
    child.eval()
    return child, {name: v for name, v in header.items() if not name.startswith(OURS)}


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
