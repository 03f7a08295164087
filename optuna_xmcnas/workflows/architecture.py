"""Which architecture is trained in full: one that is known, one in a file, or one of a study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
import logging
from pathlib import Path
from typing import Any
from typing import TYPE_CHECKING

from optuna.trial import TrialState

from optuna_xmcnas.child import KNOWN_CHILDREN
from optuna_xmcnas.child import op_names
from optuna_xmcnas.exceptions import InvalidGenomeError
from optuna_xmcnas.genome import canonical_hash
from optuna_xmcnas.genome import Genome
from optuna_xmcnas.genome import is_genome_text
from optuna_xmcnas.genome import KNOWN_GENOMES
from optuna_xmcnas.genome import read_genome
from optuna_xmcnas.study import best_of
from optuna_xmcnas.study import find_trial
from optuna_xmcnas.workflows.confirm import confirmed_of
from optuna_xmcnas.workflows.repeats import network_of


if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

    from optuna_xmcnas.genome import GenomeSpace
    from optuna_xmcnas.study import TrialRecord


_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """A genome, and where it is from.

    Attributes:
        name: What people call it.
        genome: The nodes.
        child: Changes to the `ChildConfig` that it is trained with, where nothing else is said.
        score: Its validation P@5 where it was found, in words; "" if it was not searched.
    """

    name: str
    genome: Genome
    child: Mapping[str, Any] = field(default_factory=dict)
    score: str = ""

    def __post_init__(self) -> None:
        unknown = {node.op for node in self.genome.nodes}.difference(op_names())
        if unknown:
            raise InvalidGenomeError(
                f"{self.name} has operations without a layer: {', '.join(sorted(unknown))}; "
                f"known: {', '.join(op_names())}. Import the module that registers them."
            )


def named_architecture(name: str) -> Architecture:
    """Return the architecture that a name, a file or a text stands for.

    Args:
        name: See :func:`optuna_xmcnas.genome.read_genome`.

    Raises:
        InvalidGenomeError: If it is none of them, or has an operation without a layer.

    Example:
        >>> named_architecture("attentionxml").genome
        Genome(nodes=(Node(op='bilstm', source=0),))
        >>> print(named_architecture("1:conv3(0) 2:bilstm(1)").genome)
        1:conv3(0) 2:bilstm(1)
    """
    genome = read_genome(name)
    if name in KNOWN_GENOMES:
        return Architecture(name=name, genome=genome, child=KNOWN_CHILDREN[name])
    if is_genome_text(name):
        return Architecture(name=f"genome {canonical_hash(genome)[:8]}", genome=genome)
    return Architecture(name=Path(name).name, genome=genome)


def architecture_of_trial(study: Study, number: int) -> Architecture:
    """Return the architecture of a trial.

    Raises:
        InvalidGenomeError: If there is no such trial, or nobody wrote down its genome.
    """
    return _of_trial(study, *find_trial(study, number))


def best_architecture(study: Study, storage: BaseStorage, space: GenomeSpace) -> Architecture:
    """Return the winner of confirming a study, or its best trial if nobody has confirmed it.

    Raises:
        InvalidGenomeError: If no child is finished.
    """
    best = best_of(t for t in study.get_trials(deepcopy=False) if t.state == TrialState.COMPLETE)
    confirmed = confirmed_of(study, storage, space)
    networks = {canonical_hash(one.contender.genome) for one in confirmed}
    if confirmed and best is not None and network_of(best, space) not in networks:
        _LOGGER.warning(
            "trial %d of %s has the best score and was not confirmed; `confirm` trains it again.",
            best.number,
            study.study_name,
        )
    for one in confirmed[:1]:
        half = "" if one.half_width is None else f" ± {100 * one.half_width:.2f}"
        return Architecture(
            name=f"trial {one.contender.trial} of {study.study_name}, confirmed",
            genome=one.contender.genome,
            score=f"{100 * one.mean:.2f}{half} ({len(one.values)} trainings)",
        )
    if best is None:
        raise InvalidGenomeError(
            f"study {study.study_name!r} has no finished child; search first."
        )
    return _of_trial(study, *find_trial(study, best.number))


def _of_trial(study: Study, trial: FrozenTrial, record: TrialRecord) -> Architecture:
    score = "" if not trial.values else f"{100 * trial.values[0]:.2f} (one training)"
    return Architecture(
        name=f"trial {trial.number} of {study.study_name}", genome=record.genome, score=score
    )
