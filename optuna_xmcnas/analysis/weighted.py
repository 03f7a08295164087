"""Children whose nodes have learned weights."""

from __future__ import annotations

from collections.abc import Hashable
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final
from typing import TYPE_CHECKING
from typing import TypeVar


if TYPE_CHECKING:
    from optuna_xmcnas.analysis.history import History
    from optuna_xmcnas.genome import Node


_Group = TypeVar("_Group", bound=Hashable)


@final
@dataclass(frozen=True, slots=True)
class Weighted:
    """A finished child and the weights of its nodes.

    Attributes:
        nodes: Its nodes, node 1 first.
        weights: The share of each in what the head sees.
    """

    nodes: tuple[Node, ...]
    weights: tuple[float, ...]


def weighted_children(history: History) -> Iterator[Weighted]:
    """Yield the finished children of two or more nodes that have learned weights.

    The only weight of a child of one node is 1, which says nothing.
    """
    for row in history.complete:
        record = row.record
        if record is None or record.node_weights is None:
            continue
        nodes, weights = record.genome.nodes, record.node_weights
        if len(nodes) == len(weights) >= 2 and min(weights) >= 0.0 and max(weights) > 0.0:
            yield Weighted(nodes, weights)


def grouped(
    children: Sequence[Weighted], groups: Sequence[Sequence[_Group]]
) -> dict[_Group, tuple[list[float], float]]:
    """Return the weights of nodes by group.

    A child counts once in a group, with the mean of its nodes in there.

    Args:
        children: The children.
        groups: Which group each node of each child is in.

    Returns:
        By group, the mean weights of the children, and what these would be on average if all
        nodes of a child weighed the same.
    """
    weights: dict[_Group, list[float]] = {}
    equal: dict[_Group, float] = {}
    for child, its in zip(children, groups, strict=True):
        own: dict[_Group, list[float]] = {}
        for group, weight in zip(its, child.weights, strict=True):
            own.setdefault(group, []).append(weight)
        for group, found in own.items():
            weights.setdefault(group, []).append(sum(found) / len(found))
            equal[group] = equal.get(group, 0.0) + 1 / len(child.nodes)
    return {group: (found, equal[group] / len(found)) for group, found in weights.items()}
