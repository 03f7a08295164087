"""Weights by distance from the embedding (XMC-NAS, ICONIP 2020, figure 4)."""

from __future__ import annotations

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
    from optuna_xmcnas.genome import Node


@final
@dataclass(frozen=True, kw_only=True)
class DepthWeight:
    """The weight of a node's output at some distance from the embedding.

    Attributes:
        distance: 1 for a node that reads the embedding, 2 for one that reads such a node, ...
        op: Its operation; None for all of them.
        weight: Its weight; of several such nodes in a child, their mean.
        equal: What it would be if all nodes of a child weighed the same, on average.
    """

    distance: int
    op: str | None
    weight: Estimate
    equal: float


@final
@dataclass(frozen=True, kw_only=True)
class DepthWeights:
    """Weights by distance from the embedding.

    Attributes:
        by_distance: For all operations, the nearest first.
        by_op: For each operation, sorted by its name, then by distance.
        n_children: Finished children with weights of two or more nodes.
        sentence: What it shows.
    """

    by_distance: tuple[DepthWeight, ...]
    by_op: tuple[DepthWeight, ...]
    n_children: int
    sentence: str


def depth_weights(history: History) -> DepthWeights:
    """Return the weights of nodes by their distance from the embedding.

    Children of one node are left out, their only weight is 1.

    Example:
        >>> import optuna
        >>> from optuna_xmcnas.analysis import read_history
        >>> print(depth_weights(read_history(optuna.create_study())).sentence)
        No finished child has learned weights of two or more nodes.
    """
    children = list(weighted_children(history))
    apart = [distances(child.nodes) for child in children]
    by_distance = grouped(children, apart)
    by_op = grouped(
        children,
        [
            tuple((node.op, distance) for node, distance in zip(child.nodes, its, strict=True))
            for child, its in zip(children, apart, strict=True)
        ],
    )
    nearest = tuple(
        DepthWeight(distance=distance, op=None, weight=estimate(weights), equal=equal)
        for distance, (weights, equal) in sorted(by_distance.items())
    )
    return DepthWeights(
        by_distance=nearest,
        by_op=tuple(
            DepthWeight(distance=distance, op=op, weight=estimate(weights), equal=equal)
            for (op, distance), (weights, equal) in sorted(by_op.items())
        ),
        n_children=len(children),
        sentence=_sentence(nearest, len(children)),
    )


def distances(nodes: Sequence[Node]) -> tuple[int, ...]:
    """Return how far each node is from the embedding, node 1 first.

    Example:
        >>> from optuna_xmcnas.genome import Node
        >>> distances((Node("bilstm", 0), Node("conv3", 1), Node("conv3", 0)))
        (1, 2, 1)
    """
    found = [0]
    for node in nodes:
        found.append(found[node.source] + 1)
    return tuple(found[1:])


def _sentence(nearest: Sequence[DepthWeight], n_children: int) -> str:
    if not n_children:
        return "No finished child has learned weights of two or more nodes."
    if n_children < FEWEST:
        return (
            f"Only {n_children} finished {'child has' if n_children == 1 else 'children have'} "
            f"learned weights of two or more nodes; at least {FEWEST} are needed."
        )
    enough = [group for group in nearest if group.weight.n >= FEWEST]
    said = ", ".join(
        f"{percent(group.weight)} at distance {group.distance} ({group.weight.n} children, "
        f"an equal share would be {100 * group.equal:.0f} %)"
        for group in enough
    )
    return f"By distance from the embedding a node weighs on average {said}."
