"""Histories and studies to analyse, made in no time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from datetime import timedelta
from functools import cache
import math
import random
import re
from typing import Any

import optuna
from optuna.samplers import BaseSampler
from optuna.samplers import TPESampler
from optuna.trial import TrialState

from optuna_xmcnas import Genome
from optuna_xmcnas import GenomeSpace
from optuna_xmcnas import RegularizedEvolutionSampler
from optuna_xmcnas.analysis import History
from optuna_xmcnas.analysis import Phase
from optuna_xmcnas.analysis import Row
from optuna_xmcnas.genome import canonical_hash
from optuna_xmcnas.genome import KNOWN_GENOMES
from optuna_xmcnas.genome import Node
from optuna_xmcnas.study import begin_record
from optuna_xmcnas.study import complete_record
from optuna_xmcnas.study import CurvePoint
from optuna_xmcnas.study import Ended
from optuna_xmcnas.study import fail_record
from optuna_xmcnas.study import join_study
from optuna_xmcnas.study import StudyConfig
from optuna_xmcnas.study import TrialRecord
from optuna_xmcnas.study.trial_record import child_record


BEGIN = datetime(2026, 1, 1, 12)
SPACE = GenomeSpace(min_layers=1)
FAILURE = "ran out of memory: CUDA out of memory. Tried to allocate 20.00 GiB"

_STRENGTH = {"bilstm": 1.6, "bigru": 1.1, "conv7": 0.5, "conv5": 0.3, "conv3": 0.1}


def make_genome(text: str) -> Genome:
    """Return the genome of ``bilstm(0) conv3(1)``, numbers before the ops allowed."""
    found = re.findall(r"([a-z]\w*)\((\d+)\)", text)
    return Genome(tuple(Node(op, int(source)) for op, source in found))


def make_row(
    number: int,
    value: float | None = None,
    genome: str | Genome | None = "bilstm(0)",
    *,
    phase: Phase | None = None,
    parent: int | None = None,
    mutation: str | None = None,
    state: TrialState | None = None,
    began: datetime | None = None,
    ended: datetime | None = None,
    origin: int | None = None,
    metrics: dict[str, float] | None = None,
    ended_why: Ended | None = None,
    **record: Any,
) -> Row:
    """Return a trial; complete if it has a value, otherwise failed, if nothing else is said.

    Args:
        number: Its number; its training takes the minute of that number.
        value: Its value, which its record calls P@5.
        genome: Its architecture; None makes a trial without a record.
        phase: Without one, it is evolved if it has a parent, and random if not.
        parent: Its parent.
        mutation: ``swap_op`` if it has a parent and nothing else is said.
        state: Its state.
        began: Its beginning.
        ended: Its end.
        origin: Number of the trial it goes on with; its own by default.
        metrics: Its metrics, P@5 by default.
        ended_why: Why a worker failed it by no fault of its child.
        **record: More fields of its record.
    """
    if state is None:
        state = TrialState.FAIL if value is None else TrialState.COMPLETE
    if genome is not None and not isinstance(genome, Genome):
        genome = make_genome(genome)
    if phase is None:
        phase = Phase.RANDOM if parent is None else Phase.EVOLVED
    began = began or BEGIN + timedelta(minutes=number)
    if ended is None and state.is_finished():
        ended = began + timedelta(minutes=1)
    if metrics is None:
        metrics = {} if value is None else {"P@5": value}
    found = None
    if genome is not None:
        found = TrialRecord(
            number=number,
            genome=genome,
            parent=parent,
            mutation=mutation or ("swap_op" if parent is not None else None),
            metrics=metrics,
            **record,
        )
    return Row(
        number=number,
        state=state,
        value=value,
        phase=phase,
        record=found,
        began=began,
        ended=ended,
        origin=number if origin is None else origin,
        identity=None if genome is None else canonical_hash(genome),
        ended_why=ended_why,
    )


def make_history(
    rows: Iterable[Row],
    *,
    name: str = "mine",
    maximize: bool = True,
    population_size: int | None = None,
    **more: Any,
) -> History:
    """Return a history of trials that finished in the order of their numbers."""
    known = tuple(sorted(rows, key=lambda row: row.number))
    return History(
        name=name,
        maximize=maximize,
        rows=known,
        finished_order=tuple(row.number for row in known if row.value is not None),
        population_size=population_size,
        **{"test": {}, **more},
    )


@cache
def make_study(n: int, *, seed: int = 0, sampler: str = "evolution") -> optuna.Study:
    """Return a study of simulated trainings, with records as a search writes them.

    A BiLSTM on the embedding is good, what is far from it weighs little, one training in thirty
    fails. The first trial is AttentionXML-1. The clocks say that two workers took turns.

    Args:
        n: How many trials.
        seed: Of everything.
        sampler: ``evolution`` or ``tpe``.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    rng = random.Random(seed)
    section: dict[str, Any] = {"name": sampler}
    chosen: BaseSampler = TPESampler(seed=seed, n_ei_candidates=4)
    if sampler == "evolution":
        section["population_size"] = 20
        chosen = RegularizedEvolutionSampler(
            space=SPACE, population_size=20, sample_size=5, seed=seed
        )
    study = optuna.create_study(direction="maximize", sampler=chosen)
    config = StudyConfig({"space": {"ops": list(SPACE.ops)}, "sampler": section})
    if n:
        study.enqueue_trial(SPACE.to_params(KNOWN_GENOMES["attentionxml"]))
    for number in range(n):
        trial = study.ask()
        genome = SPACE.suggest(trial)
        begin_record(trial, genome, seed=number)
        child_record(trial, n_parameters=_parameters(genome), device="cuda:0 GPU", software="")
        if number % 30 == 29:
            fail_record(trial, FAILURE)
            study.tell(trial, state=TrialState.FAIL)
            continue
        study.tell(trial, _train(trial, genome, rng))
    return _with_clocks(study, config, n)


def _train(trial: optuna.Trial, genome: Genome, rng: random.Random) -> float:
    readers = [node.op for node in genome.nodes if node.source == 0]
    reached = max(_STRENGTH.get(op, 0.0) for op in readers)
    value = 0.5 + 0.05 * reached + 0.004 * len(readers) + rng.gauss(0.0, 0.004)
    depths = [0]
    for node in genome.nodes:
        depths.append(depths[node.source] + 1)
    raw = [
        math.exp(_STRENGTH.get(node.op, 0.0) - 0.7 * depth + rng.gauss(0.0, 0.2))
        for node, depth in zip(genome.nodes, depths[1:], strict=True)
    ]
    speed = 0.2 + 0.1 * len(readers)
    curve = [
        CurvePoint(float(epoch), 100 * epoch, score, 0.05 + score)
        for epoch in range(1, 16)
        for score in [value * (1 - math.exp(-speed * epoch))]
    ]
    complete_record(
        trial,
        metrics={"P@1": min(1.0, value + 0.2), "P@5": value, "nDCG@5": value + 0.05},
        node_weights=tuple(weight / sum(raw) for weight in raw),
        n_parameters=_parameters(genome),
        seconds=60.0 + 30.0 * genome.n_layers,
        peak_memory_bytes=10**9,
        epochs=15,
        stop_reason="epochs",
        curve=curve,
    )
    return value


def _parameters(genome: Genome) -> int:
    return 1_000_000 * (1 + sum(node.op.startswith("bi") for node in genome.nodes))


def _with_clocks(study: optuna.Study, config: StudyConfig, n: int) -> optuna.Study:
    """Return the same study on two workers whose trainings took as long as the records say."""
    copy = optuna.create_study(study_name="simulated", direction="maximize")
    join_study(copy, config)
    free = [BEGIN, BEGIN + timedelta(seconds=20)]
    for trial in study.get_trials(deepcopy=False):
        worker = trial.number % 2
        trial.datetime_start = free[worker]
        seconds = trial.user_attrs.get("seconds", 30.0)
        trial.datetime_complete = free[worker] = free[worker] + timedelta(seconds=seconds)
        copy.add_trial(trial)
    return copy
