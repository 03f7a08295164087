"""Regularized (aging) evolution and guided evolution, from the package optuna-xmcnas.

Both evolve the parameters of any objective, or small graphs of operations of your own
(`GenomeSpace`). The population lives in the storage of the study, so workers share it.
"""

from __future__ import annotations

from optuna_xmcnas import GenomeSpace
from optuna_xmcnas import GuidedEvolutionSampler
from optuna_xmcnas import RegularizedEvolutionSampler


__all__ = ["GenomeSpace", "GuidedEvolutionSampler", "RegularizedEvolutionSampler"]
