"""Guides: what a study has shown says which child is worth training next."""

from __future__ import annotations

from optuna_xmcnas.guides.genome_features import GenomeFeatures
from optuna_xmcnas.guides.guide import Child
from optuna_xmcnas.guides.guide import Evaluated
from optuna_xmcnas.guides.guide import Evidence
from optuna_xmcnas.guides.guide import Guide
from optuna_xmcnas.guides.guide import Opinion
from optuna_xmcnas.guides.merit import merits
from optuna_xmcnas.guides.merit import POOR
from optuna_xmcnas.guides.merit import rank_correlation
from optuna_xmcnas.guides.parameter_features import ParameterFeatures
from optuna_xmcnas.guides.surrogate import GaussianProcessGuide
from optuna_xmcnas.guides.surrogate import PriorMean


__all__ = [
    "Child",
    "Evaluated",
    "Evidence",
    "GaussianProcessGuide",
    "GenomeFeatures",
    "Guide",
    "Opinion",
    "POOR",
    "ParameterFeatures",
    "PriorMean",
    "merits",
    "rank_correlation",
]
