"""What a command shows in optuna-dashboard, as its options say."""

from __future__ import annotations

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from pathlib import Path

    from optuna_xmcnas.dashboard import Showcase


def showcase_of(artifact_dir: Path, *, no_dashboard: bool) -> Showcase | None:
    """Return what shows a search in optuna-dashboard; None if nothing is to be shown."""
    from optuna_xmcnas.dashboard import Showcase

    return None if no_dashboard else Showcase(artifact_dir)
