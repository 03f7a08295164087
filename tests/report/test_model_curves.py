"""Learning curves of models, without PyTorch."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from optuna_xmcnas.exceptions import ModelError
from optuna_xmcnas.report import model_curves
from optuna_xmcnas.study import CurvePoint


def write_model(folder: Path, members: object) -> Path:
    """Write what a model's folder has of small files."""
    folder.mkdir()
    metrics = json.dumps({"members": members}).encode()
    (folder / "metrics.json").write_bytes(metrics)
    entry = {"sha256": hashlib.sha256(metrics).hexdigest(), "bytes": len(metrics)}
    manifest = {"format": 1, "kind": "optuna_xmcnas model", "files": {"metrics.json": entry}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_each_training_has_its_curve(tmp_path: Path) -> None:
    members = [
        {"seed": 4, "curve": [[1.0, 10, 0.3, 0.4]]},
        {"seed": 5, "curve": [[2.0, 20, 0.5, 1]]},
    ]
    found = model_curves(write_model(tmp_path / "full", members))
    assert found == {
        "full, seed 4": (CurvePoint(1.0, 10, 0.3, 0.4),),
        "full, seed 5": (CurvePoint(2.0, 20, 0.5, 1),),
    }


@pytest.mark.parametrize("members", [[], None, [{"seed": 4}], [{"seed": 4, "curve": [[1]]}], [3]])
def test_a_model_without_curves_is_refused(tmp_path: Path, members: object) -> None:
    with pytest.raises(ModelError, match=r"full has no learning curves"):
        model_curves(write_model(tmp_path / "full", members))


def test_other_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"there is no folder"):
        model_curves(tmp_path / "none")
    with pytest.raises(ModelError, match=r"is not a model: it has no manifest.json"):
        model_curves(tmp_path)
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(ModelError, match=r"is not a model"):
        model_curves(tmp_path)


def test_changed_metrics_are_refused(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "full", [{"seed": 4, "curve": [[1.0, 10, 0.3, 0.4]]}])
    (folder / "metrics.json").write_text("{}")
    with pytest.raises(ModelError, match=r"was changed"):
        model_curves(folder)


def test_a_training_that_was_taken_up_says_so(tmp_path: Path) -> None:
    members = [{"seed": 4, "curve": [[1.0, 60, 0.3, 0.4]], "resumed_at_step": 50}]
    assert list(model_curves(write_model(tmp_path / "full", members))) == [
        "full, seed 4, from step 50 on"
    ]
