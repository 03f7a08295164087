"""Architectures as values: what a genome is, which genomes exist, how one becomes another."""

from __future__ import annotations

from optuna_xmcnas.genome.canonical import canonical_genome
from optuna_xmcnas.genome.canonical import canonical_hash
from optuna_xmcnas.genome.genome import Genome
from optuna_xmcnas.genome.genome import Node
from optuna_xmcnas.genome.known import is_genome_text
from optuna_xmcnas.genome.known import KNOWN_GENOMES
from optuna_xmcnas.genome.known import read_genome
from optuna_xmcnas.genome.mutations import DEFAULT_MUTATIONS
from optuna_xmcnas.genome.mutations import get_mutation
from optuna_xmcnas.genome.mutations import Mutation
from optuna_xmcnas.genome.mutations import mutation_names
from optuna_xmcnas.genome.mutations import register_mutation
from optuna_xmcnas.genome.ops import DEFAULT_OPS
from optuna_xmcnas.genome.ops import XML_CNN_OPS
from optuna_xmcnas.genome.space import GenomeSpace


__all__ = [
    "DEFAULT_MUTATIONS",
    "DEFAULT_OPS",
    "Genome",
    "GenomeSpace",
    "KNOWN_GENOMES",
    "Mutation",
    "Node",
    "XML_CNN_OPS",
    "canonical_genome",
    "canonical_hash",
    "get_mutation",
    "is_genome_text",
    "mutation_names",
    "read_genome",
    "register_mutation",
]
