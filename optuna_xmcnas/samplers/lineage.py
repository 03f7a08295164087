"""Where a running trial's parameters come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optuna_xmcnas.samplers.evolution import RegularizedEvolutionSampler
from optuna_xmcnas.samplers.storage import frozen


if TYPE_CHECKING:
    from optuna import Trial

    from optuna_xmcnas.samplers.proposal import Proposal


def proposal_of(trial: Trial) -> Proposal | None:
    """Return what was proposed for a running trial, or None if another sampler made it."""
    return RegularizedEvolutionSampler.proposal_of(frozen(trial))
