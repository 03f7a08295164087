"""What is public is what a part lists: sorted, there, documented, and nothing else."""

from __future__ import annotations

import importlib
import inspect
from types import ModuleType

import pytest


PARTS = (
    "optuna_xmcnas",
    "optuna_xmcnas.analysis",
    "optuna_xmcnas.baselines",
    "optuna_xmcnas.child",
    "optuna_xmcnas.cli",
    "optuna_xmcnas.dashboard",
    "optuna_xmcnas.data",
    "optuna_xmcnas.drawing",
    "optuna_xmcnas.exceptions",
    "optuna_xmcnas.figures",
    "optuna_xmcnas.genome",
    "optuna_xmcnas.guides",
    "optuna_xmcnas.metrics",
    "optuna_xmcnas.objective",
    "optuna_xmcnas.planning",
    "optuna_xmcnas.report",
    "optuna_xmcnas.samplers",
    "optuna_xmcnas.study",
    "optuna_xmcnas.tagger",
    "optuna_xmcnas.training",
    "optuna_xmcnas.worker",
    "optuna_xmcnas.workflows",
)


@pytest.fixture(params=PARTS)
def part(request: pytest.FixtureRequest) -> ModuleType:
    return importlib.import_module(request.param)


def test_public_names_are_sorted_and_there(part: ModuleType) -> None:
    assert list(part.__all__) == sorted(part.__all__)
    for name in part.__all__:
        assert hasattr(part, name), name


def test_public_names_are_documented(part: ModuleType) -> None:
    for name in part.__all__:
        thing = getattr(part, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert inspect.getdoc(thing), name


def test_nothing_else_looks_public(part: ModuleType) -> None:
    if not part.__file__ or not part.__file__.endswith("__init__.py"):
        return
    own = {
        name
        for name, thing in vars(part).items()
        if not name.startswith("_")
        and not inspect.ismodule(thing)
        and getattr(thing, "__module__", "").startswith("optuna_xmcnas")
    }
    assert own <= set(part.__all__)
