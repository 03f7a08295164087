"""Learning curves of models, read from their folders without PyTorch."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from optuna_xmcnas.exceptions import ModelError
from optuna_xmcnas.study import CurvePoint
from optuna_xmcnas.study.checked import count
from optuna_xmcnas.study.curve import curve_from_record


_MANIFEST, _METRICS = "manifest.json", "metrics.json"
_KIND = "optuna_xmcnas model"


def model_curves(folder: Path | str) -> dict[str, tuple[CurvePoint, ...]]:
    """Return the learning curves of a model's trainings, each named after the folder and its seed.

    A training that was taken up after a break has its curve from there on, and its name says so.
    Only the small files of the folder are read.

    Args:
        folder: What `retrain` wrote.

    Raises:
        ModelError: If it is no model, its metrics were changed, or they hold no curve.
    """
    folder = Path(folder)
    files = _read(folder, _MANIFEST)
    if files.get("kind") != _KIND or not isinstance(files.get("files"), dict):
        raise ModelError(f"{folder} is not a model; give a folder that `retrain` wrote.")
    _check(folder, files["files"].get(_METRICS))
    members = _read(folder, _METRICS).get("members")
    found: dict[str, tuple[CurvePoint, ...]] = {}
    for member in members if isinstance(members, list) else ():
        curve = curve_from_record(member.get("curve")) if isinstance(member, dict) else None
        if curve:
            whose = f"{folder.resolve().name}, seed {member.get('seed')}"
            step = count(member.get("resumed_at_step"))
            found[whose if step is None else f"{whose}, from step {step} on"] = curve
    if not found:
        raise ModelError(
            f"{folder} has no learning curves: an earlier version of this package trained it. "
            "`optuna-xmcnas retrain` writes them now."
        )
    return found


def _read(folder: Path, name: str) -> dict[str, Any]:
    path = folder / name
    if not folder.is_dir():
        raise ModelError(f"there is no folder {folder}; give the folder of a model.")
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise ModelError(
            f"{folder} is not a model: it has no {name}; give a folder that `retrain` wrote."
        ) from None
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is damaged: it is not JSON ({error}).") from error
    if not isinstance(content, dict):
        raise ModelError(f"{path} is damaged: it does not hold names and values.")
    return content


def _check(folder: Path, entry: object) -> None:
    path = folder / _METRICS
    if not isinstance(entry, dict) or not path.is_file():
        return  # reading it says what is missing
    if hashlib.sha256(path.read_bytes()).hexdigest() != entry.get("sha256"):
        raise ModelError(
            f"{path} was changed after it was written (its checksum differs); copy the whole "
            "folder again."
        )
