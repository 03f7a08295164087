"""Presets are what they are named after."""

from __future__ import annotations

from dataclasses import replace

import pytest

from optuna_xmcnas.workflows import PRESETS


def test_paper_preset_is_table_2_on_eurlex() -> None:
    paper = PRESETS["paper"]
    assert (paper.population_size, paper.sample_size, paper.n_trials) == (20, 10, 20 + 50)
    assert (paper.child.hidden, paper.child.fully_connected) == (256, (256,))
    assert (paper.training.epochs, paper.training.learning_rate) == (30, 1e-3)
    assert (paper.training.patience, paper.training.evaluate_every) == (50, 100)
    assert paper.data.validation_documents == 200
    assert (paper.child.attention, paper.child.combine) == ("label", "sum")


@pytest.mark.parametrize("wrong", [{"n_trials": 0}, {"timeout_s": 0.0}])
def test_impossible_budgets_are_refused(wrong: dict[str, float]) -> None:
    name = next(iter(wrong))
    with pytest.raises(ValueError, match=name):
        replace(PRESETS["quick"], **wrong)  # type: ignore[arg-type]  # the point of the test
