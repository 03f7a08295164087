"""Optuna samplers that evolve genomes, or any other search space."""

from __future__ import annotations

from optuna_xmcnas.samplers.belief import Belief
from optuna_xmcnas.samplers.belief import beliefs
from optuna_xmcnas.samplers.evolution import RegularizedEvolutionSampler
from optuna_xmcnas.samplers.finishing import finished_last
from optuna_xmcnas.samplers.finishing import in_finishing_order
from optuna_xmcnas.samplers.guided import GuidedEvolutionSampler
from optuna_xmcnas.samplers.lineage import proposal_of
from optuna_xmcnas.samplers.proposal import Proposal


__all__ = [
    "Belief",
    "GuidedEvolutionSampler",
    "Proposal",
    "RegularizedEvolutionSampler",
    "beliefs",
    "finished_last",
    "in_finishing_order",
    "proposal_of",
]
