"""What architectures that people know by name want besides their genomes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any


KNOWN_CHILDREN: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "attentionxml": {"attention": "label"},
        "xmcnas": {"attention": "label", "combine": "concat"},
        "xml-cnn": {
            "attention": "maxpool",
            "combine": "concat",
            "hidden": 128,  # so that a node has 256 filters
            "n_queries": 2,  # parts of a text
            "fully_connected": (512,),
            "dropout": 0.2,
        },
    }
)
"""Changes to a `ChildConfig` by the name of the genome in
:data:`~optuna_xmcnas.genome.KNOWN_GENOMES`. The sizes of XML-CNN are those that LibMultiLabel
tuned on EUR-Lex (Chen et al., NAACL 2022); its dropout stands before the pooling here, not after
the hidden layer."""
