"""A tiny model, and a folder with it."""

from __future__ import annotations

from pathlib import Path
import shutil

import pytest

from optuna_xmcnas.tagger import Model
from optuna_xmcnas.tagger import save_model
from optuna_xmcnas.tagger import Tagger
from tests.tagger.tiny import tiny_child
from tests.tagger.tiny import tiny_model


@pytest.fixture(scope="session")
def model() -> Model:
    return tiny_model([tiny_child("bilstm", "conv3", seed=seed) for seed in (0, 1)])


@pytest.fixture(scope="session")
def tagger(model: Model) -> Tagger:
    return Tagger(model, device="cpu")


@pytest.fixture(scope="session")
def saved(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model's folder that no test changes."""
    path = tmp_path_factory.mktemp("saved") / "model"
    save_model(path, model)
    return path


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    """Return a model's folder that a test may change."""
    return Path(shutil.copytree(saved, tmp_path / "model"))
