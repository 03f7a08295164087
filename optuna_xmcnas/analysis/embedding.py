"""Scores with and without some operation on the embedding (XMC-NAS, ICONIP 2020, section 3.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final
from typing import TYPE_CHECKING

from optuna_xmcnas.analysis.estimates import Estimate
from optuna_xmcnas.analysis.estimates import estimate
from optuna_xmcnas.analysis.estimates import FEWEST
from optuna_xmcnas.analysis.estimates import Gap
from optuna_xmcnas.analysis.estimates import gap_between
from optuna_xmcnas.analysis.measure import Measure
from optuna_xmcnas.analysis.measure import measure_of


if TYPE_CHECKING:
    from optuna_xmcnas.analysis.history import History


@final
@dataclass(frozen=True, kw_only=True)
class EmbeddingReaders:
    """Values of children with and without an operation that reads the embedding.

    Attributes:
        measure: What the values are.
        op: The operation.
        having: Children in which a node with the operation reads the embedding; None if none.
        lacking: Children in which none does; None if there are none.
        gap: How far the mean of the first is above that of the second; None if either is missing.
        values: The values of both, by number of the trial: those having it, those lacking it.
        sentence: What it shows.
    """

    measure: Measure
    op: str
    having: Estimate | None
    lacking: Estimate | None
    gap: Gap | None
    values: tuple[tuple[tuple[int, float], ...], tuple[tuple[int, float], ...]]
    sentence: str


def embedding_readers(history: History, *, op: str = "bilstm") -> EmbeddingReaders:
    """Return the values of children with and without an operation that reads the embedding.

    Example:
        >>> import optuna
        >>> from optuna_xmcnas.analysis import read_history
        >>> embedding_readers(read_history(optuna.create_study())).sentence
        'No child has finished.'
    """
    measure = measure_of(history)
    having: list[tuple[int, float]] = []
    lacking: list[tuple[int, float]] = []
    for row in history.complete:
        if row.genome is None or row.value is None:
            continue
        has = any(node.source == 0 and node.op == op for node in row.genome.nodes)
        (having if has else lacking).append((row.number, row.value))
    with_op = estimate(value for _, value in having) if having else None
    without = estimate(value for _, value in lacking) if lacking else None
    gap = gap_between(with_op, without) if with_op and without else None
    return EmbeddingReaders(
        measure=measure,
        op=op,
        having=with_op,
        lacking=without,
        gap=gap,
        values=(tuple(having), tuple(lacking)),
        sentence=_sentence(measure, op, with_op, without, gap),
    )


def _sentence(
    measure: Measure, op: str, having: Estimate | None, lacking: Estimate | None, gap: Gap | None
) -> str:
    n_having, n_lacking = having.n if having else 0, lacking.n if lacking else 0
    if not n_having + n_lacking:
        return "No child has finished."
    if having is None or lacking is None or gap is None or min(n_having, n_lacking) < FEWEST:
        return (
            f"Too few children to compare: {n_having} with {op} on the embedding, {n_lacking} "
            f"without; at least {FEWEST} of each are needed."
        )
    is_better = measure.is_better(having.mean, lacking.mean)
    judged = "a clear difference" if gap.is_clear else "chance alone can make the difference"
    return (
        f"Children with {op} on the embedding have a mean {measure.name} of "
        f"{measure.interval(having)} ({having.n} children), "
        f"{'better' if is_better else 'not better'} than those without, "
        f"{measure.interval(lacking)} ({lacking.n} children): {judged}."
    )
