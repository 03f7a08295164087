"""How the best trials are named."""

from __future__ import annotations

from collections.abc import Mapping
import io

import pytest
from rich.console import Console

from optuna_xmcnas.cli.show_command import _print_incumbents
from optuna_xmcnas.genome import Genome
from optuna_xmcnas.genome import Node
from optuna_xmcnas.study import TrialRecord


def said(value: float, expected: Mapping[int, float]) -> list[str]:
    out = io.StringIO()
    record = TrialRecord(number=7, genome=Genome((Node("conv3", 0),)), metrics={})
    _print_incumbents(Console(file=out, width=200), (value, record), expected)
    return out.getvalue().splitlines()


@pytest.mark.parametrize("expected", [{7: 0.37, 3: 0.36}, {3: 0.37, 7: 0.37}])
def test_one_line_if_the_best_seen_is_the_best_expected(expected: Mapping[int, float]) -> None:
    assert said(0.38, expected) == [
        "best: trial 7, P@5 38.00 seen, 37.00 expected of another training"
    ]


def test_two_lines_if_it_was_lucky() -> None:
    assert said(0.38, {3: 0.37, 7: 0.35}) == [
        "best seen: trial 7, P@5 38.00; another training is expected to reach 35.00",
        "best expected: trial 3, P@5 37.00",
    ]


def test_the_best_seen_may_not_have_been_judged() -> None:
    assert said(0.38, {3: 0.37}) == [
        "best seen: trial 7, P@5 38.00",
        "best expected: trial 3, P@5 37.00",
    ]
