"""Reading studies and showing what they found."""

from __future__ import annotations

from optuna_xmcnas.analysis.amounts import duration
from optuna_xmcnas.analysis.amounts import evenly
from optuna_xmcnas.analysis.convergence import Convergence
from optuna_xmcnas.analysis.convergence import convergence_of
from optuna_xmcnas.analysis.convergence import LearningCurve
from optuna_xmcnas.analysis.costs import Costs
from optuna_xmcnas.analysis.costs import costs_of
from optuna_xmcnas.analysis.costs import Spread
from optuna_xmcnas.analysis.depth import depth_weights
from optuna_xmcnas.analysis.depth import DepthWeight
from optuna_xmcnas.analysis.depth import DepthWeights
from optuna_xmcnas.analysis.embedding import embedding_readers
from optuna_xmcnas.analysis.embedding import EmbeddingReaders
from optuna_xmcnas.analysis.estimates import CAUTION
from optuna_xmcnas.analysis.estimates import Estimate
from optuna_xmcnas.analysis.estimates import estimate
from optuna_xmcnas.analysis.estimates import FEWEST
from optuna_xmcnas.analysis.estimates import Gap
from optuna_xmcnas.analysis.estimates import gap_between
from optuna_xmcnas.analysis.estimates import paired_gap
from optuna_xmcnas.analysis.estimates import percent
from optuna_xmcnas.analysis.history import History
from optuna_xmcnas.analysis.history import Phase
from optuna_xmcnas.analysis.history import read_history
from optuna_xmcnas.analysis.history import Row
from optuna_xmcnas.analysis.layers import LayerScore
from optuna_xmcnas.analysis.layers import LayerScores
from optuna_xmcnas.analysis.layers import scores_by_layers
from optuna_xmcnas.analysis.lineage import family_tree
from optuna_xmcnas.analysis.lineage import FamilyTree
from optuna_xmcnas.analysis.lineage import mutation_text
from optuna_xmcnas.analysis.lineage import Relative
from optuna_xmcnas.analysis.measure import Measure
from optuna_xmcnas.analysis.measure import measure_of
from optuna_xmcnas.analysis.noise import Noise
from optuna_xmcnas.analysis.noise import noise_of
from optuna_xmcnas.analysis.pairs import paired_weights
from optuna_xmcnas.analysis.pairs import PairedWeight
from optuna_xmcnas.analysis.pairs import PairedWeights
from optuna_xmcnas.analysis.population import Moment
from optuna_xmcnas.analysis.population import population_over_time
from optuna_xmcnas.analysis.population import PopulationOverTime
from optuna_xmcnas.analysis.positions import position_weights
from optuna_xmcnas.analysis.positions import PositionWeight
from optuna_xmcnas.analysis.positions import PositionWeights
from optuna_xmcnas.analysis.tables import best_records
from optuna_xmcnas.analysis.tables import expected_values


__all__ = [
    "CAUTION",
    "Convergence",
    "Costs",
    "DepthWeight",
    "DepthWeights",
    "EmbeddingReaders",
    "Estimate",
    "FEWEST",
    "FamilyTree",
    "Gap",
    "History",
    "LayerScore",
    "LayerScores",
    "LearningCurve",
    "Measure",
    "Moment",
    "Noise",
    "PairedWeight",
    "PairedWeights",
    "Phase",
    "PopulationOverTime",
    "PositionWeight",
    "PositionWeights",
    "Relative",
    "Row",
    "Spread",
    "best_records",
    "convergence_of",
    "costs_of",
    "depth_weights",
    "duration",
    "embedding_readers",
    "estimate",
    "evenly",
    "expected_values",
    "family_tree",
    "gap_between",
    "measure_of",
    "mutation_text",
    "noise_of",
    "paired_gap",
    "paired_weights",
    "percent",
    "population_over_time",
    "position_weights",
    "read_history",
    "scores_by_layers",
]
