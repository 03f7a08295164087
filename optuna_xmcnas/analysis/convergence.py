"""How fast the best child learned (XMC-NAS, ICONIP 2020, figure 6)."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final
from typing import TYPE_CHECKING

from optuna_xmcnas.genome import canonical_hash
from optuna_xmcnas.genome import KNOWN_GENOMES


if TYPE_CHECKING:
    from optuna_xmcnas.analysis.history import History
    from optuna_xmcnas.analysis.history import Row
    from optuna_xmcnas.study import CurvePoint


REFERENCE = "AttentionXML-1"
"""What the best child is compared with."""


@final
@dataclass(frozen=True, kw_only=True)
class LearningCurve:
    """Validation scores along one training.

    Attributes:
        name: Whose they are.
        trial: Number of the trial; None for a training outside the study.
        points: The evaluations, the first one first; never none.
        is_whole: Whether it is there from the beginning; None for a training outside the study,
            whose name says it.
    """

    name: str
    trial: int | None
    points: tuple[CurvePoint, ...]
    is_whole: bool | None = None

    @property
    def best(self) -> CurvePoint:
        """The first evaluation with the best P@5."""
        return max(self.points, key=lambda point: point.p_at_5)


@final
@dataclass(frozen=True, kw_only=True)
class Convergence:
    """Learning curves to compare.

    Attributes:
        curves: That of the best child, that of AttentionXML-1, and others, as far as known.
        sentence: What they show, or how to get what is missing.
    """

    curves: tuple[LearningCurve, ...]
    sentence: str


def convergence_of(
    history: History,
    *,
    winner: Row | None = None,
    others: Mapping[str, Sequence[CurvePoint]] | None = None,
) -> Convergence:
    """Return the learning curves of the best child and of AttentionXML-1.

    The latter is the best child of the study that is the same network, whoever proposed it.

    Args:
        history: The study.
        winner: The trial to take for the best child; by default the one with the best value. After
            a confirmation it may be another one.
        others: More curves, by name.

    Example:
        >>> import optuna
        >>> from optuna_xmcnas.analysis import read_history
        >>> convergence_of(read_history(optuna.create_study())).sentence
        'No child has finished.'
    """
    best = history.best if winner is None else winner
    role = "best child" if best == history.best else "winner"
    curve = None if best is None else _curve_of(best, f"{role} (trial {best.number})")
    identity = canonical_hash(KNOWN_GENOMES["attentionxml"])
    same = [row for row in history.complete if row.identity == identity]
    with_curve = [row for row in same if row.record is not None and row.record.curve]
    sign = 1.0 if history.maximize else -1.0
    chosen = max(
        with_curve, key=lambda row: (sign * (row.value or 0.0), -row.number), default=None
    )
    reference = None
    if chosen is not None and chosen != best:
        reference = _curve_of(chosen, f"{REFERENCE} (trial {chosen.number})")
    more = tuple(
        LearningCurve(name=name, trial=None, points=tuple(points))
        for name, points in (others or {}).items()
        if points
    )
    return Convergence(
        curves=(*(one for one in (curve, reference) if one is not None), *more),
        sentence=_sentence(best, curve, reference, same, role),
    )


def _curve_of(row: Row, name: str) -> LearningCurve | None:
    if row.record is None or not row.record.curve:
        return None
    return LearningCurve(
        name=name,
        trial=row.number,
        points=row.record.curve,
        is_whole=row.record.resumed_at_step is None,
    )


def _sentence(
    best: Row | None,
    winner: LearningCurve | None,
    reference: LearningCurve | None,
    same: Sequence[Row],
    role: str,
) -> str:
    if best is None:
        return "No child has finished."
    if winner is None:
        return f"Trial {best.number}, the {role}, has no learning curve in its record."
    if best in same:
        return f"The {role}, trial {best.number}, is {REFERENCE} itself."
    if reference is None and same:
        return (
            f"{REFERENCE} was trained in this study (trial {same[0].number}), but no learning "
            f"curve of it was written down, so there is nothing to compare the {role} with."
        )
    if reference is None:
        return (
            f"{REFERENCE} was not trained in this study, so there is nothing to compare the "
            f"{role} with; `optuna-xmcnas search --enqueue attentionxml --min-layers 1` begins a "
            "search with it."
        )
    goal = reference.best
    reached = next((point for point in winner.points if point.p_at_5 >= goal.p_at_5), None)
    found = f"{REFERENCE} has its best P@5, {100 * goal.p_at_5:.2f} %, at epoch {goal.epoch:g}; "
    if reached is None:
        found += f"the {role} stays below, at {100 * winner.best.p_at_5:.2f} %."
    else:
        found += (
            f"the {role} has as much at epoch {reached.epoch:g} and "
            f"{100 * winner.best.p_at_5:.2f} % at epoch {winner.best.epoch:g}."
        )
    cut = [curve.name for curve in (winner, reference) if not curve.is_whole]
    if cut:
        found += f" The beginning is missing of {' and '.join(cut)}, taken up after a break."
    return f"{found} Each is one training: noise is in both."
