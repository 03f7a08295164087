"""What a study has cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
import math
import re
import statistics
from typing import final
from typing import TYPE_CHECKING

from optuna.trial import TrialState

from optuna_xmcnas.analysis.amounts import duration
from optuna_xmcnas.analysis.estimates import Estimate
from optuna_xmcnas.analysis.estimates import estimate
from optuna_xmcnas.study import Ended


if TYPE_CHECKING:
    from optuna_xmcnas.analysis.history import History
    from optuna_xmcnas.analysis.history import Row


_LIFE = ("waiting", "running", "complete", "pruned", "fail", *Ended)
_STATES = {
    "waiting": "waiting",
    "running": "in training",
    "complete": "finished",
    "pruned": "pruned",
    "fail": "failed",
    Ended.LOST: "lost with their workers",
    Ended.INTERRUPTED: "interrupted",
    Ended.UNNEEDED: "not needed",
}
_LOST = "lost: "  # how a worker begins the reason of another one's trial
_LONGEST = 200  # characters of a reason


@final
@dataclass(frozen=True, kw_only=True)
class Spread:
    """The least, middle and greatest of some numbers.

    Attributes:
        least: The least.
        median: Half of the numbers are below.
        greatest: The greatest.
    """

    least: float
    median: float
    greatest: float


@final
@dataclass(frozen=True, kw_only=True)
class Costs:
    """What a study has cost.

    Attributes:
        states: Number of trials by state, in the order of a life: ``waiting``, ``running``,
            ``complete``, ``pruned``, ``fail``, and of those that failed by no fault of their
            children ``lost``, ``interrupted`` and ``unneeded``.
        n_children: Different children; one that was lost or interrupted and tried again counts
            once, and what was not needed was none.
        n_lost: Trials whose training time nobody knows: their workers died.
        child_seconds: Time of all trainings, also of those that failed, without those.
        wall_seconds: From the beginning of the first trial to the end of the last; None if
            none has ended.
        seconds: Training time of a finished child; None if there is none.
        n_parameters: Trained weights of a child; None if nobody wrote them down.
        peak_memory_bytes: Peak memory of a training; None likewise.
        devices: Number of trials by the device they were trained on, the most frequent first.
        failures: Number of trials in the state ``fail`` by reason, the most frequent first.
        sentence: All that in short.
    """

    states: Mapping[str, int]
    n_children: int
    n_lost: int
    child_seconds: float
    wall_seconds: float | None
    seconds: Estimate | None
    n_parameters: Spread | None
    peak_memory_bytes: Spread | None
    devices: Mapping[str, int]
    failures: Mapping[str, int]
    sentence: str


def costs_of(history: History) -> Costs:
    """Return what a study has cost.

    A trial whose training time nobody wrote down counts from its beginning to its end, unless it
    was lost with its worker: nobody knows when that was. One that runs does not count, nor one
    that was interrupted and went on from its checkpoint: the later trial has the time of both.

    Example:
        >>> import optuna
        >>> from optuna_xmcnas.analysis import read_history
        >>> costs_of(read_history(optuna.create_study())).child_seconds
        0.0
    """
    rows = history.rows
    counts = Counter(_state(row) for row in rows)
    records = [row.record for row in rows if row.record is not None]
    # time that a trial took over with a checkpoint is in its own
    taken_up = {
        row.origin: row.number
        for row in rows
        if row.record is not None
        and row.record.resumed_at_step is not None
        and row.record.seconds is not None
    }
    taken = [
        _seconds(row)
        for row in rows
        if row.state.is_finished() and row.number >= taken_up.get(row.origin, 0)
    ]
    seconds = [
        row.record.seconds
        for row in history.complete
        if row.record is not None and row.record.seconds is not None
    ]
    weights = {row.origin: row.record.n_parameters for row in rows if row.record is not None}
    devices = Counter(record.device for record in records if record.device is not None)
    found = Costs(
        states={str(state): counts[state] for state in _LIFE if counts[state]},
        n_children=len({row.origin for row in rows if row.ended_why is not Ended.UNNEEDED}),
        n_lost=sum(_is_lost(row) for row in rows),
        child_seconds=math.fsum(one for one in taken if one is not None),
        wall_seconds=_wall_seconds(rows),
        seconds=estimate(seconds) if seconds else None,
        n_parameters=_spread([one for one in weights.values() if one is not None]),
        peak_memory_bytes=_spread(
            [r.peak_memory_bytes for r in records if r.peak_memory_bytes is not None]
        ),
        devices=dict(devices.most_common()),
        failures=_failures(rows),
        sentence="",
    )
    return replace(found, sentence=_sentence(found))


def _seconds(row: Row) -> float | None:
    """Return how long a finished trial was trained; None if it was lost with its worker."""
    if row.record is not None and row.record.seconds is not None:
        return row.record.seconds
    if _is_lost(row) or row.ended_why is Ended.UNNEEDED:
        return None  # it ended when somebody noticed, or had nothing to train
    if row.began is None or row.ended is None:
        return None
    return max(0.0, (row.ended - row.began).total_seconds())


def _state(row: Row) -> str:
    """Return the state of a trial; if it failed by no fault of its child, why it did."""
    return str(row.ended_why or row.state.name.lower())


def _is_lost(row: Row) -> bool:
    """Return whether a trial ended nobody knows when."""
    if row.state != TrialState.FAIL or row.ended_why is not None:
        return row.ended_why is Ended.LOST
    # as an earlier version wrote it down
    failure = None if row.record is None else row.record.failure
    return failure is None or failure.startswith(_LOST)


def _wall_seconds(rows: Sequence[Row]) -> float | None:
    begun = [row.began for row in rows if row.began is not None]
    ended = [row.ended for row in rows if row.ended is not None]
    if not begun or not ended:
        return None
    return max(0.0, (max(ended) - min(begun)).total_seconds())


def _spread(numbers: Sequence[float]) -> Spread | None:
    if not numbers:
        return None
    return Spread(
        least=min(numbers), median=float(statistics.median(numbers)), greatest=max(numbers)
    )


def _failures(rows: Sequence[Row]) -> dict[str, int]:
    """Return how often each reason was given; reasons that differ by a number are the same."""
    shown: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for row in rows:
        if row.state != TrialState.FAIL or row.ended_why is not None:
            continue
        failure = None if row.record is None else row.record.failure
        if failure is None or not failure.strip():
            text = "no reason was written down"
        elif failure.startswith(_LOST):
            text = "lost with its worker"
        else:
            text = failure.strip().splitlines()[0][:_LONGEST]
        kind = re.sub(r"[0-9.,]+", "#", text)
        counts[shown.setdefault(kind, text)] += 1
    return dict(counts.most_common())


def _sentence(costs: Costs) -> str:
    if not costs.states:
        return "There are no trials."
    trials = sum(costs.states.values())
    states = ", ".join(f"{n} {_STATES[state]}" for state, n in costs.states.items())
    found = f"{trials} trial{'' if trials == 1 else 's'} ({states})"
    if costs.child_seconds:
        found += f"; {duration(costs.child_seconds)} of training"
        if costs.wall_seconds is not None:
            found += f" within {duration(costs.wall_seconds)}"
    if costs.seconds is not None:
        found += f", {duration(costs.seconds.mean)} for a finished child on average"
    found += "."
    if costs.n_lost:
        found += f" The time of {costs.n_lost} that were lost with their workers is not known."
    return found
