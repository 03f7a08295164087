"""Architectures that people know by name."""

from __future__ import annotations

from optuna_xmcnas.genome import Genome
from optuna_xmcnas.genome import GenomeSpace
from optuna_xmcnas.genome import KNOWN_GENOMES
from optuna_xmcnas.genome import Node
from optuna_xmcnas.genome import XML_CNN_OPS


def test_known_genomes_are_those_of_the_papers() -> None:
    assert KNOWN_GENOMES["attentionxml"] == Genome((Node("bilstm", 0),))
    assert KNOWN_GENOMES["xmcnas"] == Genome((Node("bilstm", 0), Node("bilstm", 0)))


def test_known_genomes_can_be_searched() -> None:
    space = GenomeSpace(min_layers=1)
    for name in ("attentionxml", "xmcnas"):
        genome = KNOWN_GENOMES[name]
        assert space.from_params(space.to_params(genome)) == genome


def test_xml_cnn_is_outside_the_default_space() -> None:
    assert KNOWN_GENOMES["xml-cnn"] not in GenomeSpace()
    assert KNOWN_GENOMES["xml-cnn"] in GenomeSpace(ops=XML_CNN_OPS)
