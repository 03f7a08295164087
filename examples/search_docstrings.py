"""A whole search from Python: texts in, the best network and what it is worth out.

The texts are the docstrings of the Python packages on this machine. With the settings below it
takes about two minutes on two processor cores; the same command goes on with the study, so more
trials only need a larger number.

    python examples/search_docstrings.py --trials 6
"""

from __future__ import annotations

import argparse
from pathlib import Path

import optuna

from optuna_xmcnas import load_docstrings
from optuna_xmcnas import open_storage
from optuna_xmcnas.baselines import linear_is_installed
from optuna_xmcnas.drawing import draw_text
from optuna_xmcnas.workflows import PRESETS
from optuna_xmcnas.workflows import search


def main() -> None:
    """Run the search and print what it found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=6)
    parser.add_argument("--storage", default="sqlite:///search-docstrings.db")
    parser.add_argument("--train-documents", type=int, default=4000)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--hidden", type=int, default=32)
    arguments = parser.parse_args()

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    settings = PRESETS["quick"].changed(
        {
            "search": {"n_trials": arguments.trials},
            "data": {"train_documents": arguments.train_documents},
            "child": {"hidden": arguments.hidden},
            "training": {"epochs": arguments.epochs},
        }
    )
    outcome = search(
        load_docstrings(),
        settings,
        storage=open_storage(arguments.storage),
        study_name="docstrings",
        children_dir=Path("children"),
    )
    verdict = outcome.verdict
    if verdict is None or verdict.test is None:
        return  # interrupted: the same command goes on
    print(f"best of {outcome.n_complete}: trial {verdict.trial}, {verdict.n_parameters:,} weights")
    print(draw_text(verdict.genome, verdict.node_weights))
    print(f"P@5 validation {100 * verdict.validation['P@5']:.2f}")
    print(f"P@5 test       {100 * verdict.test['P@5']:.2f}")
    if verdict.linear is not None:
        print(
            f"P@5 linear     {100 * verdict.linear.test['P@5']:.2f}: {verdict.linear.description}"
        )
    elif not linear_is_installed():
        print("no linear model beside it: the extra `linear` is not installed")


if __name__ == "__main__":
    main()
