"""Tensors and strings in one safetensors file: written whole or not at all, checked when read.

A file has a kind, so that one is not taken for another, and a checksum over all that it says.
"""

from __future__ import annotations

from collections.abc import Mapping
import contextlib
from dataclasses import dataclass
import errno
import hashlib
import json
import os
from pathlib import Path
import re
import shutil
import tempfile

from safetensors import safe_open
from safetensors import SafetensorError
from safetensors.torch import save_file
import torch
from torch import Tensor

from optuna_xmcnas.exceptions import CheckpointError
from optuna_xmcnas.version import __version__


OURS = "optuna_xmcnas."
"""Before the names of what this package writes into a header; the others are the caller's."""

_VERSION = f"{OURS}version"
_CHECKSUM = f"{OURS}sha256"
_FULL = tuple(os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT))


@dataclass(frozen=True)
class FileKind:
    """One kind of file.

    Attributes:
        format_name: The name in the header behind which its format version stands.
        format_version: The version that this package writes and reads.
        writer: What writes it, for messages.
    """

    format_name: str
    format_version: str
    writer: str


def check_names(metadata: Mapping[str, str]) -> None:
    """Refuse names of a caller that this package keeps for itself.

    Example:
        >>> check_names({"optuna_xmcnas.genome": "{}"})
        Traceback (most recent call last):
        ...
        ValueError: names in `metadata` must not begin with 'optuna_xmcnas.'; got \
['optuna_xmcnas.genome'].
    """
    if taken := [name for name in metadata if name.startswith(OURS)]:
        raise ValueError(f"names in `metadata` must not begin with {OURS!r}; got {taken}.")


def write_tensors(
    path: Path, kind: FileKind, header: Mapping[str, str], tensors: Mapping[str, Tensor]
) -> None:
    """Write a file; a crash leaves the old one or the new one, never a part of one.

    Args:
        path: The file, replaced if it exists; its folder must exist.
        kind: What it is.
        header: Strings by name.
        tensors: Contiguous tensors on the CPU, none of which shares memory with another.

    Raises:
        CheckpointError: If the file cannot be written; it names a full disk.
    """
    header = {**header, kind.format_name: kind.format_version, _VERSION: __version__}
    header[_CHECKSUM] = _digest(header, tensors)
    temporary: str | None = None
    try:
        # A folder, because safetensors writes to a file next to its own with a name that nobody
        # could tell from others; so what a killed process leaves can be found and removed.
        temporary = tempfile.mkdtemp(prefix=_leftover_prefix(path), suffix=".tmp", dir=path.parent)
        written = Path(temporary, path.name)
        save_file(dict(tensors), written, metadata=header)
        _share(written)
        _to_disk(written)
        os.replace(written, path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"cannot write {path}: {_reason(error)}") from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
    with contextlib.suppress(OSError):  # some network file systems refuse it; the file is there
        _to_disk(path.parent)


def read_tensors(path: Path, kind: FileKind) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Return the header and the tensors of a file, after all checks that its kind allows.

    Raises:
        CheckpointError: If the file is damaged, of another kind, of another format version, or
            cannot be read.
        FileNotFoundError: If there is no such file.
    """
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
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {_reason(error)}") from error
    version = header.get(kind.format_name)
    if version is None:
        raise CheckpointError(f"{path} was not written by {kind.writer}; give a file that was.")
    if version != kind.format_version:
        raise CheckpointError(
            f"{path} has format {version!r}, this version of the package reads "
            f"{kind.format_version!r}; install the version that wrote it ({version_of(header)})."
        )
    if header.get(_CHECKSUM) != _digest(header, tensors):
        raise CheckpointError(
            f"{path} was changed after it was written (its checksum differs); copy it again or "
            "train again."
        )
    return header, tensors


def version_of(header: Mapping[str, str]) -> str | None:
    """Return the version of the package that wrote a header, if it says so."""
    return header.get(_VERSION)


def content_of(header: Mapping[str, str], kind: FileKind) -> dict[str, str]:
    """Return a header without what `write_tensors` added to it."""
    added = (kind.format_name, _VERSION, _CHECKSUM)
    return {name: value for name, value in header.items() if name not in added}


def remove_file(path: Path) -> None:
    """Delete a file, and what processes that were killed while they wrote it left beside it."""
    path.unlink(missing_ok=True)
    leftover = re.compile(re.escape(_leftover_prefix(path)) + r"[^.]+\.tmp")
    for other in path.parent.glob(".*.tmp"):
        if leftover.fullmatch(other.name):
            shutil.rmtree(other, ignore_errors=True)


def _share(path: Path) -> None:
    """Give a file the rights of any new one: safetensors hides it from all other users."""
    usual = path.with_name("usual")
    usual.touch()
    path.chmod(usual.stat().st_mode)


def _leftover_prefix(path: Path) -> str:
    return f".{path.name}."


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    # an error of safetensors has no number, only the text that belongs to it
    is_full = any(words in text for words in _FULL)
    advice = " The disk is full: free some space, or choose another folder." if is_full else ""
    return f"{text}.{advice}"


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
