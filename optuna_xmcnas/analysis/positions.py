"""Learned node weights by operation and position."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final
from typing import TYPE_CHECKING

from optuna_xmcnas.analysis.estimates import Estimate
from optuna_xmcnas.analysis.estimates import estimate
from optuna_xmcnas.analysis.estimates import FEWEST
from optuna_xmcnas.analysis.estimates import percent
from optuna_xmcnas.analysis.weighted import grouped
from optuna_xmcnas.analysis.weighted import weighted_children


if TYPE_CHECKING:
    from optuna_xmcnas.analysis.history import History


_MOST_NAMED = 8


@final
@dataclass(frozen=True, kw_only=True)
class PositionWeight:
    """The weight of an op's output in some position.

    Attributes:
        op: The operation.
        position: The node's number, from 1; None for all of them.
        weight: Its weight; of several such nodes in a child, their mean.
        equal: What it would be if all nodes of a child weighed the same, on average.
    """

    op: str
    position: int | None
    weight: Estimate
    equal: float


@final
@dataclass(frozen=True, kw_only=True)
class PositionWeights:
    """Learned node weights by operation and position.

    Attributes:
        cells: By op and position.
        by_op: Of all positions, the op that weighs most against an equal share first.
        n_positions: How many positions there are.
        n_children: Finished children with weights of two or more nodes.
        sentence: What it shows.
    """

    cells: Mapping[tuple[str, int], PositionWeight]
    by_op: tuple[PositionWeight, ...]
    n_positions: int
    n_children: int
    sentence: str


def position_weights(history: History) -> PositionWeights:
    """Return the learned weights of nodes by their operation and position.

    Children of one node are left out, their only weight is 1.

    Example:
        >>> import optuna
        >>> from optuna_xmcnas.analysis import read_history
        >>> print(position_weights(read_history(optuna.create_study())).sentence)
        No finished child has learned weights of two or more nodes.
    """
    children = list(weighted_children(history))
    ops = [tuple(node.op for node in child.nodes) for child in children]
    places = [tuple((op, position) for position, op in enumerate(its, start=1)) for its in ops]
    by_op = [
        PositionWeight(op=op, position=None, weight=estimate(weights), equal=equal)
        for op, (weights, equal) in grouped(children, ops).items()
    ]
    by_op.sort(key=lambda cell: (-cell.weight.mean / cell.equal, cell.op))
    return PositionWeights(
        cells={
            (op, position): PositionWeight(
                op=op, position=position, weight=estimate(weights), equal=equal
            )
            for (op, position), (weights, equal) in sorted(grouped(children, places).items())
        },
        by_op=tuple(by_op),
        n_positions=max((len(its) for its in ops), default=0),
        n_children=len(children),
        sentence=_sentence(by_op, len(children)),
    )


def _sentence(by_op: Sequence[PositionWeight], n_children: int) -> str:
    if not n_children:
        return "No finished child has learned weights of two or more nodes."
    enough = [cell for cell in by_op if cell.weight.n >= FEWEST]
    if len(by_op) == 1:
        return f"All weighted nodes are {by_op[0].op}, so there is nothing to compare it with."
    if n_children >= FEWEST and len(enough) < 2:
        counts = ", ".join(f"{cell.op} {cell.weight.n}" for cell in by_op[:_MOST_NAMED])
        more = ", ..." if len(by_op) > _MOST_NAMED else ""
        return (
            f"At least {FEWEST} children with learned weights are needed of each of two "
            f"operations to compare them; there are, by operation: {counts}{more}."
        )
    if len(enough) < 2:
        return (
            f"Only {n_children} finished {'child has' if n_children == 1 else 'children have'} "
            f"learned weights of two or more nodes; at least {FEWEST} of two operations are "
            "needed to compare them."
        )
    above = [cell for cell in enough if _is_apart(cell) and cell.weight.mean > cell.equal]
    below = [cell for cell in enough if _is_apart(cell) and cell.weight.mean < cell.equal]
    if not above and not below:
        return (
            "No operation weighs clearly more or less than an equal share; the most, by chance "
            f"or not: {enough[0].op}, {_against(enough[0])}."
        )
    parts = [f"{cell.op} weighs more than an equal share, {_against(cell)}" for cell in above[:1]]
    parts += [f"{cell.op} weighs less, {_against(cell)}" for cell in below[-1:]]
    return f"By their own intervals, {'; '.join(parts)}."


def _is_apart(cell: PositionWeight) -> bool:
    """Return whether the interval of a weight leaves out the equal share."""
    half = cell.weight.half_width
    return half is not None and abs(cell.weight.mean - cell.equal) > half


def _against(cell: PositionWeight) -> str:
    return (
        f"{percent(cell.weight)} where {100 * cell.equal:.0f} % would be equal "
        f"({cell.weight.n} children)"
    )
