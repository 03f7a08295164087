"""What the values of a study are called."""

from __future__ import annotations

from optuna_xmcnas.analysis import estimate
from optuna_xmcnas.analysis import Measure
from optuna_xmcnas.analysis import measure_of
from optuna_xmcnas.study import StudyConfig
from tests.analysis.histories import make_history
from tests.analysis.histories import make_row


def test_values_that_the_records_call_p_at_5_are_shares() -> None:
    measure = measure_of(make_history([make_row(0, 0.25)]))
    assert measure == Measure(name="P@5", is_share=True, maximize=True)
    assert measure.text(0.25) == "25.00 %"


def test_values_of_another_objective_are_plain_numbers() -> None:
    rows = [make_row(0, 0.25), make_row(1, 12.0, metrics={"P@5": 0.2})]
    measure = measure_of(make_history(rows))
    assert (measure.name, measure.text(12.0)) == ("value", "12")


def test_minimised_values_are_plain_numbers() -> None:
    measure = measure_of(make_history([make_row(0, 0.25)], maximize=False))
    assert (measure.name, measure.is_share) == ("value", False)
    assert measure.is_better(0.1, 0.2)


def test_study_of_a_search_has_p_at_5_before_its_first_result() -> None:
    assert measure_of(make_history([], config=StudyConfig({}))).name == "P@5"
    assert measure_of(make_history([])).name == "value"


def test_plain_numbers_are_written_with_their_interval() -> None:
    measure = Measure(name="value", is_share=False, maximize=True)
    assert measure.interval(estimate([10.0, 11.0, 12.0])) == "11 ± 2.5"
    assert measure.between(1.0, 2.0) == "1 to 2"
