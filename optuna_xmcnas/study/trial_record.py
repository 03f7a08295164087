"""What is written to a trial about its child, and how it is read back.

The attributes are plain ones, so that optuna-dashboard shows them as columns. The first part is
written before training, the second after it; a reader may meet either, both or none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from typing import TYPE_CHECKING

from optuna_xmcnas.exceptions import InvalidGenomeError
from optuna_xmcnas.genome import canonical_hash
from optuna_xmcnas.genome import Genome
from optuna_xmcnas.samplers import proposal_of


if TYPE_CHECKING:
    from optuna import Trial
    from optuna.trial import FrozenTrial


_FORMAT_KEY = "xmcnas_format"
_FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class TrialRecord:
    """A trial as far as its record goes.

    Attributes:
        number: The trial's number.
        genome: The architecture that was trained.
        parent: The trial whose genome was mutated; None for a random or given genome.
        mutation: What was done to the parent.
        seed: Seed of the child's weights, document order and dropout.
        metrics: Validation metrics by name (``P@5``, ...), shares from 0 to 1; empty if none yet.
        node_weights: Share of each node's output in the combination; None if they are not mixed.
        n_parameters: Trained weights of the child.
        seconds: Time of the training, evaluations included.
        peak_memory_bytes: Peak memory of the training.
        epochs: Epochs begun.
        stop_reason: Why the training ended.
        failure: Why there is no result.
    """

    number: int
    genome: Genome
    parent: int | None = None
    mutation: str | None = None
    seed: int | None = None
    metrics: Mapping[str, float]
    node_weights: tuple[float, ...] | None = None
    n_parameters: int | None = None
    seconds: float | None = None
    peak_memory_bytes: int | None = None
    epochs: int | None = None
    stop_reason: str | None = None
    failure: str | None = None


def begin_record(trial: Trial, genome: Genome, *, seed: int) -> None:
    """Write what is known before training."""
    proposal = proposal_of(trial)
    attributes = {
        _FORMAT_KEY: _FORMAT,
        "genome": genome.to_json(),
        "genome_hash": canonical_hash(genome),
        "parent": proposal.parent if proposal else None,
        "mutation": proposal.mutation if proposal else None,
        "seed": seed,
    }
    _write(trial, attributes)


def complete_record(
    trial: Trial,
    *,
    metrics: Mapping[str, float],
    node_weights: tuple[float, ...] | None,
    n_parameters: int,
    seconds: float,
    peak_memory_bytes: int,
    epochs: int,
    stop_reason: str,
) -> None:
    """Write what is known after training."""
    attributes = {
        **metrics,
        "node_weights": node_weights,
        "n_parameters": n_parameters,
        "seconds": seconds,
        "peak_memory_bytes": peak_memory_bytes,
        "epochs": epochs,
        "stop_reason": stop_reason,
    }
    _write(trial, attributes)


def fail_record(trial: Trial, reason: str) -> None:
    """Write why there is no result."""
    _write(trial, {"failure": reason})


def read_record(trial: FrozenTrial) -> TrialRecord | None:
    """Return what a trial's record says, or None if it has none that can be trusted."""
    attributes = trial.user_attrs
    if attributes.get(_FORMAT_KEY) != _FORMAT:
        return None
    try:
        genome = Genome.from_json(attributes["genome"])
    except (KeyError, TypeError, InvalidGenomeError):
        return None
    weights = attributes.get("node_weights")
    return TrialRecord(
        number=trial.number,
        genome=genome,
        metrics={
            name: float(value)
            for name, value in attributes.items()
            if "@" in name and isinstance(value, int | float)
        },
        node_weights=tuple(weights) if isinstance(weights, list | tuple) else None,
        **{name: attributes.get(name) for name in _PLAIN},
    )


_PLAIN = (
    "parent",
    "mutation",
    "seed",
    "n_parameters",
    "seconds",
    "peak_memory_bytes",
    "epochs",
    "stop_reason",
    "failure",
)


def _write(trial: Trial, attributes: Mapping[str, Any]) -> None:
    for name, value in attributes.items():
        trial.set_user_attr(name, value)
