"""A tiny data set and tiny children."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from typing import TypeAlias

import pytest
import torch

from optuna_xmcnas.child import ChildConfig
from optuna_xmcnas.child import ChildNetwork
from optuna_xmcnas.data import DataConfig
from optuna_xmcnas.data import prepare
from optuna_xmcnas.data import synthetic_dataset
from optuna_xmcnas.data import XmcDataset
from optuna_xmcnas.genome import Genome
from optuna_xmcnas.genome import Node


MakeChild: TypeAlias = Callable[..., ChildNetwork]


@pytest.fixture(scope="session")
def data() -> XmcDataset:
    raw = synthetic_dataset(n_train=240, n_test=40, n_labels=12)
    return prepare(raw, DataConfig(validation_documents=40, vector_size=16))


@pytest.fixture(scope="session")
def make_child() -> MakeChild:
    """Make a small child for a data set: its ops one after another, and settings as needed."""

    def make(data: XmcDataset, *ops: str, seed: int = 0, **settings: Any) -> ChildNetwork:
        ops = ops or ("conv1",)
        genome = Genome(tuple(Node(op, source) for source, op in enumerate(ops)))
        small = {"hidden": 8, "fully_connected": (16,), "attention": "self"}
        small |= {"label_chunk": 5, "dropout": 0.2}
        config = ChildConfig(**{**small, **settings})
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return ChildNetwork(genome, data.vectors, data.n_labels, config)

    return make
