"""Family trees."""

from __future__ import annotations

from itertools import pairwise

import pytest

from optuna_xmcnas.analysis import family_tree
from optuna_xmcnas.analysis import read_history
from tests.analysis.histories import make_history
from tests.analysis.histories import make_row
from tests.analysis.histories import make_study


def test_line_of_the_best_goes_from_parent_to_child() -> None:
    history = read_history(make_study(60))
    tree = family_tree(history)
    parents = {row.number: row.parent for row in history.rows}
    assert tree.line[-1] == tree.best == (history.best.number if history.best else None)
    assert parents[tree.line[0]] is None
    assert all(parents[child] == parent for parent, child in pairwise(tree.line))
    assert {one.number for one in tree.relatives if one.is_ancestor} == set(tree.line)


def test_tree_of_a_short_study_has_every_finished_child() -> None:
    history = read_history(make_study(60))
    tree = family_tree(history)
    assert [one.number for one in tree.relatives] == sorted(history.finished_order)
    assert tree.n_left_out == 0
    assert all(one.ancestor == one.parent for one in tree.relatives)


def test_long_study_keeps_the_best_and_the_living() -> None:
    history = read_history(make_study(300))
    tree = family_tree(history, most=40)
    numbers = {one.number for one in tree.relatives}
    assert len(numbers) == 40
    assert tree.n_left_out == len(history.complete) - 40
    assert {*history.finished_order[-20:], tree.best, tree.line[0]} <= numbers
    assert {one.number for one in tree.relatives if one.is_living} == {
        *history.finished_order[-20:]
    }


def test_skipped_ancestors_are_counted() -> None:
    history = read_history(make_study(300))
    tree = family_tree(history, most=40)
    parents = {row.number: row.parent for row in history.rows}
    kept = {one.number for one in tree.relatives}
    for one in tree.relatives:
        above, skipped = one.parent, 0
        while above is not None and above not in kept:
            above, skipped = parents[above], skipped + 1
        assert one.ancestor == above
        assert one.n_skipped == (0 if above is None else skipped)


@pytest.mark.parametrize("most", [1, 2, 7])
def test_small_trees_have_the_best(most: int) -> None:
    tree = family_tree(read_history(make_study(60)), most=most)
    assert len(tree.relatives) == most
    assert tree.best in {one.number for one in tree.relatives}


def test_mutations_are_counted_and_told() -> None:
    rows = [make_row(0, 0.1), make_row(1, 0.3, parent=0), make_row(2, 0.2, parent=0)]
    rows.append(make_row(3, 0.25, parent=1, mutation="add_layer"))
    tree = family_tree(make_history(rows))
    assert tree.mutations == {"swap_op": 2, "add_layer": 1}
    assert tree.sentence == (
        "3 of 4 finished children are mutants: 2 by other operation, 1 by one layer more. "
        "Trial 1, the best, comes from trial 0 by 1 mutation."
    )


def test_parents_that_never_finished_are_no_ancestors() -> None:
    rows = [make_row(0), make_row(1, 0.3, parent=0), make_row(2, 0.2, parent=7)]
    tree = family_tree(make_history(rows))
    assert [(one.parent, one.ancestor) for one in tree.relatives] == [(0, None), (7, None)]


def test_study_without_parents_says_so() -> None:
    tree = family_tree(read_history(make_study(12, sampler="tpe")))
    assert tree.mutations == {}
    assert tree.sentence == "No finished child has a parent: nothing was evolved."


def test_tree_of_nothing_is_empty() -> None:
    tree = family_tree(make_history([make_row(0)]))
    assert (tree.relatives, tree.best, tree.line, tree.n_lanes) == ((), None, (), 0)


def test_tree_has_room_for_one_at_least() -> None:
    with pytest.raises(ValueError, match=r"`most` must be at least 1; got 0"):
        family_tree(make_history([]), most=0)


def test_the_line_leads_to_the_winner_that_is_given() -> None:
    rows = [make_row(0, 0.5), make_row(1, 0.7, "conv3(0)"), make_row(2, 0.6, "conv5(0)", parent=0)]
    history = make_history(rows)
    tree = family_tree(history, winner=rows[2])
    assert (tree.best, tree.line, tree.role) == (2, (0, 2), "winner")
    assert "Trial 2, the winner, comes from trial 0" in tree.sentence
    assert family_tree(history).role == "best"
