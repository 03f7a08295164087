"""What is written to a trial about its child, and how it is read back.

The attributes are plain ones, so that optuna-dashboard shows them as columns. They are written in
three parts: before the child is made, before it is trained, and after that. A worker can die
between any two attributes, and anybody can write others, so a reader takes what it can trust.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import TYPE_CHECKING

from optuna.trial import TrialState

from optuna_xmcnas.genome import canonical_hash
from optuna_xmcnas.genome import Genome
from optuna_xmcnas.samplers import proposal_of
from optuna_xmcnas.study.checked import count
from optuna_xmcnas.study.checked import number
from optuna_xmcnas.study.checked import numbers
from optuna_xmcnas.study.checked import text
from optuna_xmcnas.study.curve import curve_from_record
from optuna_xmcnas.study.curve import curve_to_record
from optuna_xmcnas.study.curve import CurvePoint


if TYPE_CHECKING:
    from optuna import Trial
    from optuna.trial import FrozenTrial


_FORMAT_KEY = "xmcnas_format"
_FORMAT = 1
_LONGEST_REASON = 2000  # characters; MySQL refuses texts of 64 KiB


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
        device: Where the child was trained, and how much memory there is.
        resumed_at_step: After how many steps the training was taken up; None if it was begun.
        curve: Validation along the training; of one that was taken up, from there on.
        software: Versions of the programs that trained it.
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
    device: str | None = None
    resumed_at_step: int | None = None
    curve: tuple[CurvePoint, ...] | None = None
    software: str | None = None


def begin_record(trial: Trial, genome: Genome, *, seed: int) -> None:
    """Write what is known before the child is made."""
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


def child_record(trial: Trial, *, n_parameters: int, device: str, software: str) -> None:
    """Write what is known before training: it stays if the system ends the process for its size.

    Args:
        trial: The trial.
        n_parameters: Trained weights of the child.
        device: Where it will be trained, and how much memory there is.
        software: Versions of the programs that will train it.
    """
    _write(trial, {"n_parameters": n_parameters, "device": device, "software": software})


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
    resumed_at_step: int | None = None,
    curve: Sequence[CurvePoint] = (),
) -> None:
    """Write what is known after training."""
    attributes: dict[str, Any] = {
        **metrics,
        "node_weights": node_weights,
        "n_parameters": n_parameters,
        "seconds": seconds,
        "peak_memory_bytes": peak_memory_bytes,
        "epochs": epochs,
        "stop_reason": stop_reason,
        "curve": curve_to_record(curve),
    }
    if resumed_at_step is not None:
        attributes["resumed_at_step"] = resumed_at_step
    _write(trial, attributes)


def fail_record(trial: Trial, reason: str) -> None:
    """Write why there is no result."""
    _write(trial, {"failure": reason[:_LONGEST_REASON]})


def read_record(trial: FrozenTrial) -> TrialRecord | None:
    """Return what a trial's record says, or None if it has none that can be trusted.

    Whatever the attributes are, this does not fail: one of a wrong type counts as missing.
    """
    attributes = trial.user_attrs
    if attributes.get(_FORMAT_KEY) != _FORMAT:
        return None
    try:
        genome = Genome.from_json(attributes["genome"])
    except (KeyError, TypeError, ValueError, RecursionError):  # JSON can be nested too deep
        return None
    metrics = {name: number(value) for name, value in attributes.items() if "@" in name}
    return TrialRecord(
        number=trial.number,
        genome=genome,
        parent=count(attributes.get("parent")),
        mutation=text(attributes.get("mutation")),
        seed=count(attributes.get("seed")),
        metrics={name: value for name, value in metrics.items() if value is not None},
        node_weights=numbers(attributes.get("node_weights")),
        n_parameters=count(attributes.get("n_parameters")),
        seconds=number(attributes.get("seconds")),
        peak_memory_bytes=count(attributes.get("peak_memory_bytes")),
        epochs=count(attributes.get("epochs")),
        stop_reason=text(attributes.get("stop_reason")),
        # A worker that was taken for dead, and was not, may have completed its trial.
        failure=None if trial.state == TrialState.COMPLETE else text(attributes.get("failure")),
        device=text(attributes.get("device")),
        resumed_at_step=count(attributes.get("resumed_at_step")),
        curve=curve_from_record(attributes.get("curve")),
        software=text(attributes.get("software")),
    )


def _write(trial: Trial, attributes: Mapping[str, Any]) -> None:
    for name, value in attributes.items():
        trial.set_user_attr(name, value)
