"""What a report says of a study."""

from __future__ import annotations

import json
import statistics

import pytest

from optuna_xmcnas.analysis import read_history
from optuna_xmcnas.report import build_report
from optuna_xmcnas.report import Report
from optuna_xmcnas.report.blocks import Chart
from optuna_xmcnas.report.blocks import Drawing
from optuna_xmcnas.report.blocks import Paragraph
from optuna_xmcnas.report.blocks import Table
from optuna_xmcnas.study import CurvePoint
from optuna_xmcnas.study import Ended
from tests.analysis.histories import make_history
from tests.analysis.histories import make_row
from tests.analysis.histories import make_study
from tests.report.pages import CASES
from tests.report.pages import judged_history
from tests.report.pages import long_history
from tests.report.pages import report_of


TITLES = [
    "The winner",
    "The best ten",
    "How the search went",
    "Operations",
    "Family tree",
    "Operations side by side on the embedding (XMC-NAS, figure 3)",
    "Weights by depth (XMC-NAS, figure 4)",
    "Number of layers",
    "BiLSTM on the embedding",
    "Convergence by epoch (XMC-NAS, figure 6)",
    "How noisy the scores are",
    "Linear baseline",
    "Costs and failures",
    "How to repeat it",
]


def table(report: Report, title: str) -> Table:
    blocks = [*report.summary, *(block for part in report.sections for block in part.blocks)]
    return next(one for one in blocks if isinstance(one, Table) and one.title == title)


def facts(report: Report, title: str) -> dict[str, str]:
    """Return a table of two columns by the first."""
    return {row[0]: row[1] for row in table(report, title).rows}


def words(report: Report, section: str | None = None) -> str:
    """Return all sentences of a section, or of the summary."""
    blocks = report.summary
    if section is not None:
        blocks = next(part.blocks for part in report.sections if part.title == section)
    return " ".join(block.text for block in blocks if isinstance(block, Paragraph))


@pytest.mark.parametrize("case", CASES)
def test_every_study_has_all_sections_and_each_says_something(case: str) -> None:
    report = report_of(case)
    assert [section.title for section in report.sections] == TITLES
    assert all(section.blocks for section in report.sections)
    assert words(report)


@pytest.mark.parametrize("case", CASES)
def test_tables_stay_short(case: str) -> None:
    report = report_of(case)
    for section in report.sections:
        for block in section.blocks:
            if isinstance(block, Table):
                assert len(block.rows) <= (150 if block.is_folded else 50), block.title


@pytest.mark.parametrize("case", CASES)
def test_figures_have_names_of_their_own_and_do_not_grow(case: str) -> None:
    report = report_of(case)
    charts = [b for part in report.sections for b in part.blocks if isinstance(b, Chart)]
    assert len({chart.name for chart in charts}) == len(charts)
    for chart in charts:
        assert len(json.loads(chart.figure)["data"]) > 0
        assert len(chart.figure) < 60_000, chart.name


def test_the_winner_is_the_trial_with_the_best_value() -> None:
    study = make_study(30)
    report = build_report(read_history(study))
    rows = facts(report, "At a glance")
    assert rows["validation P@5 of the winner in the search"] == f"{100 * study.best_value:.2f} %"
    known = facts(report, "What is known of it")
    assert known["trial"] == str(study.best_trial.number)
    drawing = next(b for b in report.sections[0].blocks if isinstance(b, Drawing))
    assert drawing.genome.to_json() == study.best_trial.user_attrs["genome"]


def test_the_best_ten_are_in_order() -> None:
    study = make_study(30)
    found = [
        row[0]
        for row in table(
            build_report(read_history(study)), "Best trials, by their score in the search"
        ).rows
    ]
    complete = [trial for trial in study.trials if trial.values]
    expected = sorted(complete, key=lambda trial: -trial.values[0])[:10]
    assert found == [str(trial.number) for trial in expected]


def test_means_by_number_of_layers_are_those_of_the_trials() -> None:
    history = long_history(2000)
    groups: dict[int, list[float]] = {}
    for row in history.complete:
        assert row.genome is not None
        assert row.value is not None
        groups.setdefault(len(row.genome.nodes), []).append(row.value)
    rows = table(report_of("many"), "P@5 by number of layers").rows
    assert [(row[0], row[1]) for row in rows] == [
        (str(n), f"{len(groups[n]):,}") for n in sorted(groups)
    ]
    for n_layers, _, mean, _ in rows:
        assert mean.split(" ")[0] == f"{100 * statistics.fmean(groups[int(n_layers)]):.2f}"


def test_who_is_ahead_of_the_linear_trees_is_said_with_the_distance() -> None:
    report = build_report(judged_history())
    assert "reach 54.10 %: the winner is ahead by 2.00 points" in words(report)
    rows = {row[0]: row for row in table(report, "Its metrics").rows}
    assert rows["P@5"][2:] == ("56.10 %", "54.10 %", "+2.00")


def test_the_summary_names_texts_sampler_and_space() -> None:
    said = words(build_report(judged_history()))
    for expected in ("`EURLex-4K`", "`evolution`", "2 to 6 layers", "29 children have finished"):
        assert expected in said


def test_a_best_score_is_said_to_be_lucky() -> None:
    assert "luck in part" in words(build_report(read_history(make_study(30))))


def test_the_winner_of_a_confirmed_study_is_that_of_the_confirmation() -> None:
    rows = [
        make_row(0, 0.60, "bilstm(0)"),
        make_row(1, 0.62, "conv3(0)"),
        make_row(2, 0.50, "bigru(0)"),
    ]
    again = [make_row(i, 0.59 + 0.01 * i, "bilstm(0)") for i in range(3)]
    again += [make_row(i, 0.55, "conv3(0)") for i in range(3, 6)]
    report = build_report(
        make_history(rows), confirmation=make_history(again, name="mine-confirm")
    )
    assert facts(report, "What is known of it")["trial"] == "0"
    confirmed = table(report, "Networks that were trained again with fresh seeds").rows
    assert [row[0] for row in confirmed] == ["0", "1"]
    assert confirmed[0][4] == "60.00 ± 2.48 %"  # mean and t interval of 0.59, 0.60 and 0.61
    assert "against 60.00 % in the search." in words(report)


def test_a_score_is_called_lucky_if_the_new_trainings_are_clearly_below() -> None:
    search = make_history([make_row(0, 0.65), make_row(1, 0.5, "conv3(0)")])
    for values, said in (([0.59, 0.6, 0.61], "luck in part"), ([0.5, 0.6, 0.7], "the noise")):
        again = make_history([make_row(i, value) for i, value in enumerate(values)])
        assert said in words(build_report(search, confirmation=again))


def test_failures_are_counted_by_reason() -> None:
    rows = [make_row(i, None, failure="out of memory") for i in range(3)]
    rows.append(make_row(3, None, failure="not finite"))
    report = build_report(make_history(rows))
    assert table(report, "Failures, by reason").rows == (
        ("out of memory", "3"),
        ("not finite", "1"),
    )
    assert "`mine`" in words(report)
    assert "no winner" in words(report)


def test_other_learning_curves_stand_beside_those_of_the_study() -> None:
    curve = (CurvePoint(1.0, 10, 0.3, 0.4), CurvePoint(2.0, 20, 0.7, 0.8))
    report = build_report(read_history(make_study(30)), curves={"full, seed 3": curve})
    rows = {row[0]: row for row in table(report, "Learning curves").rows}
    assert rows["full, seed 3"][3:] == ("70.00 %", "2", "80.00 %")


def test_a_study_that_minimises_has_the_least_value_as_its_winner() -> None:
    rows = [make_row(i, 3.0 - i, None) for i in range(3)]
    report = build_report(make_history(rows, maximize=False))
    assert "The winner is trial 2 with value 1." in words(report)


def test_a_report_of_a_confirmed_study_has_one_winner() -> None:
    curve = (CurvePoint(1.0, 10, 0.3, 0.4),)
    rows = [make_row(0, 0.60, "bilstm(0) conv3(0)", curve=curve)]
    rows.append(make_row(1, 0.55, "conv3(0) conv3(0)", curve=curve))
    rows.append(make_row(2, 0.58, "conv3(0) conv5(0)", curve=curve, parent=1))
    again = [make_row(i, 0.5, "bilstm(0) conv3(0)") for i in range(2)]
    again += [make_row(2 + i, 0.57, "conv3(0) conv5(0)") for i in range(2)]
    report = build_report(make_history(rows), confirmation=make_history(again))
    assert facts(report, "What is known of it")["trial"] == "2"
    assert "Trial 2, the winner, comes from trial 1" in words(report, "Family tree")
    line = table(report, "The winner and its ancestors, the oldest first").rows
    assert [row[0] for row in line] == ["1", "2"]
    assert table(report, "Learning curves").rows[0][1] == "2"


def test_interrupted_trials_are_not_called_failed() -> None:
    rows = [make_row(0, 0.5), make_row(1, ended_why=Ended.INTERRUPTED)]
    report = build_report(make_history(rows))
    assert "1 trial interrupted" in words(report)
    assert "No child failed." in words(report, "Costs and failures")
    assert facts(report, "Costs")["trials interrupted"] == "1"


def test_huge_values_do_not_end_a_report() -> None:
    rows = [make_row(i, 1.7e308 * (-1) ** i, metrics={}) for i in range(8)]
    assert build_report(make_history(rows)).sections


def test_a_learning_curve_that_was_taken_up_is_marked() -> None:
    curve = (CurvePoint(2.0, 20, 0.3, 0.4),)
    rows = [make_row(0, 0.5, "bilstm(0) conv3(0)", curve=curve, resumed_at_step=10)]
    note = table(build_report(make_history(rows)), "Learning curves").note
    assert note == "Taken up after a break, without the beginning: best child (trial 0)."
