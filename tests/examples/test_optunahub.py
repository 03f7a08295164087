"""The package for OptunaHub is complete, loads as the hub loads it, and its example runs."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
import subprocess
import sys
from types import ModuleType

import optuna
import pytest
import yaml

import optuna_xmcnas


REGISTRY = Path(__file__).parent.parent.parent / "examples" / "optunahub" / "package"
PACKAGE = REGISTRY / "samplers" / "regularized_evolution"


STAND_IN = """
import importlib.util
from pathlib import Path


def load_local_module(package, *, registry_root):
    file = Path(registry_root, package, "__init__.py")
    spec = importlib.util.spec_from_file_location("from_the_hub", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
"""


IS_INSTALLED = importlib.util.find_spec("optunahub") is not None


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return `optunahub`, or what does the same for a local package where it is not installed."""
    if IS_INSTALLED:
        return importlib.import_module("optunahub")
    file = tmp_path / "optunahub.py"
    file.write_text(STAND_IN)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))  # for the example's own process
    spec = importlib.util.spec_from_file_location("optunahub", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def front_matter() -> dict[str, object]:
    _, text, _ = (PACKAGE / "README.md").read_text("utf-8").split("---\n", 2)
    matter: dict[str, object] = yaml.safe_load(text)
    return matter


def test_its_samplers_are_those_of_this_package(hub: ModuleType) -> None:
    package = hub.load_local_module("samplers/regularized_evolution", registry_root=str(REGISTRY))
    assert {name: getattr(package, name) for name in package.__all__} == {
        name: getattr(optuna_xmcnas, name) for name in package.__all__
    }
    study = optuna.create_study(sampler=package.GuidedEvolutionSampler(seed=0))
    study.optimize(lambda trial: trial.suggest_float("x", -1, 1) ** 2, n_trials=3)
    assert len(study.trials) == 3


def test_its_front_matter_is_what_the_hub_asks_for() -> None:
    matter = front_matter()
    assert set(matter) == {
        *("author", "description", "license", "optuna_versions", "tags", "title"),
    }
    for name in ("author", "description", "title"):
        assert isinstance(matter[name], str)
        assert matter[name]
    for name in ("optuna_versions", "tags"):
        found = matter[name]
        assert isinstance(found, list)
        assert all(isinstance(value, str) for value in found)
    assert "sampler" in str(matter["tags"])
    assert matter["license"] == "MIT License"
    assert optuna.__version__ in str(matter["optuna_versions"])


def test_it_has_the_files_the_hub_asks_for() -> None:
    files = {path.name for path in PACKAGE.iterdir() if path.is_file()}
    assert files == {"LICENSE", "README.md", "__init__.py", "example.py", "requirements.txt"}
    assert (PACKAGE / "LICENSE").read_text("utf-8").startswith("MIT License")
    assert (PACKAGE / "requirements.txt").read_text("utf-8") == "optuna-xmcnas\n"


@pytest.mark.usefixtures("hub")
def test_its_example_runs() -> None:
    done = subprocess.run(
        [sys.executable, str(PACKAGE / "example.py"), "--trials=30"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "best of 30" in done.stdout
