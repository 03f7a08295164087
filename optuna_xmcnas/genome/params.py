"""The one encoding between genomes and Optuna's trial parameters.

``n_layers`` says how many nodes there are, ``op_i`` and ``source_i`` what node i applies and
reads. A parameter exists only where there is a choice: node 1 can read nothing but the
embedding, so ``source_1`` does not exist, and neither do the parameters of frozen nodes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from optuna.distributions import BaseDistribution
from optuna.distributions import CategoricalDistribution
from optuna.distributions import IntDistribution


if TYPE_CHECKING:
    from optuna.trial import BaseTrial

    from optuna_xmcnas.genome.space import GenomeSpace


N_LAYERS = "n_layers"


def op_name(position: int) -> str:
    """Return the name of the parameter that holds a node's op."""
    return f"op_{position}"


def source_name(position: int) -> str:
    """Return the name of the parameter that holds a node's source."""
    return f"source_{position}"


def layer_distributions(space: GenomeSpace) -> dict[str, IntDistribution]:
    """Return the distribution of the number of layers, or nothing if it is fixed."""
    if space.min_layers == space.max_layers:
        return {}
    return {N_LAYERS: IntDistribution(space.min_layers, space.max_layers)}


def node_names(space: GenomeSpace, position: int) -> tuple[str, ...]:
    """Return the names of the parameters that one searched node has."""
    names = (op_name(position),) if len(space.ops) > 1 else ()
    return (*names, source_name(position)) if len(space.sources(position)) > 1 else names


def node_distributions(
    space: GenomeSpace, position: int
) -> dict[str, CategoricalDistribution | IntDistribution]:
    """Return the distributions of one searched node's choices, by parameter name."""
    sources = space.sources(position)
    of: dict[str, CategoricalDistribution | IntDistribution] = {
        op_name(position): CategoricalDistribution(space.ops),
        source_name(position): IntDistribution(sources[0], sources[-1]),
    }
    return {name: of[name] for name in node_names(space, position)}


def all_distributions(space: GenomeSpace) -> dict[str, BaseDistribution]:
    """Return every parameter that a genome of the space can have, deepest genome included."""
    found: dict[str, BaseDistribution] = {**layer_distributions(space)}
    for position in searched_positions(space, space.max_layers):
        found.update(node_distributions(space, position))
    return found


def searched_positions(space: GenomeSpace, n_layers: int) -> Iterator[int]:
    """Yield the positions of the nodes after the frozen prefix."""
    yield from range(len(space.frozen) + 1, n_layers + 1)


def suggest(
    trial: BaseTrial, name: str, distribution: CategoricalDistribution | IntDistribution
) -> int | str:
    """Return a parameter of a trial through the ordinary ``suggest_*`` methods."""
    if isinstance(distribution, IntDistribution):
        return trial.suggest_int(name, distribution.low, distribution.high)
    op = trial.suggest_categorical(name, distribution.choices)
    assert isinstance(op, str)  # the choices are op names
    return op
