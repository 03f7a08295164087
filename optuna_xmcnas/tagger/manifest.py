"""The files of a model with their checksums, and its own: no changed byte goes unnoticed."""

from __future__ import annotations

from collections.abc import Iterable
import hashlib
import json
from pathlib import Path
from typing import Any

from optuna_xmcnas.exceptions import ModelError
from optuna_xmcnas.version import __version__


MANIFEST = "manifest.json"
FORMAT = 1
"""The version of the folder's layout that this package writes and reads."""

_KIND = "optuna_xmcnas model"
_DIGEST = "sha256"
_BLOCK = 2**20  # bytes read at once


def write_manifest(folder: Path, names: Iterable[str]) -> None:
    """Write the manifest of these files of a folder."""
    content: dict[str, Any] = {
        "format": FORMAT,
        "kind": _KIND,
        "version": __version__,
        "files": {name: _entry(folder / name) for name in sorted(names)},
    }
    (folder / MANIFEST).write_bytes(_written({**content, _DIGEST: _digest(content)}))


def read_manifest(folder: Path) -> frozenset[str]:
    """Return the names of a model's files, each of which is there and as it was written.

    Raises:
        ModelError: If anything about the folder is not as it was written.
    """
    path = folder / MANIFEST
    content = _parsed(folder)
    if content.get("format") != FORMAT:
        raise ModelError(
            f"{path} has format {content.get('format')!r}, this version of the package "
            f"({__version__}) reads {FORMAT}; install the version that wrote it "
            f"({content.get('version')})."
        )
    rest = {name: value for name, value in content.items() if name != _DIGEST}
    # the same bytes again: so not even white space may differ
    if content.get(_DIGEST) != _digest(rest) or path.read_bytes() != _written(content):
        raise ModelError(
            f"{path} was changed after it was written (its checksum differs); {_AGAIN}."
        )
    files: dict[str, dict[str, Any]] = rest["files"]
    for name, expected in files.items():
        _check(folder / name, expected)
    return frozenset(files)


def names_in(folder: Path) -> frozenset[str] | None:
    """Return the names of a model's files, its manifest too; None if the folder is no model.

    Nothing is checked: a damaged model is a model.
    """
    try:
        return frozenset({MANIFEST, *_parsed(folder)["files"]})
    except (ModelError, KeyError, TypeError):
        return None


_AGAIN = "copy the whole folder again, or make the model again"


def _parsed(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    if not folder.exists():
        raise ModelError(f"there is no folder {folder}; give the folder of a model.")
    if not folder.is_dir():
        raise ModelError(f"{folder} is not a folder; give the folder of a model.")
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise ModelError(
            f"{folder} is not a model: it has no {MANIFEST}; give a folder that "
            "`optuna-xmcnas retrain` or `save_model` wrote."
        ) from None
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is damaged: it is not JSON ({error}); {_AGAIN}.") from error
    if not isinstance(content, dict) or content.get("kind") != _KIND:
        raise ModelError(
            f"{path} is not of a model, or damaged: it does not say that it is of the kind "
            f"{_KIND!r}; give a folder that `save_model` wrote, or {_AGAIN}."
        )
    return content


def _check(path: Path, expected: dict[str, Any]) -> None:
    try:
        found = _entry(path)
    except FileNotFoundError:
        raise ModelError(f"{path} is missing; {_AGAIN}.") from None
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}.") from error
    if found["bytes"] != expected["bytes"]:
        raise ModelError(
            f"{path} has {found['bytes']:,} bytes, {expected['bytes']:,} were written; {_AGAIN}."
        )
    if found != expected:
        raise ModelError(
            f"{path} was changed after it was written (its SHA-256 is "
            f"{found['sha256'][:12]}..., not {expected['sha256'][:12]}...); {_AGAIN}."
        )


def _entry(path: Path) -> dict[str, Any]:
    sha = hashlib.sha256()
    n_bytes = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            sha.update(block)
            n_bytes += len(block)
    return {"sha256": sha.hexdigest(), "bytes": n_bytes}


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(_written(content)).hexdigest()


def _written(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, indent=2) + "\n").encode()
