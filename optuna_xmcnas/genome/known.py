"""Architectures that people know by name, as genomes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from optuna_xmcnas.genome.genome import Genome
from optuna_xmcnas.genome.genome import Node


KNOWN_GENOMES: Mapping[str, Genome] = MappingProxyType(
    {
        "attentionxml": Genome((Node("bilstm", 0),)),
        "xmcnas": Genome((Node("bilstm", 0), Node("bilstm", 0))),
    }
)
"""By name: `attentionxml` is AttentionXML-1 (You et al., NeurIPS 2019), one BiLSTM; `xmcnas` is
what XMC-NAS found (ICONIP 2020, figure 5), two BiLSTMs that both read the embedding. XMC-NAS puts
their outputs side by side: train it with ``ChildConfig(combine="concat")``."""
