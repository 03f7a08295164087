"""What a search, or one child, will cost: parameters, memory, seconds, and whether it fits."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace
import math
from typing import final
from typing import Literal
from typing import TYPE_CHECKING

import torch

from optuna_xmcnas.planning.constants import MARGIN
from optuna_xmcnas.planning.machine import available_memory
from optuna_xmcnas.planning.memory import memory_parts
from optuna_xmcnas.planning.memory import MemoryParts
from optuna_xmcnas.planning.memory import Sizes
from optuna_xmcnas.planning.parameters import count_parameters
from optuna_xmcnas.planning.parameters import ParameterCount
from optuna_xmcnas.planning.rehearsal import is_large
from optuna_xmcnas.planning.rehearsal import rehearse
from optuna_xmcnas.planning.space import representatives
from optuna_xmcnas.planning.suggestions import Suggestion
from optuna_xmcnas.planning.suggestions import suggestions
from optuna_xmcnas.planning.timing import estimate_pace
from optuna_xmcnas.planning.timing import measure_pace
from optuna_xmcnas.training import prediction_order
from optuna_xmcnas.training import resolve_device
from optuna_xmcnas.training import training_order


if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from optuna_xmcnas.child import ChildConfig
    from optuna_xmcnas.data import XmcDataset
    from optuna_xmcnas.genome import Genome
    from optuna_xmcnas.genome import GenomeSpace
    from optuna_xmcnas.planning.rehearsal import Rehearsal
    from optuna_xmcnas.planning.suggestions import Alternative
    from optuna_xmcnas.planning.timing import Pace
    from optuna_xmcnas.training import TrainingConfig


@dataclass(frozen=True, kw_only=True)
class PlanRequest:
    """What is asked for.

    Attributes:
        data: What would be trained on.
        child: The fixed parts of the children.
        training: How they would be trained.
        process_bytes: Resident size of this process before the data was read; what it has now
            beyond that is taken for the data.
        resident_bytes: Its resident size now; see `resident_memory`.
        budget_s: Seconds that timing may take, about.
    """

    data: XmcDataset
    child: ChildConfig
    training: TrainingConfig
    process_bytes: int
    resident_bytes: int
    budget_s: float = 14.0


@dataclass(frozen=True)
class Seconds:
    """A range: `low` where the training ends as early as its patience allows."""

    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class ChildPlan:
    """What one child costs.

    Attributes:
        role: ``"usual"`` and ``"largest"`` of a space, or ``"given"``.
        genome: Its searched part.
        parameters: What training changes.
        memory: The peak of its training, in parts.
        step_s: Seconds of a training step, on average.
        evaluation_s: Seconds of an evaluation.
        epoch_s: Seconds of an epoch without evaluations.
        child_s: Seconds of its training, evaluations included.
        is_measured: Whether seconds come from steps that were run.
    """

    role: Literal["usual", "largest", "given"]
    genome: Genome
    parameters: ParameterCount
    memory: MemoryParts
    step_s: float
    evaluation_s: float
    epoch_s: float
    child_s: Seconds
    is_measured: bool


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be expected.

    Attributes:
        children: The usual and the largest child of a space, or the one that was given.
        n_trials: Children of the search; None for one child.
        search_s: Seconds of the whole search with one worker; None for one child.
        device: Where it would run.
        limit: Bytes that the training may take there; None if nothing tells.
        verdict: Whether the largest child fits. ``"tight"`` is nearer to the limit than a
            prediction is certain.
        suggestions: What to change, if it does not fit or is tight.
    """

    children: tuple[ChildPlan, ...]
    n_trials: int | None
    search_s: Seconds | None
    device: torch.device
    limit: int | None
    verdict: Literal["fits", "tight", "does not fit", "unknown"]
    suggestions: tuple[Suggestion, ...]


def plan_search(request: PlanRequest, space: GenomeSpace, n_trials: int, *, seed: int = 0) -> Plan:
    """Predict the cost of a search, from a usual and the largest child of its space.

    Args:
        request: Data and settings.
        space: The genomes that are searched.
        n_trials: Children to be trained.
        seed: Of the random genomes among which the two are chosen.
    """
    planner = _Planner(request)
    usual, largest = representatives(
        space, request.child, vector_width=request.data.vectors.shape[1], seed=seed
    )
    children = (
        planner.child(usual, "usual", request.budget_s / 2),
        planner.child(largest, "largest", request.budget_s / 2),
    )
    first, last = (child.child_s for child in children)
    search_s = Seconds(n_trials * first.low, n_trials * max(first.high, last.high))
    return planner.plan(children, n_trials, search_s)


def plan_child(request: PlanRequest, genome: Genome) -> Plan:
    """Predict the cost of one child.

    Args:
        request: Data and settings.
        genome: Its searched part.
    """
    planner = _Planner(request)
    return planner.plan((planner.child(genome, "given", request.budget_s),), None, None)


@final
class _Planner:
    """The parts of a plan that its children have in common."""

    def __init__(self, request: PlanRequest) -> None:
        data, training = request.data, request.training
        self._request = request
        self._device = resolve_device(training.device)
        self._limit = available_memory(self._device)
        self._sizes = Sizes(
            process=request.process_bytes,
            data=max(0, request.resident_bytes - request.process_bytes),
            n_words=data.vectors.shape[0],
            vector_width=data.vectors.shape[1],
            n_labels=data.n_labels,
            longest_train=int(data.train.lengths.max()),
            longest_validation=int(data.validation.lengths.max()),
            n_train=len(data.train),
            n_validation=len(data.validation),
        )
        self._rehearsals: dict[tuple[Genome, ChildConfig, bool], Rehearsal] = {}

    def child(
        self, genome: Genome, role: Literal["usual", "largest", "given"], budget_s: float
    ) -> ChildPlan:
        request, training = self._request, self._request.training
        parameters = self._count(genome, request.child)
        memory = self._memory(genome, request.child, training, self._sizes)
        pace = self._pace(genome, parameters, memory, budget_s)
        lengths = request.data.train.lengths
        order = training_order(lengths, training.batch_size, seed=training.seed, epoch=1)
        epoch_s = pace.training(len(order), _padded(order, lengths))
        lengths = request.data.validation.lengths
        scored = prediction_order(lengths, 2 * training.batch_size)
        evaluation_s = pace.scoring(len(scored), _padded(scored, lengths))
        return ChildPlan(
            role=role,
            genome=genome,
            parameters=parameters,
            memory=memory,
            step_s=epoch_s / len(order),
            evaluation_s=evaluation_s,
            epoch_s=epoch_s,
            child_s=_training_seconds(epoch_s / len(order), len(order), evaluation_s, training),
            is_measured=pace.is_measured,
        )

    def plan(
        self, children: tuple[ChildPlan, ...], n_trials: int | None, search_s: Seconds | None
    ) -> Plan:
        largest = max(children, key=lambda child: child.memory.total)
        verdict = _verdict(largest.memory.total, self._limit)
        changes: tuple[Suggestion, ...] = ()
        if self._limit is not None and verdict != "fits":

            def peak_of(alternative: Alternative) -> int:
                sizes = replace(
                    self._sizes,
                    longest_train=min(self._sizes.longest_train, alternative.max_tokens),
                    longest_validation=min(self._sizes.longest_validation, alternative.max_tokens),
                )
                child, training = alternative.child, alternative.training
                return self._memory(largest.genome, child, training, sizes).total

            longest = max(self._sizes.longest_train, self._sizes.longest_validation)
            changes = suggestions(
                self._request.child,
                self._request.training,
                longest,
                peak_of=peak_of,
                present=largest.memory.total,
                limit=int(self._limit / (1 + MARGIN)),
            )
        return Plan(
            children=children,
            n_trials=n_trials,
            search_s=search_s,
            device=self._device,
            limit=self._limit,
            verdict=verdict,
            suggestions=changes,
        )

    def _count(self, genome: Genome, config: ChildConfig) -> ParameterCount:
        return count_parameters(
            genome,
            config,
            n_words=self._sizes.n_words,
            vector_width=self._sizes.vector_width,
            n_labels=self._sizes.n_labels,
        )

    def _memory(
        self, genome: Genome, config: ChildConfig, training: TrainingConfig, sizes: Sizes
    ) -> MemoryParts:
        n_documents = min(training.batch_size, sizes.n_train)
        key = (genome, config, is_large(config, n_documents, sizes.longest_train))
        if key not in self._rehearsals:
            self._rehearsals[key] = rehearse(
                genome,
                config,
                training,
                vector_width=sizes.vector_width,
                n_labels=sizes.n_labels,
                is_large=key[2],
            )
        return memory_parts(
            self._count(genome, config),
            self._rehearsals[key],
            sizes,
            training,
            is_on_host=self._device.type != "cuda",
        )

    def _pace(
        self, genome: Genome, parameters: ParameterCount, memory: MemoryParts, budget_s: float
    ) -> Pace:
        request, sizes = self._request, self._sizes
        if _verdict(memory.total, self._limit) in ("does not fit", "tight"):
            n_nodes = genome.n_layers if request.child.combine == "concat" else 1
            return estimate_pace(
                parameters,
                request.child,
                request.training,
                width=n_nodes * request.child.width,
                n_labels=sizes.n_labels,
            )
        lengths, training = request.data.train.lengths, request.training
        order = training_order(lengths, training.batch_size, seed=training.seed, epoch=1)
        return measure_pace(
            genome,
            request.child,
            training,
            vector_width=sizes.vector_width,
            n_labels=sizes.n_labels,
            n_tokens=max(2, round(_padded(order, lengths) / sizes.n_train)),
            budget_s=budget_s,
        )


def _padded(order: list[npt.NDArray[np.int64]], lengths: npt.NDArray[np.int64]) -> int:
    """Return the tokens of all batches, padding included."""
    return sum(len(documents) * int(lengths[documents].max()) for documents in order)


def _verdict(total: int, limit: int | None) -> Literal["fits", "tight", "does not fit", "unknown"]:
    if limit is None:
        return "unknown"
    if total > limit:
        return "does not fit"
    return "fits" if total * (1 + MARGIN) <= limit else "tight"


def _training_seconds(
    step_s: float, n_steps: int, evaluation_s: float, training: TrainingConfig
) -> Seconds:
    """Return how long a training takes: if patience ends it at once, and if nothing does."""
    every = training.evaluate_every or n_steps
    all_steps = n_steps * training.epochs
    all_evaluations = math.ceil(all_steps / every)
    fewest = min(training.patience + 1, all_evaluations)  # the first one is always a gain
    low = min(fewest * every, all_steps) * step_s + fewest * evaluation_s
    return Seconds(low, all_steps * step_s + all_evaluations * evaluation_s)
