"""What a child has to beat: linear label trees on the same documents (no PyTorch)."""

from __future__ import annotations

from optuna_xmcnas.baselines.linear import linear_baseline
from optuna_xmcnas.baselines.linear import LINEAR_HINT
from optuna_xmcnas.baselines.linear import linear_is_installed
from optuna_xmcnas.baselines.linear import LinearResult


__all__ = ["LINEAR_HINT", "LinearResult", "linear_baseline", "linear_is_installed"]
