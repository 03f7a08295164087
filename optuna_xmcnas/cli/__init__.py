"""The command line."""

from __future__ import annotations

from optuna_xmcnas.cli.app import main


__all__ = ["main"]
