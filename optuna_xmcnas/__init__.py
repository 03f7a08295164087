"""Neural architecture search for extreme multi-label text tagging, as an Optuna plug-in.

Importing this package is light: what needs PyTorch is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from optuna_xmcnas.exceptions import XmcNasError
from optuna_xmcnas.genome import Genome
from optuna_xmcnas.genome import GenomeSpace
from optuna_xmcnas.genome import Mutation
from optuna_xmcnas.genome import Node
from optuna_xmcnas.genome import register_mutation
from optuna_xmcnas.samplers import GuidedEvolutionSampler
from optuna_xmcnas.samplers import RegularizedEvolutionSampler
from optuna_xmcnas.version import __version__ as __version__


if TYPE_CHECKING:
    from optuna_xmcnas.child import ChildConfig
    from optuna_xmcnas.child import ChildNetwork
    from optuna_xmcnas.child import register_op
    from optuna_xmcnas.data import DataConfig
    from optuna_xmcnas.data import load_docstrings
    from optuna_xmcnas.data import prepare
    from optuna_xmcnas.data import read_dataset
    from optuna_xmcnas.objective import XmcObjective
    from optuna_xmcnas.study import open_storage
    from optuna_xmcnas.tagger import Tagger
    from optuna_xmcnas.training import TrainingConfig
    from optuna_xmcnas.worker import work
    from optuna_xmcnas.worker import WorkSettings


__all__ = [
    "ChildConfig",
    "ChildNetwork",
    "DataConfig",
    "Genome",
    "GenomeSpace",
    "GuidedEvolutionSampler",
    "Mutation",
    "Node",
    "RegularizedEvolutionSampler",
    "Tagger",
    "TrainingConfig",
    "WorkSettings",
    "XmcNasError",
    "XmcObjective",
    "load_docstrings",
    "open_storage",
    "prepare",
    "read_dataset",
    "register_mutation",
    "register_op",
    "work",
]

_ON_FIRST_USE = {
    "ChildConfig": "child",
    "ChildNetwork": "child",
    "DataConfig": "data",
    "Tagger": "tagger",
    "TrainingConfig": "training",
    "WorkSettings": "worker",
    "XmcObjective": "objective",
    "load_docstrings": "data",
    "open_storage": "study",
    "prepare": "data",
    "read_dataset": "data",
    "register_op": "child",
    "work": "worker",
}


def __getattr__(name: str) -> object:
    if name not in _ON_FIRST_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    part = importlib.import_module(f"{__name__}.{_ON_FIRST_USE[name]}")
    return getattr(part, name)
