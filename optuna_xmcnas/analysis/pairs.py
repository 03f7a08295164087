"""Weights of operations that read the embedding side by side (XMC-NAS, ICONIP 2020, figure 3)."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import final
from typing import TYPE_CHECKING

from optuna_xmcnas.analysis.estimates import Estimate
from optuna_xmcnas.analysis.estimates import estimate
from optuna_xmcnas.analysis.estimates import FEWEST
from optuna_xmcnas.analysis.estimates import percent
from optuna_xmcnas.analysis.weighted import weighted_children


if TYPE_CHECKING:
    from optuna_xmcnas.analysis.history import History


_Cell = tuple[float, float, float]  # share of the first op, its weight, weight of the other op


@final
@dataclass(frozen=True, kw_only=True)
class PairedWeight:
    """The weight of an op when another one reads the embedding as well.

    Attributes:
        op: The operation.
        other: The other one; may be the same.
        share: Its weight, as a share of what both weigh together. Of two nodes with the same op
            it is that of the heavier one: both shares are half on average, whatever the weights.
        weight: Its weight among all nodes of the genome; of the heavier one likewise.
    """

    op: str
    other: str
    share: Estimate
    weight: Estimate

    @property
    def n(self) -> int:
        """How many children have the pair."""
        return self.share.n


@final
@dataclass(frozen=True, kw_only=True)
class PairedWeights:
    """The weight of each op when paired with each other on the embedding.

    Attributes:
        cells: By op and other op, both orders of a pair.
        ops: All operations in them, sorted.
        n_children: Finished children with weights of two or more nodes that read the embedding.
        sentence: What it shows.
    """

    cells: Mapping[tuple[str, str], PairedWeight]
    ops: tuple[str, ...]
    n_children: int
    sentence: str


def paired_weights(history: History) -> PairedWeights:
    """Return the weight of each op when paired with each other on the embedding.

    Where more than two nodes read the embedding, every two of them are a pair. A child counts
    once for each pair of ops: if it has several pairs of the same ops, with their mean.

    Example:
        >>> import optuna
        >>> from optuna_xmcnas.analysis import read_history
        >>> print(paired_weights(read_history(optuna.create_study())).sentence)
        No finished child has learned weights of two nodes that read the embedding.
    """
    found: dict[tuple[str, str], tuple[list[float], list[float], list[float]]] = {}
    n_children = 0
    for child in weighted_children(history):
        readers = sorted(
            (node.op, weight)
            for node, weight in zip(child.nodes, child.weights, strict=True)
            if node.source == 0
        )
        own = _cells(readers)
        n_children += bool(own)
        for key, cell in own.items():
            columns = found.setdefault(key, ([], [], []))
            for column, number in zip(columns, cell, strict=True):
                column.append(number)
    pairs: dict[tuple[str, str], PairedWeight] = {}
    for (one, other), (shares, weights, others) in found.items():
        pairs[one, other] = PairedWeight(
            op=one, other=other, share=estimate(shares), weight=estimate(weights)
        )
        if one != other:
            share = estimate(1 - share for share in shares)
            pairs[other, one] = PairedWeight(
                op=other, other=one, share=share, weight=estimate(others)
            )
    return PairedWeights(
        cells={key: pairs[key] for key in sorted(pairs)},
        ops=tuple(sorted({op for op, _ in pairs})),
        n_children=n_children,
        sentence=_sentence(pairs, n_children),
    )


def _cells(readers: Sequence[tuple[str, float]]) -> dict[tuple[str, str], _Cell]:
    """Return the mean share and weights of each pair of ops in one child.

    Args:
        readers: Op and weight of the nodes that read the embedding, sorted: of two nodes with the
            same op the heavier one comes last.
    """
    found: dict[tuple[str, str], list[_Cell]] = {}
    for (one, its), (other, others) in combinations(readers, 2):
        first, second = (others, its) if one == other else (its, others)
        if first + second > 0.0:
            cell = (first / (first + second), first, second)
            found.setdefault((one, other), []).append(cell)
    return {key: cells[0] if len(cells) == 1 else _mean(cells) for key, cells in found.items()}


def _mean(cells: Sequence[_Cell]) -> _Cell:
    share, weight, other = (sum(column) / len(cells) for column in zip(*cells, strict=True))
    return share, weight, other


def _sentence(cells: Mapping[tuple[str, str], PairedWeight], n_children: int) -> str:
    if not n_children:
        return "No finished child has learned weights of two nodes that read the embedding."
    enough = [
        cell
        for cell in cells.values()
        if cell.n >= FEWEST and cell.op != cell.other and cell.share.mean >= 0.5
    ]
    same = [cell for cell in cells.values() if cell.n >= FEWEST and cell.op == cell.other]
    if not enough and not same:
        return (
            f"Only {n_children} {'child has' if n_children == 1 else 'children have'} learned "
            "weights of two nodes that read the embedding, and no pair of operations has "
            f"{FEWEST}: too few to say which weighs more."
        )
    said = []
    if enough:
        top = max(enough, key=lambda cell: (cell.share.mean, cell.op, cell.other))
        n_clear = sum((cell.share.low or 0.0) > 0.5 for cell in enough)
        said.append(
            f"{n_clear} of {len(enough)} pair{'' if len(enough) == 1 else 's'} of different "
            f"operations with at least {FEWEST} children weigh{'s' if n_clear == 1 else ''} "
            "clearly unequally"
        )
        said.append(
            f"the most unequal is {top.op} beside {top.other} with {percent(top.share)} of "
            f"what both weigh ({top.n} children)"
        )
    if same:
        often = max(same, key=lambda cell: (cell.n, cell.op))
        said.append(
            f"of two nodes with {often.op} the heavier one has {percent(often.share)} "
            f"({often.n} children)"
        )
    text = "; ".join(said)
    return f"{text[0].upper()}{text[1:]}."
