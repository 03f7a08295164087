"""Architectures that people know by name, as genomes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from optuna_xmcnas.genome.genome import Genome
from optuna_xmcnas.genome.genome import Node
from optuna_xmcnas.genome.ops import XML_CNN_OPS


KNOWN_GENOMES: Mapping[str, Genome] = MappingProxyType(
    {
        "attentionxml": Genome((Node("bilstm", 0),)),
        "xmcnas": Genome((Node("bilstm", 0), Node("bilstm", 0))),
        "xml-cnn": Genome(tuple(Node(op, 0) for op in XML_CNN_OPS)),
    }
)
"""By name: `attentionxml` is AttentionXML-1 (You et al., NeurIPS 2019), one BiLSTM; `xmcnas` is
what XMC-NAS found (ICONIP 2020, figure 5), two BiLSTMs that both read the embedding; `xml-cnn` is
XML-CNN (Liu et al., SIGIR 2017). The other parts of their networks:
:data:`~optuna_xmcnas.child.KNOWN_CHILDREN`."""
