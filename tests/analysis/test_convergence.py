"""Learning curves of the best child and of AttentionXML-1."""

from __future__ import annotations

from optuna_xmcnas.analysis import convergence_of
from optuna_xmcnas.study import CurvePoint
from tests.analysis.histories import make_history
from tests.analysis.histories import make_row


def _curve(*scores: float) -> tuple[CurvePoint, ...]:
    return tuple(
        CurvePoint(float(epoch), 10 * epoch, score, score)
        for epoch, score in enumerate(scores, start=1)
    )


BEST = make_row(3, 0.6, "bilstm(0) bilstm(0)", curve=_curve(0.5, 0.55, 0.6))
KNOWN = make_row(1, 0.54, "bilstm(0)", curve=_curve(0.3, 0.5, 0.54))


def test_best_child_is_compared_with_the_known_one() -> None:
    found = convergence_of(make_history([KNOWN, BEST]))
    assert [curve.trial for curve in found.curves] == [3, 1]
    assert found.sentence == (
        "AttentionXML-1 has its best P@5, 54.00 %, at epoch 3; the best child has as much at "
        "epoch 2 and 60.00 % at epoch 3. Each is one training: noise is in both."
    )


def test_best_training_of_the_known_one_is_taken() -> None:
    weaker = make_row(0, 0.5, "bilstm(0)", curve=_curve(0.5))
    assert convergence_of(make_history([weaker, KNOWN, BEST])).curves[1].trial == 1


def test_missing_reference_is_named_with_the_way_to_get_it() -> None:
    found = convergence_of(make_history([BEST]))
    assert len(found.curves) == 1
    assert "optuna-xmcnas search --enqueue attentionxml --min-layers 1" in found.sentence


def test_best_child_can_be_the_known_one() -> None:
    found = convergence_of(make_history([KNOWN]))
    assert [curve.trial for curve in found.curves] == [1]
    assert "is AttentionXML-1 itself" in found.sentence


def test_best_child_that_never_gets_there_is_told() -> None:
    poor = make_row(3, 0.6, "bilstm(0) bilstm(0)", curve=_curve(0.2, 0.4))
    assert "stays below, at 40.00 %" in convergence_of(make_history([KNOWN, poor])).sentence


def test_best_child_without_a_curve_is_named() -> None:
    found = convergence_of(make_history([make_row(3, 0.6), KNOWN]))
    assert [curve.trial for curve in found.curves] == [1]
    assert found.sentence == "Trial 3, the best child, has no learning curve in its record."


def test_curve_that_was_taken_up_is_not_whole() -> None:
    later = make_row(3, 0.6, "bilstm(0) bilstm(0)", curve=_curve(0.5, 0.6), resumed_at_step=5)
    found = convergence_of(make_history([KNOWN, later]))
    assert not found.curves[0].is_whole
    assert "The beginning is missing of best child (trial 3)" in found.sentence


def test_other_curves_come_after() -> None:
    others = {"final training": _curve(0.61), "empty": ()}
    found = convergence_of(make_history([BEST]), others=others)
    assert [curve.name for curve in found.curves] == ["best child (trial 3)", "final training"]


def test_nothing_has_no_curves() -> None:
    assert convergence_of(make_history([])).curves == ()


def test_known_one_without_a_curve_was_trained_all_the_same() -> None:
    sentence = convergence_of(make_history([make_row(1, 0.54), BEST])).sentence
    assert "AttentionXML-1 was trained in this study (trial 1)" in sentence
    assert "no learning curve of it" in sentence


def test_the_winner_of_a_confirmation_is_not_called_the_best() -> None:
    other = make_row(4, 0.59, "conv3(0) bilstm(0)", curve=_curve(0.5, 0.59))
    found = convergence_of(make_history([KNOWN, BEST, other]), winner=other)
    assert [curve.name for curve in found.curves] == [
        "winner (trial 4)",
        "AttentionXML-1 (trial 1)",
    ]
    assert "the winner has as much" in found.sentence
