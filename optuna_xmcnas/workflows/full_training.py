"""Settings for training one architecture in full, by the data sets they were tuned on."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any


_Sections = Mapping[str, Mapping[str, Any]]

_ATTENTIONXML = {
    "patience": 50,
    "evaluate_every": 100,
    "select_by": "nDCG@5",
    "clipping": "adaptive",
    "clip_norm": 5.0,
}

FULL: _Sections = MappingProxyType(
    {
        "data": {"train_documents": 0},
        "child": {"combine": "concat"},
        "training": {**_ATTENTIONXML, "epochs": 30, "average_from_epoch": 5},
    }
)
"""What makes of a search's short training a full one: all documents, as many epochs as help, node
outputs side by side, averaged weights."""

FULL_PRESETS: Mapping[str, _Sections] = MappingProxyType(
    {
        "eurlex-4k": {
            "data": {"max_tokens": 500, "train_documents": 0, "validation_documents": 200},
            "child": {
                "hidden": 256,
                "fully_connected": [256],
                "attention": "label",
                "combine": "concat",
                "train_embedding": False,
            },
            "training": {
                **_ATTENTIONXML,
                "epochs": 30,
                "batch_size": 40,
                "learning_rate": 1e-3,
                "average_from_epoch": 11,
            },
        },
        "wiki10-31k": {
            "data": {"max_tokens": 500, "train_documents": 0, "validation_documents": 200},
            "child": {
                "hidden": 256,
                "fully_connected": [256],
                "attention": "label",
                "combine": "concat",
                "train_embedding": False,
            },
            "training": {
                **_ATTENTIONXML,
                "epochs": 30,
                "batch_size": 40,
                "learning_rate": 1e-3,
                "average_from_epoch": 5,
            },
        },
        "amazoncat-13k": {
            "data": {"max_tokens": 500, "train_documents": 0, "validation_documents": 4000},
            "child": {
                "hidden": 512,
                "fully_connected": [1024, 512, 256],
                "attention": "label",
                "combine": "concat",
                "train_embedding": True,
            },
            "training": {
                **_ATTENTIONXML,
                "epochs": 10,
                "batch_size": 200,
                "learning_rate": 1e-3,
                "average_from_epoch": 3,
            },
        },
    }
)
"""XMC-NAS (ICONIP 2020, table 2) for widths and validation documents; AttentionXML's settings for
batches, epochs and the epoch from which weights are averaged (there from 0, here from 1)."""
