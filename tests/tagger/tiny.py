"""A tiny model with random weights: nothing here has to be trained."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from optuna_xmcnas.child import ChildConfig
from optuna_xmcnas.child import ChildNetwork
from optuna_xmcnas.data import DataConfig
from optuna_xmcnas.data import prepare
from optuna_xmcnas.data import synthetic_dataset
from optuna_xmcnas.data import XmcDataset
from optuna_xmcnas.genome import Genome
from optuna_xmcnas.genome import Node
from optuna_xmcnas.tagger import Model


N_LABELS = 12
MAX_TOKENS = 20
METRICS = {
    "validation": {"P@1": 0.75, "P@5": 0.5},
    "test": {"P@1": 0.7, "P@5": 0.45, "PSP@1": 0.3},
    "members": [
        {"seed": 0, "validation": {"P@1": 0.7}, "test": {"P@1": 0.65}},
        {"seed": 1, "validation": {"P@1": 0.71}, "test": {"P@1": 0.66}},
    ],
    "linear": {"test": {"P@1": 0.6, "P@5": 0.4}, "seconds": 90},
}
FACTS = {
    "data": {"max_tokens": MAX_TOKENS, "fingerprint": "ab" * 32, "vectors": "co-occurrence"},
    "training": {"epochs": 4, "learning_rate": 0.001, "evaluate_every": None},
    "architecture": "embedding\n└── 1 bilstm\n    └── 2 conv3",
    "origin": "trial 7 of the study mine-quick",
    "seconds": 150.0,
    "device": "cpu, 16 GiB",
    "created": "2026-01-31",
}
LABEL_NAMES = (
    "law",
    "a|b *c*",
    "Öl & Gas",
    "two\u2028lines",
    *(f"label{i}" for i in range(4, N_LABELS)),
)
"""Names that a file of lines, a table or a tag of HTML could stumble over are among them."""


@cache
def tiny_data() -> XmcDataset:
    raw = synthetic_dataset(n_train=120, n_test=40, n_labels=N_LABELS)
    config = DataConfig(validation_documents=20, vector_size=16, max_tokens=MAX_TOKENS)
    return prepare(raw, config)


def tiny_child(*ops: str, seed: int = 0, **settings: Any) -> ChildNetwork:
    """Return a child of a few ops, one after another."""
    genome = Genome(tuple(Node(op, source) for source, op in enumerate(ops or ("bilstm",))))
    small = {"hidden": 8, "fully_connected": (16,), "label_chunk": 5}
    data = tiny_data()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        child = ChildNetwork(genome, data.vectors, N_LABELS, ChildConfig(**{**small, **settings}))
        with torch.no_grad():  # far from the state they begin in, in which all texts look alike
            for parameter in child.parameters():
                parameter.add_(torch.randn_like(parameter), alpha=0.5)
            child.embedding.vectors[0] = 0
    return child


def tiny_model(members: Sequence[ChildNetwork] | None = None, **changes: Any) -> Model:
    data = tiny_data()
    fields = {
        "name": "tiny",
        "members": tuple(members or (tiny_child(),)),
        "vocabulary": data.vocabulary,
        "vectors": data.vectors,
        "label_names": LABEL_NAMES,
        "label_counts": np.bincount(data.train.labels.indices, minlength=N_LABELS),
        "n_train": len(data.train),
        "max_tokens": MAX_TOKENS,
        "metrics": METRICS,
        "facts": FACTS,
    }
    return Model(**{**fields, **changes})


def tiny_texts(n_texts: int = 40) -> list[str]:
    """Return texts of many lengths, an empty one among them."""
    rng = np.random.default_rng(1)
    words = tiny_data().vocabulary.words[2:]
    chosen = (rng.choice(words, size=int(rng.integers(30))) for _ in range(n_texts - 1))
    return ["", *(" ".join(some) for some in chosen)]


def write_again(folder: Path, name: str, content: bytes) -> None:
    """Change a file of a model, and its manifest with it, as somebody by hand would."""
    (folder / name).write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    entry = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    change_manifest(folder, files={**manifest["files"], name: entry})


def change_manifest(folder: Path, **changes: Any) -> None:
    """Change what a manifest says, and its own checksum with it."""
    path = folder / "manifest.json"
    content = {**json.loads(path.read_bytes()), **changes}
    content.pop("sha256")
    digest = hashlib.sha256((json.dumps(content, indent=2) + "\n").encode()).hexdigest()
    path.write_text(json.dumps({**content, "sha256": digest}, indent=2) + "\n")
