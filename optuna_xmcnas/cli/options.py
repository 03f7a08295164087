"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


DEFAULT_STORAGE = "sqlite:///optuna-xmcnas.db"
EMBEDDED_DATA = "docstrings"

Data = Annotated[
    str,
    typer.Option(
        help="A folder with a data set in any of the known layouts, or 'docstrings': the "
        "documentation of the Python packages on this machine.",
        metavar="DIR|docstrings",
    ),
]
Vectors = Annotated[
    Path | None,
    typer.Option(
        help="Word vectors as a GloVe or word2vec text file (plain, .gz or .zip). Without it, "
        "vectors are made from the training texts.",
        metavar="FILE",
    ),
]
Storage = Annotated[
    str,
    typer.Option(
        help="Database URL of the Optuna storage; may hold many studies.",
        metavar="URL",
        envvar="OPTUNA_XMCNAS_STORAGE",
    ),
]
TrainRows = Annotated[
    Path | None,
    typer.Option(
        help="File of row numbers (from 0, one per line): train on these documents only.",
        metavar="FILE",
    ),
]
TestRows = Annotated[
    Path | None,
    typer.Option(
        help="File of row numbers (from 0, one per line): test on these documents only.",
        metavar="FILE",
    ),
]
