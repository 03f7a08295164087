"""Neural architecture search for extreme multi-label text tagging, as an Optuna plug-in."""

from __future__ import annotations

from optuna_xmcnas.genome import Genome
from optuna_xmcnas.genome import GenomeSpace
from optuna_xmcnas.samplers import RegularizedEvolutionSampler


__all__ = ["Genome", "GenomeSpace", "RegularizedEvolutionSampler"]
