"""Architectures that people know by name."""

from __future__ import annotations

from optuna_xmcnas.genome import Genome
from optuna_xmcnas.genome import GenomeSpace
from optuna_xmcnas.genome import KNOWN_GENOMES
from optuna_xmcnas.genome import Node


def test_known_genomes_are_those_of_the_papers() -> None:
    assert KNOWN_GENOMES["attentionxml"] == Genome((Node("bilstm", 0),))
    assert KNOWN_GENOMES["xmcnas"] == Genome((Node("bilstm", 0), Node("bilstm", 0)))


def test_known_genomes_can_be_searched() -> None:
    space = GenomeSpace(min_layers=1)
    for genome in KNOWN_GENOMES.values():
        assert space.from_params(space.to_params(genome)) == genome
