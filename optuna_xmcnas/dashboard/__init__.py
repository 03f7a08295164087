"""What optuna-dashboard is given to show: pictures of the children, figures, a note."""

from __future__ import annotations

from optuna_xmcnas.dashboard.showcase import Showcase


__all__ = ["Showcase"]
