"""Studies side by side."""

from __future__ import annotations

from dataclasses import replace
import random
import statistics

import pytest

from optuna_xmcnas.analysis import History
from optuna_xmcnas.exceptions import ConfigMismatchError
from optuna_xmcnas.report import compare_studies
from optuna_xmcnas.report import comparison_report
from optuna_xmcnas.report import report_html
from optuna_xmcnas.report import report_markdown
from optuna_xmcnas.report.blocks import Table
from optuna_xmcnas.report.comparison_report import verdict_of
from optuna_xmcnas.study import StudyConfig
from optuna_xmcnas.study import StudyTexts
from tests.analysis.histories import make_history
from tests.analysis.histories import make_row
from tests.report.pages import config_of_search


def searched(
    sampler: str, seed: int, values: list[float], *, texts: str = "t", **settings: object
) -> History:
    """Return a study; its data and trainings depend on the seed as those of a search do."""
    config = config_of_search(name=sampler, seed=seed)
    sections = {name: dict(section) for name, section in config.sections.items()}
    sections["data"] |= {"seed": seed, "fingerprint": f"data-{seed}"}
    sections["data"]["vectors"] = f"co-occurrence, seed {seed}"
    sections["training"] |= {"seed": seed, **settings}
    return make_history(
        [make_row(i, value, seconds=3600.0) for i, value in enumerate(values)],
        name=f"{sampler}-{seed}",
        config=StudyConfig(sections),
        texts=StudyTexts("texts", texts),
    )


def rising(top: float) -> list[float]:
    """Return 12 values of which the sixth is the best."""
    return [0.1, 0.2, 0.15, 0.25, 0.2, top, *[0.1] * 6]


THREE = [
    *(searched("guided", seed, rising(0.60 + 0.01 * seed)) for seed in range(3)),
    *(
        searched("tpe", seed, rising(0.50 + 0.01 * seed + 0.001 * (seed == 1)))
        for seed in range(3)
    ),
]


def test_seeds_of_one_sampler_are_a_group_and_the_better_one_comes_first() -> None:
    found = compare_studies(THREE)
    assert [(group.label, len(group.studies)) for group in found.groups] == [
        ("guided", 3),
        ("tpe", 3),
    ]
    assert found.budgets == (10, 12)
    assert found.groups[0].at[0].mean == pytest.approx(0.61)
    assert found.groups[0].at[0].half_width == pytest.approx(4.303 * 0.01 / 3**0.5, rel=1e-3)
    assert found.groups[0].child_hours.mean == pytest.approx(12.0)


def test_studies_of_one_seed_are_set_against_each_other() -> None:
    difference = compare_studies(THREE).differences[0]
    gaps = [0.1, 0.099, 0.1]
    assert (difference.one, difference.other, difference.is_matched) == ("guided", "tpe", True)
    assert difference.gap.mean == pytest.approx(statistics.fmean(gaps))
    assert difference.gap.half_width == pytest.approx(
        4.303 * statistics.stdev(gaps) / 3**0.5, rel=1e-3
    )
    assert difference.gap.is_clear


def test_means_are_compared_where_the_seeds_differ() -> None:
    others = [searched("tpe", 10 + i, rising(0.5 + 0.01 * i)) for i in range(3)]
    found = compare_studies([*THREE[:3], *others])
    assert not found.differences[0].is_matched
    assert found.differences[0].gap.mean == pytest.approx(0.1)
    assert any("do not have the same seeds" in note for note in found.notes)


def test_children_until_the_level_of_the_worst_are_counted() -> None:
    found = compare_studies([searched("guided", 0, rising(0.9)), searched("tpe", 0, [0.3] * 12)])
    assert found.level == pytest.approx(0.3)
    assert [group.studies[0].children_to_level for group in found.groups] == [6, 1]


def test_single_studies_are_not_told_apart() -> None:
    found = compare_studies([THREE[0], THREE[3]])
    assert found.differences == ()
    assert "Whether that is more than luck cannot be said" in verdict_of(found)


def test_a_tie_has_no_winner() -> None:
    found = compare_studies([searched("guided", 0, rising(0.6)), searched("tpe", 0, rising(0.6))])
    assert "guided" in verdict_of(found)
    assert "tpe" in verdict_of(found)
    assert verdict_of(found).endswith("none is ahead.")


def test_a_clear_difference_is_said_to_be_one() -> None:
    assert "Clearly apart: guided is ahead of tpe." in verdict_of(compare_studies(THREE))


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (searched("tpe", 0, [0.5], epochs=3), r"training.epochs: 'guided-0' has 30, 'tpe-0' 3"),
        (searched("tpe", 0, [0.5], texts="u"), r"texts: 'guided-0' has \"t\", 'tpe-0' \"u\""),
        (searched("tpe", 0, []), r"'tpe-0' has no finished child"),
        (replace(THREE[3], maximize=False), r"one direction"),
    ],
)
def test_what_cannot_be_compared_is_refused(other: History, reason: str) -> None:
    with pytest.raises(ConfigMismatchError, match=reason):
        compare_studies([THREE[0], other])


def test_other_documents_of_the_same_seed_are_refused() -> None:
    assert THREE[3].config is not None
    data = {**THREE[3].config.sections["data"], "fingerprint": "else"}
    other = replace(THREE[3], config=StudyConfig({**THREE[3].config.sections, "data": data}))
    with pytest.raises(ConfigMismatchError, match=r"data.fingerprint"):
        compare_studies([THREE[0], other])


def test_what_differs_is_said_where_it_is_compared_anyway() -> None:
    found = compare_studies([THREE[0], searched("tpe", 0, [0.5], epochs=3)], anyway=True)
    assert len(found.mismatches) == 1
    assert "**Careful.** Not the same in all studies: training.epochs" in report_markdown(
        comparison_report(found)
    )


def test_samplers_of_one_name_are_told_apart_by_their_settings() -> None:
    other = searched("guided", 0, rising(0.5))
    assert other.config is not None
    sampler = {**other.config.sections["sampler"], "population_size": 50}
    other = replace(other, config=StudyConfig({**other.config.sections, "sampler": sampler}))
    labels = {group.label for group in compare_studies([THREE[0], other]).groups}
    assert labels == {"guided (population size 20)", "guided (population size 50)"}


def test_settings_that_a_sampler_does_not_use_make_no_group() -> None:
    others = [config_of_search(name="tpe", seed=seed, sample_size=5 + seed) for seed in (0, 1)]
    studies = [make_history([make_row(0, 0.5)], config=config) for config in others]
    assert len(compare_studies(studies).groups) == 1


def test_test_scores_are_those_of_the_winners() -> None:
    judged = [replace(one, test={5: {"P@5": 0.4}}) for one in THREE[:2]]
    found = compare_studies([*judged, THREE[3]])
    assert found.groups[0].test is not None
    assert (found.groups[0].test.mean, found.groups[0].test.n) == (0.4, 2)
    assert found.groups[1].test is None


def test_the_page_has_the_numbers() -> None:
    report = comparison_report(compare_studies(THREE))
    table = next(block for block in report.summary if isinstance(block, Table))
    assert table.rows[0][:4] == ("guided", "3", "12", "61.00 ± 2.48 %")
    html = report_html(report)
    assert "61.00 ± 2.48 %" in html
    assert 'id="chart-race"' in html


def test_long_studies_make_a_small_figure() -> None:
    values = [0.1 + i / 10_000 for i in range(2000)]
    found = compare_studies([searched("guided", 0, values), searched("tpe", 0, values)])
    assert found.budgets == (10, 20, 50, 100, 200, 500, 1000, 2000)
    chart = comparison_report(found).sections[0].blocks[0]
    assert len(getattr(chart, "figure", "")) in range(1, 30_000)


def test_intervals_are_widened_for_the_pairs_that_are_compared() -> None:
    third = [searched("random", seed, rising(0.40 + 0.02 * (seed == 1))) for seed in range(3)]
    alone = compare_studies(THREE).differences[0]
    found = compare_studies([*THREE, *third])
    same = next(one for one in found.differences if one.other == "tpe")
    assert len(found.differences) == 3
    assert alone.gap.half_width is not None
    # quantiles of Student's t with 2 degrees of freedom: 1 - 0.025 / 3 and 0.975
    assert same.gap.half_width == pytest.approx(alone.gap.half_width * 7.6488 / 4.3027, rel=1e-3)
    assert any("3 pairs of samplers" in note for note in found.notes)
    assert "Bonferroni" in report_markdown(comparison_report(found))


def test_equal_samplers_are_seldom_apart() -> None:
    rng = random.Random(0)
    names = ("guided", "evolution", "tpe", "random", "nsgaii")
    n_apart = 0
    for _ in range(60):
        found = compare_studies(
            [
                searched(name, 10 * place + seed, [rng.gauss(0.5, 0.01)])
                for place, name in enumerate(names)
                for seed in range(4)
            ]
        )
        n_apart += any(one.gap.is_clear for one in found.differences)
    assert n_apart <= 6


def test_values_of_different_kinds_are_not_compared() -> None:
    shares = make_history([make_row(0, 0.5)], name="a")
    others = make_history([make_row(0, 70.0, None)], name="b")
    with pytest.raises(ConfigMismatchError, match=r"'a' has P@5, 'b' values of another kind"):
        compare_studies([shares, others])
    assert compare_studies([shares, others], anyway=True).measure.name == "value"


def test_test_scores_are_not_given_where_another_trial_was_judged() -> None:
    judged = replace(THREE[0], test={5: {"P@5": 0.4}, 3: {"P@5": 0.5}})
    found = compare_studies([judged, THREE[3]])
    assert found.groups[0].test is None
    assert any("guided-0. The report of the study" in note for note in found.notes)


def test_children_until_the_level_are_given_where_all_studies_got_there() -> None:
    found = compare_studies(
        [*THREE[:3], *(searched("tpe", i, [0.5 + i / 9] * 12) for i in (1, 2))]
    )
    tpe = next(group for group in found.groups if group.label == "guided")
    reached = [study.children_to_level for study in tpe.studies]
    assert None in reached
    assert tpe.children_to_level is None
    table = next(b for b in comparison_report(found).summary if isinstance(b, Table))
    assert f"- ({sum(n is not None for n in reached)} of 3)" in {row[-1] for row in table.rows}
