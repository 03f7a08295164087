"""The genome: a frozen description of a child's searchable part."""

from __future__ import annotations

from dataclasses import dataclass
import json
import re
from typing import Any

from optuna_xmcnas.exceptions import InvalidGenomeError


_FORMAT = 1
_OP_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_NODE_TEXT = re.compile(r"([0-9]{1,6}):([^():]+)\(([0-9]{1,6})\)")


@dataclass(frozen=True, slots=True)
class Node:
    """One step of a genome.

    Args:
        op: Name of the operation: a letter, then letters, digits, ``_``, ``.`` or ``-``.
        source: The output it reads: 0 is the embedding, k the output of node k.

    Raises:
        InvalidGenomeError: If the name or the number cannot be one.
    """

    op: str
    source: int

    def __post_init__(self) -> None:
        if not isinstance(self.op, str) or not _OP_NAME.fullmatch(self.op):
            raise InvalidGenomeError(
                f"`op` must be a letter followed by letters, digits, '_', '.' or '-'; "
                f"got {self.op!r}."
            )
        if not isinstance(self.source, int) or isinstance(self.source, bool) or self.source < 0:
            raise InvalidGenomeError(
                f"`source` must be a whole number from 0 (the embedding) up; got {self.source!r}."
            )


@dataclass(frozen=True, slots=True)
class Genome:
    """Nodes 1 to n, each applying its op to the output of one earlier node or the embedding.

    Args:
        nodes: Node 1 comes first (``nodes[0]``); node i reads one of the outputs 0 to i - 1.

    Raises:
        InvalidGenomeError: If there is no node, or one reads an output that does not exist yet.

    Example:
        >>> genome = Genome((Node("bilstm", 0), Node("conv3", 0), Node("maxpool3", 2)))
        >>> print(genome)
        1:bilstm(0) 2:conv3(0) 3:maxpool3(2)
        >>> Genome.from_text(str(genome)) == genome
        True
        >>> Genome.from_json(genome.to_json()) == genome
        True
    """

    nodes: tuple[Node, ...]

    def __post_init__(self) -> None:
        nodes = tuple(self.nodes)
        if not nodes:
            raise InvalidGenomeError("a genome has at least one node; got none.")
        for position, node in enumerate(nodes, start=1):
            if not isinstance(node, Node):
                raise InvalidGenomeError(f"node {position} must be a Node; got {node!r}.")
            if node.source >= position:
                raise InvalidGenomeError(
                    f"node {position} ({node.op}) reads output {node.source}; "
                    f"allowed: 0..{position - 1}."
                )
        object.__setattr__(self, "nodes", nodes)

    def __str__(self) -> str:
        return " ".join(
            f"{position}:{node.op}({node.source})"
            for position, node in enumerate(self.nodes, start=1)
        )

    @classmethod
    def from_text(cls, text: str) -> Genome:
        """Return the genome that a text like ``1:bilstm(0) 2:conv3(0)`` describes.

        It is what ``str`` makes of a genome: for each node its number, its op and, in parentheses,
        the output it reads; 0 is the embedding.

        Raises:
            InvalidGenomeError: If the text is none, or the genome breaks the rules.

        Example:
            >>> Genome.from_text("1:bilstm(0) 2:conv3(1)").nodes[1]
            Node(op='conv3', source=1)
        """
        nodes: list[Node] = []
        for position, word in enumerate(text.split(), start=1):
            match = _NODE_TEXT.fullmatch(word)
            if match is None:
                raise InvalidGenomeError(
                    f"node {position} of a genome must be written {position}:op(source), as in "
                    f"'1:bilstm(0) 2:conv3(1)'; got {word!r}."
                )
            if int(match[1]) != position:
                raise InvalidGenomeError(
                    f"the nodes of a genome are numbered 1, 2, 3, ...; got {word!r} in place "
                    f"{position}."
                )
            nodes.append(Node(match[2], int(match[3])))
        return cls(tuple(nodes))

    @property
    def n_layers(self) -> int:
        """How many nodes there are."""
        return len(self.nodes)

    def with_node(self, position: int, node: Node) -> Genome:
        """Return a copy in which the node at ``position`` (1 to n) is another one."""
        if not 1 <= position <= self.n_layers:
            raise InvalidGenomeError(
                f"`position` must be within 1..{self.n_layers}; got {position}."
            )
        return Genome((*self.nodes[: position - 1], node, *self.nodes[position:]))

    def to_json(self) -> str:
        """Return the genome as JSON text with a format version."""
        return json.dumps({"format": _FORMAT, "nodes": [[n.op, n.source] for n in self.nodes]})

    @classmethod
    def from_json(cls, text: str) -> Genome:
        """Return the genome that :meth:`to_json` wrote.

        Raises:
            InvalidGenomeError: If the text is not one, or of another format version.
        """
        try:
            record: Any = json.loads(text)
        except json.JSONDecodeError as error:
            raise InvalidGenomeError(f"a genome must be JSON text; got {text!r}.") from error
        if not isinstance(record, dict) or record.get("format") != _FORMAT:
            found = record.get("format") if isinstance(record, dict) else record
            raise InvalidGenomeError(
                f"a genome record must have format version {_FORMAT}; got {found!r}."
            )
        try:
            nodes = tuple(Node(op, source) for op, source in record["nodes"])
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, InvalidGenomeError):
                raise
            raise InvalidGenomeError(
                f"`nodes` must be a list of [op, source] pairs; got {record.get('nodes')!r}."
            ) from error
        return cls(nodes)
