"""What a command shows in optuna-dashboard, as its options say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer


if TYPE_CHECKING:
    from pathlib import Path

    from optuna_xmcnas.dashboard import Showcase


def check_artifact_dir(artifact_dir: Path, *, no_dashboard: bool) -> None:
    """Say before anything is trained that pictures cannot be written.

    Raises:
        BadParameter: If there is something else of that name, or no folder can be made there.
    """
    if no_dashboard:
        return
    try:
        artifact_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise typer.BadParameter(
            f"no folder for pictures can be made at {artifact_dir}: {error.strerror or error}; "
            "give another, or --no-dashboard.",
            param_hint="--artifact-dir",
        ) from error


def showcase_of(artifact_dir: Path, *, no_dashboard: bool) -> Showcase | None:
    """Return what shows a search in optuna-dashboard; None if nothing is to be shown."""
    from optuna_xmcnas.dashboard import Showcase

    return None if no_dashboard else Showcase(artifact_dir)
