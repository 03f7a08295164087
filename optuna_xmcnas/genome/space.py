"""Which genomes exist, and how a trial becomes one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import json
import math
from typing import Any
from typing import TYPE_CHECKING

from optuna_xmcnas.exceptions import InvalidGenomeError
from optuna_xmcnas.genome import params as encoding
from optuna_xmcnas.genome.genome import Genome
from optuna_xmcnas.genome.genome import Node
from optuna_xmcnas.genome.ops import DEFAULT_OPS


if TYPE_CHECKING:
    import numpy as np
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.trial import BaseTrial


_FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class GenomeSpace:
    """All genomes of some depth over some ops.

    Node i may read any of the last ``window`` outputs before it, the embedding (output 0)
    included while it is among them.

    Args:
        ops: Names of the operations a searched node may apply, each once.
        min_layers: Nodes at least, the frozen ones included.
        max_layers: Nodes at most, the frozen ones included.
        window: How many of the outputs before a node it may read (5 in XMC-NAS, section 3.1).
        frozen: Nodes that every genome begins with and no mutation touches; the hatched blocks of
            XMC-NAS, figure 4. Their ops need not be among ``ops``.

    Raises:
        ValueError: If a number is out of range, ops repeat, or nothing is left to search.
        InvalidGenomeError: If the frozen nodes break the rules themselves.

    Example:
        >>> space = GenomeSpace(ops=("conv3", "bilstm"), min_layers=1, max_layers=2)
        >>> space.n_genomes  # 2 of one node; 2 * 2 ops and two sources for node 2
        10
        >>> Genome((Node("bilstm", 0), Node("conv3", 0))) in space
        True
        >>> Genome((Node("bigru", 0),)) in space
        False
    """

    ops: tuple[str, ...] = DEFAULT_OPS
    min_layers: int = 2
    max_layers: int = 6
    window: int = 5
    frozen: tuple[Node, ...] = ()

    def __post_init__(self) -> None:
        ops: object = self.ops
        if isinstance(ops, str):
            raise ValueError(f"`ops` must be a sequence of names; got the text {ops!r}.")
        object.__setattr__(self, "ops", tuple(self.ops))
        object.__setattr__(self, "frozen", tuple(self.frozen))
        if not self.ops:
            raise ValueError("`ops` must name at least one operation; got none.")
        if len(set(self.ops)) != len(self.ops):
            raise ValueError(f"`ops` must not repeat a name; got {list(self.ops)}.")
        for op in self.ops:
            Node(op, 0)  # checks the name
        for name in ("min_layers", "max_layers", "window"):
            number: object = getattr(self, name)
            if not isinstance(number, int) or isinstance(number, bool):
                raise ValueError(f"`{name}` must be a whole number; got {number!r}.")
        if not 1 <= self.min_layers <= self.max_layers:
            raise ValueError(
                f"`min_layers` and `max_layers` must satisfy 1 <= min <= max; "
                f"got {self.min_layers} and {self.max_layers}."
            )
        if self.window < 1:
            raise ValueError(f"`window` must be at least 1; got {self.window}.")
        if not len(self.frozen) <= self.min_layers:
            raise ValueError(
                f"`min_layers` counts the frozen nodes, so it must be at least "
                f"{len(self.frozen)}; got {self.min_layers}."
            )
        if len(self.frozen) == self.max_layers:
            raise ValueError(
                f"all {self.max_layers} layers are frozen, so nothing is left to search; "
                f"raise `max_layers`."
            )
        for position, node in enumerate(self.frozen, start=1):
            self._check_source(position, node)

    def sources(self, position: int) -> range:
        """Return the outputs that the node at ``position`` may read.

        Example:
            >>> list(GenomeSpace(window=5).sources(6))
            [1, 2, 3, 4, 5]
        """
        return range(max(0, position - self.window), position)

    @property
    def n_genomes(self) -> int:
        """How many genomes there are; several of them can be the same network."""
        total = 0
        for n_layers in range(self.min_layers, self.max_layers + 1):
            searched = encoding.searched_positions(self, n_layers)
            total += math.prod(len(self.ops) * len(self.sources(i)) for i in searched)
        return total

    def __contains__(self, genome: object) -> bool:
        if not isinstance(genome, Genome):
            return False
        try:
            self.check(genome)
        except InvalidGenomeError:
            return False
        return True

    def check(self, genome: Genome) -> None:
        """Raise InvalidGenomeError with the reason if the genome is not in the space."""
        if not self.min_layers <= genome.n_layers <= self.max_layers:
            raise InvalidGenomeError(
                f"a genome of this space has {self.min_layers}..{self.max_layers} layers; "
                f"got {genome.n_layers}: {genome}."
            )
        if genome.nodes[: len(self.frozen)] != self.frozen:
            raise InvalidGenomeError(
                f"a genome of this space begins with {Genome(self.frozen)}; got {genome}."
            )
        for position in encoding.searched_positions(self, genome.n_layers):
            node = genome.nodes[position - 1]
            if node.op not in self.ops:
                raise InvalidGenomeError(
                    f"node {position} applies {node.op!r}; allowed: {', '.join(self.ops)}."
                )
            self._check_source(position, node)

    def random(self, rng: np.random.Generator) -> Genome:
        """Return a random genome: its depth uniform, then each op and each source uniform."""
        n_layers = int(rng.integers(self.min_layers, self.max_layers + 1))
        searched = encoding.searched_positions(self, n_layers)
        return Genome((*self.frozen, *(self.random_node(position, rng) for position in searched)))

    def random_node(self, position: int, rng: np.random.Generator) -> Node:
        """Return a random node for a position: its op uniform, its source uniform."""
        sources = self.sources(position)
        op = self.ops[int(rng.integers(len(self.ops)))]
        return Node(op, sources[int(rng.integers(len(sources)))])

    def distributions(self) -> dict[str, BaseDistribution]:
        """Return the distribution of every parameter that a genome can have."""
        return encoding.all_distributions(self)

    def suggest(self, trial: BaseTrial) -> Genome:
        """Return the genome of a trial, chosen by whatever sampler the study has.

        Example:
            >>> import optuna
            >>> space = GenomeSpace(max_layers=3)
            >>> trial = optuna.create_study().ask()
            >>> space.suggest(trial) == space.from_params(trial.params)
            True
        """
        suggested: dict[str, Any] = {}
        for name, depth in encoding.layer_distributions(self).items():
            suggested[name] = encoding.suggest(trial, name, depth)
        n_layers = suggested.get(encoding.N_LAYERS, self.min_layers)
        for position in encoding.searched_positions(self, n_layers):
            for name, distribution in encoding.node_distributions(self, position).items():
                suggested[name] = encoding.suggest(trial, name, distribution)
        return self.from_params(suggested)

    def to_params(self, genome: Genome) -> dict[str, int | str]:
        """Return a genome as trial parameters.

        Raises:
            InvalidGenomeError: If the genome is not in the space.

        Example:
            >>> GenomeSpace().to_params(Genome((Node("bilstm", 0), Node("conv3", 1))))
            {'n_layers': 2, 'op_1': 'bilstm', 'op_2': 'conv3', 'source_2': 1}
        """
        self.check(genome)
        params: dict[str, int | str] = {}
        if self.min_layers < self.max_layers:
            params[encoding.N_LAYERS] = genome.n_layers
        for position in encoding.searched_positions(self, genome.n_layers):
            node = genome.nodes[position - 1]
            values: dict[str, int | str] = {
                encoding.op_name(position): node.op,
                encoding.source_name(position): node.source,
            }
            for name in encoding.node_names(self, position):
                params[name] = values[name]
        return params

    def from_params(self, params: Mapping[str, Any]) -> Genome:
        """Return the genome that trial parameters describe; foreign names are ignored.

        Raises:
            InvalidGenomeError: If a parameter is missing or not of this space.
        """
        n_layers = params.get(encoding.N_LAYERS)
        if self.min_layers == self.max_layers:
            n_layers = self.min_layers
        if not isinstance(n_layers, int) or not self.min_layers <= n_layers <= self.max_layers:
            raise InvalidGenomeError(
                f"parameter {encoding.N_LAYERS!r} must be within "
                f"{self.min_layers}..{self.max_layers}; got {n_layers!r}."
            )
        nodes = list(self.frozen)
        for position in encoding.searched_positions(self, n_layers):
            names = encoding.node_names(self, position)
            missing = [name for name in names if name not in params]
            if missing:
                raise InvalidGenomeError(
                    f"a genome of {n_layers} layers needs the parameters {', '.join(missing)}; "
                    f"got {', '.join(params) or 'none'}."
                )
            op = params[encoding.op_name(position)] if len(self.ops) > 1 else self.ops[0]
            sources = self.sources(position)
            source = params[encoding.source_name(position)] if len(sources) > 1 else sources[0]
            nodes.append(Node(op, source))
        genome = Genome(tuple(nodes))
        self.check(genome)
        return genome

    def enqueue(self, study: Study, genome: Genome) -> None:
        """Have a genome evaluated by the next free worker of a study.

        All its parameters are given, so no sampler can mix it with another genome.

        Raises:
            InvalidGenomeError: If the genome is not in the space.
        """
        study.enqueue_trial(self.to_params(genome))

    def to_json(self) -> str:
        """Return the space as JSON text with a format version."""
        return json.dumps(
            {
                "format": _FORMAT,
                "ops": self.ops,
                "min_layers": self.min_layers,
                "max_layers": self.max_layers,
                "window": self.window,
                "frozen": [[node.op, node.source] for node in self.frozen],
            }
        )

    @classmethod
    def from_json(cls, text: str) -> GenomeSpace:
        """Return the space that :meth:`to_json` wrote.

        Raises:
            InvalidGenomeError: If the text is not one, or of another format version.
        """
        try:
            record: Any = json.loads(text)
        except json.JSONDecodeError as error:
            raise InvalidGenomeError(f"a space must be JSON text; got {text!r}.") from error
        if not isinstance(record, dict) or record.get("format") != _FORMAT:
            found = record.get("format") if isinstance(record, dict) else record
            raise InvalidGenomeError(
                f"a space record must have format version {_FORMAT}; got {found!r}."
            )
        try:
            return cls(
                ops=record["ops"],
                min_layers=record["min_layers"],
                max_layers=record["max_layers"],
                window=record["window"],
                frozen=tuple(Node(op, source) for op, source in record["frozen"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidGenomeError(f"not the record of a genome space: {error}") from error

    def _check_source(self, position: int, node: Node) -> None:
        allowed = self.sources(position)
        if node.source not in allowed:
            raise InvalidGenomeError(
                f"node {position} ({node.op}) reads output {node.source}; "
                f"allowed: {allowed[0]}..{allowed[-1]}."
            )
