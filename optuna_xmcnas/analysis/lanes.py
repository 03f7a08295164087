"""Where the members of a family tree stand, so that lines of descent do not cross."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence


_Block = dict[int, int]  # by lane, relative to the own one: which columns are taken, as bits


def lanes_of(parents: Mapping[int, int | None], line: Sequence[int]) -> dict[int, int]:
    """Return the lane of each member of a family tree, from 0.

    Members stand in columns, by number. A chain of parent, child, grandchild and so on keeps one
    lane; what branches off it is a block of lanes above or below, so near that nothing is in the
    way of the block or of the straight line that leads to it.

    Args:
        parents: The parent of each member, by number, or None; a parent's number is lower than
            its child's.
        line: The chain that the lanes are built around.

    Example:
        >>> lanes_of({0: None, 1: 0, 2: 0, 3: 1}, [0, 1, 3])
        {0: 0, 1: 0, 2: 1, 3: 0}
    """
    columns = {number: column for column, number in enumerate(sorted(parents))}
    children: dict[int, list[int]] = {number: [] for number in parents}
    for number, parent in parents.items():
        if parent in children:
            children[parent].append(number)
    heirs = _heirs(parents, children, set(line))
    heads = [number for number in columns if not _is_heir(number, parents, heirs)]
    blocks: dict[int, _Block] = {}
    offsets: dict[int, int] = {}  # of a chain's lane from that of the chain it branches off
    for head in reversed(heads):  # what branches off a chain has higher numbers than its head
        chain = _chain(head, heirs)
        block: _Block = {0: _bits(columns[chain[0]], columns[chain[-1]])}
        branches = [
            (branch, columns[member])
            for member in chain
            for branch in children[member]
            if branch != heirs.get(member)
        ]
        for branch, begin in sorted(branches, reverse=True):
            offsets[branch] = _place(block, blocks.pop(branch), begin, columns[branch])
        blocks[head] = block
    roots = [head for head in heads if parents[head] not in children]
    roots.sort(key=lambda root: (root not in line, root))
    whole: _Block = {0: 0}
    for root in roots:
        offsets[root] = _place(whole, blocks[root], None, columns[root])
    lanes: dict[int, int] = {}
    for head in heads:
        parent = parents[head]
        base = lanes[parent] if parent is not None and parent in children else 0
        for member in _chain(head, heirs):
            lanes[member] = base + offsets[head]
    lowest = min(lanes.values(), default=0)
    return {number: lanes[number] - lowest for number in sorted(lanes)}


def _heirs(
    parents: Mapping[int, int | None], children: Mapping[int, Sequence[int]], line: set[int]
) -> dict[int, int]:
    """Return which child keeps the lane: that on the line, else that which goes on longest."""
    latest: dict[int, int] = {}
    for number in sorted(parents, reverse=True):
        latest[number] = max((latest[child] for child in children[number]), default=number)
    return {
        number: max(own, key=lambda child: (child in line, latest[child]))
        for number, own in children.items()
        if own
    }


def _is_heir(number: int, parents: Mapping[int, int | None], heirs: Mapping[int, int]) -> bool:
    parent = parents[number]
    return parent is not None and heirs.get(parent) == number


def _chain(head: int, heirs: Mapping[int, int]) -> list[int]:
    chain = [head]
    while chain[-1] in heirs:
        chain.append(heirs[chain[-1]])
    return chain


def _bits(first: int, last: int) -> int:
    return (1 << (last + 1)) - (1 << first)


def _place(taken: _Block, block: _Block, begin: int | None, end: int) -> int:
    """Put a block into the nearest lanes where it fits, and return how far away that is.

    If every way to it is blocked, the line that leads to it crosses something.

    Args:
        taken: What is there; the block is added.
        block: What to put there.
        begin: The column of its parent, in lane 0; None for a root.
        end: The column in which the block begins.
    """
    lanes = (*taken, *block)
    furthest = 2 * (max(lanes) - min(lanes)) + 1
    first = 0 if begin is None else 1
    offsets = [sign * away for away in range(first, furthest + 1) for sign in (1, -1)]
    for may_cross in (False, True):
        for offset in offsets:
            wanted = {lane + offset: bits for lane, bits in block.items()}
            if begin is not None:
                way = _bits(begin + 1, end)
                step = 1 if offset > 0 else -1
                between = () if may_cross else range(step, offset, step)
                for lane in (*between, offset):
                    wanted[lane] = wanted.get(lane, 0) | way
            if not any(bits & taken.get(lane, 0) for lane, bits in wanted.items()):
                for lane, bits in wanted.items():
                    taken[lane] = taken.get(lane, 0) | bits
                return offset
    raise AssertionError("beyond the furthest lane there is room")
