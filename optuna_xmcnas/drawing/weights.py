"""The shares of the nodes' outputs, and the path that they single out."""

from __future__ import annotations

from collections.abc import Sequence
import math

from optuna_xmcnas.genome import Genome


_ROUNDING = 1e-6  # of single precision, in which shares are computed


def check_weights(genome: Genome, node_weights: Sequence[float] | None) -> None:
    """Raise ValueError unless there is one finite weight per node, or none at all."""
    if node_weights is None:
        return
    if len(node_weights) != genome.n_layers:
        raise ValueError(
            f"`node_weights` must have one share for each of {genome.n_layers} nodes; "
            f"got {len(node_weights)}."
        )
    if not all(math.isfinite(weight) for weight in node_weights):
        raise ValueError(f"`node_weights` must be finite; got {list(node_weights)}.")


def fitting_weights(
    genome: Genome, node_weights: Sequence[float] | None
) -> tuple[float, ...] | None:
    """Return the weights if there is one share for each node, else None.

    For weights from a storage, where anything may be: what is returned can be drawn.

    Example:
        >>> genome = Genome.from_text("1:bilstm(0) 2:conv3(0)")
        >>> fitting_weights(genome, [0.25, 0.75])
        (0.25, 0.75)
        >>> fitting_weights(genome, [1.0])
    """
    if node_weights is None or len(node_weights) != genome.n_layers:
        return None
    are_shares = all(0 <= weight <= 1 + _ROUNDING for weight in node_weights)
    return tuple(node_weights) if are_shares else None


def winning_path(genome: Genome, node_weights: Sequence[float] | None) -> tuple[int, ...]:
    """Return the nodes from the embedding to the one with the largest share.

    Empty if nothing is known, or if several nodes share the first place.

    Example:
        >>> winning_path(Genome.from_text("1:bilstm(0) 2:conv3(0) 3:conv5(1)"), [0.3, 0.2, 0.5])
        (1, 3)
    """
    if node_weights is None:
        return ()
    largest = max(node_weights)
    winners = [i for i, weight in enumerate(node_weights, start=1) if weight == largest]
    if len(winners) > 1:
        return ()
    path: list[int] = []
    position = winners[0]
    while position:
        path.insert(0, position)
        position = genome.nodes[position - 1].source
    return tuple(path)
