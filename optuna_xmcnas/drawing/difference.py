"""What sets a genome apart from the one it was made from."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from math import comb

from optuna_xmcnas.genome import Genome


_MOST_ALIGNMENTS = 70  # that are tried where the numbers of nodes differ


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Which nodes of a child are new or changed, and what was there before.

    Attributes:
        new: Positions of the nodes that the parent does not have.
        old_ops: The op before, by the position of a node that has another one now.
        old_sources: The output of the child that was read before, by the position of a node that
            reads another one now.
        removed: The op of each node that is gone, by its position in the parent.
    """

    new: tuple[int, ...] = ()
    old_ops: Mapping[int, str]
    old_sources: Mapping[int, int]
    removed: Mapping[int, str]

    @property
    def n_changes(self) -> int:
        """How many steps lead from the parent to the child; 0 if they are the same."""
        return len(self.new) + len(self.old_ops) + len(self.old_sources) + len(self.removed)

    def note(self, position: int) -> str:
        """Return what changed about a node of the child; "" if nothing did."""
        if position in self.new:
            return "new"
        parts = []
        if position in self.old_ops:
            parts.append(f"was {self.old_ops[position]}")
        if position in self.old_sources:
            parts.append(f"read {self.old_sources[position] or 'embedding'}")
        return ", ".join(parts)

    def sentences(self, child: Genome) -> tuple[str, ...]:
        """Return all changes in words, those of the child's nodes first."""
        found = []
        for position, node in enumerate(child.nodes, start=1):
            name = f"{position} {node.op}"
            if position in self.new:
                found.append(f"{name} is new")
            if position in self.old_ops:
                found.append(f"{name} was {self.old_ops[position]}")
            if position in self.old_sources:
                found.append(f"{name} read {_output(child, self.old_sources[position])}")
        gone = (f"{op} is removed" for op in self.removed.values())
        return (*found, *gone)


def difference(child: Genome, parent: Genome) -> Difference:
    """Return what sets a child apart from its parent, in as few changes as are found.

    Nodes are compared by position first. Where that tells of more than one change, nodes may also
    be matched across an added or removed one, or by what hangs on them, so that one mutation shows
    as one change and another numbering of the same network as none. What read a removed node and
    reads that node's source now is not changed itself; the same holds for an inserted node.

    Example:
        >>> parent = Genome.from_text("1:bilstm(0) 2:conv3(1) 3:conv5(2)")
        >>> found = difference(Genome.from_text("1:bilstm(0) 2:conv7(1) 3:conv5(1)"), parent)
        >>> dict(found.old_ops), dict(found.old_sources)
        ({2: 'conv3'}, {3: 2})
        >>> shorter = Genome.from_text("1:bilstm(0) 2:conv5(1)")
        >>> difference(shorter, parent).sentences(shorter)
        ('conv3 is removed',)
    """
    best: Difference | None = None
    for partners in _matchings(child, parent):
        found = _compare(child, parent, partners)
        if best is None or found.n_changes < best.n_changes:
            best = found
        if best.n_changes <= 1:
            break
    assert best is not None  # positions are always compared
    return best


def _matchings(child: Genome, parent: Genome) -> Iterator[dict[int, int]]:
    """Yield ways to match nodes: position in the child -> position in the parent."""
    n_child, n_parent = child.n_layers, parent.n_layers
    n_both = min(n_child, n_parent)
    yield {i: i for i in range(1, n_both + 1)}
    if n_child != n_parent and comb(max(n_child, n_parent), n_both) <= _MOST_ALIGNMENTS:
        for kept in combinations(range(1, max(n_child, n_parent) + 1), n_both):
            pairs = enumerate(kept, start=1)
            yield dict(pairs) if n_child < n_parent else {k: i for i, k in pairs}
    yield _by_subtree(child, parent)


def _compare(child: Genome, parent: Genome, partners: Mapping[int, int]) -> Difference:
    """Return the difference under one matching."""
    inverse = {old: new for new, old in partners.items()} | {0: 0}
    new = tuple(i for i in range(1, child.n_layers + 1) if i not in partners)
    old_ops: dict[int, str] = {}
    old_sources: dict[int, int] = {}
    for position, old_position in partners.items():
        node, old = child.nodes[position - 1], parent.nodes[old_position - 1]
        if node.op != old.op:
            old_ops[position] = old.op
        before = old.source
        while before not in inverse:  # removed: what it read itself
            before = parent.nodes[before - 1].source
        now = node.source
        while now in new and now != inverse[before]:  # inserted: what it reads itself
            now = child.nodes[now - 1].source
        if now != inverse[before]:
            old_sources[position] = inverse[before]
    gone = (i for i in range(1, parent.n_layers + 1) if i not in inverse)
    return Difference(
        new=new,
        old_ops=dict(sorted(old_ops.items())),
        old_sources=dict(sorted(old_sources.items())),
        removed={i: parent.nodes[i - 1].op for i in gone},
    )


def _by_subtree(child: Genome, parent: Genome) -> dict[int, int]:
    """Match nodes by what hangs on them, from the embedding on, whatever their numbers are."""
    trees, old_trees = _subtrees(child), _subtrees(parent)
    partners = {0: 0}

    def match(is_like: Mapping[int, object], was_like: Mapping[int, object], below: bool) -> None:
        free = [i for i in range(1, parent.n_layers + 1) if i not in partners.values()]
        for position, node in enumerate(child.nodes, start=1):
            if position in partners:
                continue
            for old in free:
                if is_like[position] != was_like[old]:
                    continue
                if below and partners.get(node.source) != parent.nodes[old - 1].source:
                    continue
                partners[position] = old
                free.remove(old)
                break

    ops = {i: node.op for i, node in enumerate(child.nodes, start=1)}
    old_ops = {i: node.op for i, node in enumerate(parent.nodes, start=1)}
    match(trees, old_trees, True)  # the same, in the same place
    match(ops, old_ops, True)  # something below it has changed
    match(trees, old_trees, False)  # moved
    match(dict.fromkeys(ops), dict.fromkeys(old_ops), True)  # another op in the same place
    del partners[0]
    return partners


def _subtrees(genome: Genome) -> dict[int, object]:
    """Return each node's subtree as text, equal for equal trees."""
    texts: dict[int, str] = {}
    below: dict[int, list[str]] = {}
    for position in range(genome.n_layers, 0, -1):  # readers have higher numbers
        node = genome.nodes[position - 1]
        texts[position] = f"{node.op}({','.join(sorted(below.get(position, ())))})"
        below.setdefault(node.source, []).append(texts[position])
    return dict(texts)


def _output(genome: Genome, source: int) -> str:
    return f"{source} {genome.nodes[source - 1].op}" if source else "the embedding"
