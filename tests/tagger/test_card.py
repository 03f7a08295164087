from __future__ import annotations

import re

import pytest
import torch

from optuna_xmcnas.tagger import Model
from optuna_xmcnas.tagger import model_card
from optuna_xmcnas.version import __version__
from tests.tagger.tiny import FACTS
from tests.tagger.tiny import tiny_child
from tests.tagger.tiny import tiny_model


@pytest.fixture(scope="module")
def card() -> str:
    return model_card(tiny_model([tiny_child(seed=seed) for seed in (0, 1)]))


def _rows(card: str) -> dict[str, list[str]]:
    cells = (re.split(r"(?<!\\)\|", line)[1:-1] for line in card.splitlines() if line[:1] == "|")
    return {first.strip(): [cell.strip() for cell in others] for first, *others in cells}


def test_numbers_stand_in_one_table(card: str) -> None:
    rows = _rows(card)
    assert rows["documents"] == ["P@1", "P@5", "PSP@1"]
    assert rows["validation, this model"] == ["75.00", "50.00", ""]
    assert rows["test, this model"] == ["70.00", "45.00", "30.00"]
    assert rows["test, member 1 alone (seed 1)"] == ["66.00", "", ""]
    assert rows["test, a linear method on the same documents"] == ["60.00", "40.00", ""]


def test_every_row_of_a_table_has_as_many_cells_as_its_head(card: str) -> None:
    widths: list[int] = []
    for line in [*card.splitlines(), ""]:
        if line.startswith("|"):
            widths.append(len(re.findall(r"(?<!\\)\|", line)))
            continue
        assert len(set(widths)) <= 1
        widths = []


def test_names_of_labels_do_not_break_the_page(card: str) -> None:
    rows = _rows(card)
    assert r"a\|b \*c\*" in rows
    assert "two lines" in rows
    assert "Öl & Gas" in rows


def test_everything_is_said(card: str, model: Model) -> None:
    for said in (
        "# tiny: labels for texts",
        "An ensemble of 2 neural networks",
        "Origin: trial 7 of the study mine-quick.",
        "12 labels",
        f"{model.n_train} train documents",
        str(FACTS["architecture"]),
        "Label attention",
        "2.5 minutes on cpu, 16 GiB",
        "Seeds: 0, 1",
        "| learning\\_rate | 0.001 |",
        "ab" * 32,
        "Tagger.load(",
        "optuna-xmcnas predict",
        "not calibrated",
        f"optuna-xmcnas {__version__}",
        torch.__version__,
        "Made: 2026-01-31",
        "The linear method trained in 1.5 minutes.",
    ):
        assert said in card, said


def test_a_model_that_nobody_measured_says_so() -> None:
    card = model_card(tiny_model(metrics={}, facts={}))
    assert "Nobody has measured it yet." in card
    assert "1:bilstm(0)" in card
    assert "None" not in card


def test_a_missing_test_is_said() -> None:
    card = model_card(tiny_model(metrics={"validation": {"P@1": 0.5}, "test": None}))
    assert "It was not measured on test documents." in card


def test_the_program_in_the_card_runs(
    card: str, saved: object, capsys: pytest.CaptureFixture[str]
) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    exec(compile(program.replace("path/to/this/folder", str(saved)), "card", "exec"), {})
    printed = capsys.readouterr().out.removesuffix("\n").split("\n")
    assert len(printed) == 5
    assert all(re.match(r"[01]\.\d{3}  \S", line) for line in printed)
