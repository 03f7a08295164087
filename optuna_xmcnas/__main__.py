"""Run the command line with ``python -m optuna_xmcnas``."""

from __future__ import annotations

from optuna_xmcnas.cli import main


main()
