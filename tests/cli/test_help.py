"""The help says what the presets do."""

from __future__ import annotations

import re

import pytest
from typer.main import get_group

from optuna_xmcnas.cli.app import app
from optuna_xmcnas.workflows import PRESETS
from optuna_xmcnas.workflows import SearchSettings


def _values(settings: SearchSettings) -> dict[str, object]:
    return {
        "trials": settings.n_trials,
        "max-tokens": settings.data.max_tokens,
        "train-documents": settings.data.train_documents or 0,
        "validation-documents": settings.data.validation_documents,
        "epochs": settings.training.epochs,
        "batch-size": settings.training.batch_size,
        "learning-rate": settings.training.learning_rate,
        "hidden": settings.child.hidden,
        "attention": settings.child.attention,
        "population-size": settings.population_size,
        "sample-size": settings.sample_size,
    }


@pytest.fixture(scope="module")
def stated() -> dict[str, tuple[str, str]]:
    """Return option -> (value of quick, value of paper) as the help of `search` has them."""
    command = get_group(app).commands["search"]
    found = {}
    for parameter in command.params:
        help_text = getattr(parameter, "help", None) or ""
        if match := re.search(r"\(quick: ([^,]+), paper: ([^)]+)\)", help_text):
            found[parameter.opts[0].removeprefix("--")] = (match[1], match[2])
    return found


@pytest.mark.parametrize("option", _values(PRESETS["quick"]))
def test_help_states_the_preset(stated: dict[str, tuple[str, str]], option: str) -> None:
    assert stated[option] == tuple(
        str(_values(PRESETS[name])[option]) for name in ("quick", "paper")
    )
