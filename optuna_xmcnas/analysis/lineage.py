"""Who came from whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final
from typing import TYPE_CHECKING

from optuna_xmcnas.analysis.history import Phase
from optuna_xmcnas.analysis.lanes import lanes_of
from optuna_xmcnas.analysis.measure import Measure
from optuna_xmcnas.analysis.measure import measure_of


if TYPE_CHECKING:
    from optuna_xmcnas.analysis.history import History
    from optuna_xmcnas.analysis.history import Row


_MUTATIONS = {
    "change_source": "other source",
    "swap_op": "other operation",
    "add_layer": "one layer more",
    "remove_layer": "one layer less",
    "identity": "trained again",
}


@final
@dataclass(frozen=True, kw_only=True)
class Relative:
    """A child in a family tree.

    Attributes:
        number: Its trial.
        parent: Its parent's trial, also where that is not in the tree.
        ancestor: Its nearest ancestor in the tree; None if there is none.
        n_skipped: How many ancestors between them are not in the tree.
        mutation: What was done to the parent's genome.
        value: Its value.
        phase: Where its genome is from.
        genome: Its genome as text; None if nobody wrote it down.
        lane: The row of the tree that it stands in, from 0.
        generation: Mutations between the first ancestor and it.
        is_living: Whether it is in the population.
        is_ancestor: Whether the best child comes from it, or is it.
    """

    number: int
    parent: int | None
    ancestor: int | None
    n_skipped: int
    mutation: str | None
    value: float
    phase: Phase
    genome: str | None
    lane: int
    generation: int
    is_living: bool
    is_ancestor: bool


@final
@dataclass(frozen=True, kw_only=True)
class FamilyTree:
    """Children and their parents.

    Attributes:
        measure: What the values are.
        relatives: The children in the tree, by number.
        best: Number of the best child's trial; None if there is none.
        role: What that child is: the ``best`` of the search, or the ``winner`` of a confirmation.
        line: The best child's ancestors and itself, the oldest first.
        n_lanes: How many rows the tree has.
        n_left_out: Finished children that are not in the tree.
        mutations: How often each mutation made a finished child, the most frequent first.
        sentence: What it shows.
    """

    measure: Measure
    relatives: tuple[Relative, ...]
    best: int | None
    role: str
    line: tuple[int, ...]
    n_lanes: int
    n_left_out: int
    mutations: Mapping[str, int]
    sentence: str


def family_tree(history: History, *, winner: Row | None = None, most: int = 100) -> FamilyTree:
    """Return the family tree of a study's finished children.

    Of a long study it has the best child and its ancestors, the living population, its latest
    ancestors, and the children that finished last. Ancestors that are not in the tree are skipped.

    Args:
        history: The study.
        winner: The trial to take for the best child; by default the one with the best value. After
            a confirmation it may be another one.
        most: How many children the tree has at most.

    Raises:
        ValueError: If ``most`` is below 1.

    Example:
        >>> import optuna
        >>> from optuna_xmcnas.analysis import read_history
        >>> family_tree(read_history(optuna.create_study())).sentence
        'No child has finished.'
    """
    if most < 1:
        raise ValueError(f"`most` must be at least 1; got {most}.")
    rows = {row.number: row for row in sorted(history.complete, key=lambda row: row.number)}
    parents = {
        number: row.parent if row.parent in rows and row.parent < number else None
        for number, row in rows.items()
    }
    generations: dict[int, int] = {}
    for number, parent in parents.items():  # parents come first
        generations[number] = 0 if parent is None else generations[parent] + 1
    best = history.best if winner is None else winner
    role = "best" if best == history.best else "winner"
    line = () if best is None else tuple(reversed(list(_line(best.number, parents))))
    living: frozenset[int] = frozenset()
    if history.population_size is not None:
        living = frozenset(history.finished_order[-history.population_size :])
    kept = _chosen(history.finished_order, parents, line, living, most)
    shown = {number: _ancestor(number, parents, kept) for number in sorted(kept)}
    lanes = lanes_of(shown, [number for number in line if number in kept])
    mutations = Counter(
        row.mutation for row in rows.values() if row.mutation and row.parent is not None
    )
    ancestors = frozenset(line)
    relatives = tuple(
        Relative(
            number=number,
            parent=rows[number].parent,
            ancestor=shown[number],
            n_skipped=_between(number, shown[number], generations),
            mutation=rows[number].mutation,
            value=rows[number].value or 0.0,
            phase=rows[number].phase,
            genome=None if rows[number].genome is None else str(rows[number].genome),
            lane=lanes[number],
            generation=generations[number],
            is_living=number in living,
            is_ancestor=number in ancestors,
        )
        for number in shown
    )
    return FamilyTree(
        measure=measure_of(history),
        relatives=relatives,
        best=None if best is None else best.number,
        role=role,
        line=line,
        n_lanes=max(lanes.values(), default=-1) + 1,
        n_left_out=len(rows) - len(kept),
        mutations=dict(mutations.most_common()),
        sentence=_sentence(rows, line, mutations, len(kept), role),
    )


def mutation_text(name: str) -> str:
    """Return a mutation in words.

    Example:
        >>> mutation_text("swap_op"), mutation_text("turn_around")
        ('other operation', 'turn around')
    """
    return _MUTATIONS.get(name, name.replace("_", " "))


def _line(number: int, parents: Mapping[int, int | None]) -> Iterator[int]:
    """Yield a child, its parent, and so on."""
    current: int | None = number
    while current is not None:
        yield current
        current = parents[current]


def _chosen(
    finished: Sequence[int],
    parents: Mapping[int, int | None],
    line: Sequence[int],
    living: frozenset[int],
    most: int,
) -> frozenset[int]:
    """Return which children are in the tree; everybody, if there is room."""
    if len(finished) <= most:
        return frozenset(finished)
    n_line = min(len(line), max(1, most // 3))
    step = (len(line) - 1) / max(1, n_line - 1)
    chosen = {line[-1 - round(i * step)] for i in range(n_line)}  # the best, ..., the first
    ancestors = {above for number in living for above in _line(number, parents)}
    # a quarter is left for the children that finished last, of whom some have no descendants
    for wanted, limit in (
        (sorted(living, reverse=True), most),
        (sorted(ancestors, reverse=True), max(1, 3 * most // 4)),
        (finished[::-1], most),
    ):
        for number in wanted:
            if len(chosen) >= limit:
                break
            chosen.add(number)
    return frozenset(chosen)


def _between(number: int, above: int | None, generations: Mapping[int, int]) -> int:
    return 0 if above is None else generations[number] - generations[above] - 1


def _ancestor(number: int, parents: Mapping[int, int | None], kept: frozenset[int]) -> int | None:
    above = parents[number]
    while above is not None and above not in kept:
        above = parents[above]
    return above


def _sentence(
    rows: Mapping[int, Row],
    line: Sequence[int],
    mutations: Counter[str],
    n_kept: int,
    role: str,
) -> str:
    if not rows:
        return "No child has finished."
    if not mutations:
        return "No finished child has a parent: nothing was evolved."
    found = f"{mutations.total()} of {len(rows)} finished children are mutants: "
    found += ", ".join(f"{n} by {mutation_text(name)}" for name, n in mutations.most_common())
    steps = len(line) - 1
    found += f". Trial {line[-1]}, the {role}, "
    if steps:
        found += f"comes from trial {line[0]} by {steps} mutation{'' if steps == 1 else 's'}."
    else:
        found += "has no parent."
    if n_kept < len(rows):
        found += f" {n_kept} of the children are shown."
    return found
