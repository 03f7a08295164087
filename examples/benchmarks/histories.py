"""What the histories of many searches say, in figures and in text; not a script of its own."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
import json
from pathlib import Path
from typing import Any
from typing import final

import numpy as np


CHECKPOINTS = (30, 50, 70, 150, 300, 500)
MARK = 70  # evaluations: the length of a search in XMC-NAS
BASE = "evolution"  # what the others are compared with
RIVAL = "tpe"


@final
class Incumbent:
    """The evaluated network with the best observed score, as a search goes on.

    Attributes:
        merit: What the incumbent is worth; NaN while there is none.
    """

    def __init__(self) -> None:
        self._best_seen = -np.inf
        self.merit = np.nan

    def challenge(self, seen: float, merit: float) -> None:
        """Replace the incumbent if the search has seen a better score."""
        if seen > self._best_seen:
            self._best_seen, self.merit = seen, merit


@dataclass(frozen=True, kw_only=True)
class History:
    """One search.

    Args:
        seed: Of the sampler and of the noise.
        merits: The merit of the incumbent after each evaluation.
        cpu_ms: CPU milliseconds per proposal, Optuna's own included.
    """

    seed: int
    merits: tuple[float, ...]
    cpu_ms: float


@dataclass(frozen=True, kw_only=True)
class Result:
    """All searches of one sampler on one table, equally long and with different seeds."""

    table: str
    sampler: str
    histories: tuple[History, ...]

    def __post_init__(self) -> None:
        seeds = [history.seed for history in self.histories]
        repeated = sorted({seed for seed in seeds if seeds.count(seed) > 1})
        if repeated:
            raise ValueError(
                f"{self.sampler} on {self.table} must have one search per seed; "
                f"got several of {', '.join(map(str, repeated))}."
            )
        lengths = sorted({len(history.merits) for history in self.histories})
        if len(lengths) != 1:
            raise ValueError(
                f"the searches of {self.sampler} on {self.table} must be equally long; "
                f"got {lengths} evaluations."
            )

    @property
    def merits(self) -> np.ndarray:
        """Merits of the incumbents, shape (seeds, evaluations)."""
        return np.array([history.merits for history in self.histories])

    @property
    def n_evaluations(self) -> int:
        """How long each search is."""
        return len(self.histories[0].merits)

    @property
    def cpu_ms(self) -> float:
        """CPU milliseconds per proposal, the median over the searches: the first ones import."""
        return float(np.median([history.cpu_ms for history in self.histories]))


def mean_and_error(merits: np.ndarray) -> tuple[float, float]:
    """Return the mean over seeds and its standard error, which is NaN for a single seed."""
    return float(merits.mean()), deviation(merits) / len(merits) ** 0.5


def deviation(merits: np.ndarray) -> float:
    """Return the standard deviation over seeds; NaN for a single seed."""
    return float(merits.std(ddof=1)) if len(merits) > 1 else np.nan


def evaluations_to(goal: float, merits: np.ndarray) -> int | None:
    """Return when the mean over seeds first reaches a goal; None if it does not.

    Args:
        goal: A merit.
        merits: Shape (seeds, evaluations).
    """
    reached = np.flatnonzero(merits.mean(axis=0) >= goal)
    return int(reached[0]) + 1 if len(reached) else None


def difference_in_errors(merits: np.ndarray, others: np.ndarray) -> float:
    """Return the difference of two means in standard errors of the difference."""
    (mean, error), (other, other_error) = mean_and_error(merits), mean_and_error(others)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.divide(mean - other, np.hypot(error, other_error)))


def joined(results: Iterable[Result]) -> list[Result]:
    """Return one result per table and sampler, whose seeds may have come in several parts."""
    found: dict[tuple[str, str], tuple[History, ...]] = {}
    for result in results:
        key = (result.table, result.sampler)
        found[key] = (*found.get(key, ()), *result.histories)
    return [
        Result(table=table, sampler=sampler, histories=histories)
        for (table, sampler), histories in found.items()
    ]


def write_results(path: Path, results: Iterable[Result]) -> None:
    """Write results as JSON text, one line each, merits rounded to four decimals."""
    lines = (
        json.dumps(
            {
                "table": result.table,
                "sampler": result.sampler,
                "seeds": [history.seed for history in result.histories],
                "cpu_ms": [round(history.cpu_ms, 4) for history in result.histories],
                "merits": result.merits.round(4).tolist(),
            }
        )
        for result in results
    )
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def read_results(path: Path) -> list[Result]:
    """Return the results that :func:`write_results` wrote."""
    return [_result(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def _result(record: dict[str, Any]) -> Result:
    parts = zip(record["seeds"], record["merits"], record["cpu_ms"], strict=True)
    return Result(
        table=record["table"],
        sampler=record["sampler"],
        histories=tuple(
            History(seed=seed, merits=tuple(merits), cpu_ms=cpu_ms)
            for seed, merits, cpu_ms in parts
        ),
    )


def checkpoints(n_evaluations: int) -> list[int]:
    """Return after how many evaluations to look at searches of some length."""
    return [n for n in CHECKPOINTS if n <= n_evaluations] or [n_evaluations]


def heading(table: str, columns: Sequence[int]) -> str:
    """Return the line above those of :func:`line`."""
    cells = "".join(f"{f'after {n}':>18}" for n in columns)
    return f"{table:<20}{'seeds':>8}{cells}{'CPU ms':>10}"


def line(result: Result, columns: Sequence[int]) -> str:
    """Return what a sampler's incumbents are worth after so many evaluations."""
    cells = []
    for n in columns:
        if n > result.n_evaluations:
            cells.append("-")
            continue
        mean, error = mean_and_error(result.merits[:, n - 1])
        cells.append(f"{mean:.3f} ± {error:.3f}")
    seeds = len(result.histories)
    texts = "".join(f"{cell:>18}" for cell in cells)
    return f"{result.sampler:<20}{seeds:>8}{texts}{result.cpu_ms:>10.1f}"


def comparison(results: Sequence[Result]) -> Iterator[str]:
    """Yield how the samplers on one table compare; nothing without the one they are compared to.

    The columns: after how many evaluations the mean is what the base reaches at the mark, that
    number as a share of the mark, the difference to the base in its seed standard deviations (one
    column per checkpoint from the mark on), and the difference to the rival at the mark in
    standard errors of the difference.
    """
    by_name = {result.sampler: result for result in results}
    base, rival = by_name.get(BASE), by_name.get(RIVAL)
    if base is None:
        return
    mark = min(MARK, *(result.n_evaluations for result in results))
    later = [n for n in checkpoints(base.n_evaluations) if n >= mark] or [mark]
    goal, _ = mean_and_error(base.merits[:, mark - 1])
    spreads = ", ".join(f"{deviation(base.merits[:, n - 1]):.3f} after {n}" for n in later)
    yield ""
    yield f"{BASE} after {mark}: {goal:.3f}; seed standard deviation {spreads}"
    heads = ["evaluations", f"/ {mark}", *(f"- {BASE} at {n}, sd" for n in later)]
    heads.append(f"- {RIVAL} at {mark}, errors")
    yield f"{'':<20}{''.join(f'{head:>24}' for head in heads)}"
    for result in results:
        needed = evaluations_to(goal, result.merits)
        cells = ["never", "-"] if needed is None else [str(needed), f"{needed / mark:.2f}"]
        cells += [_in_deviations(result, base, n) for n in later]
        cells.append("-" if rival in (None, result) else _in_errors(result, rival, mark))
        yield f"{result.sampler:<20}{''.join(f'{cell:>24}' for cell in cells)}"


def _in_deviations(result: Result, base: Result, n: int) -> str:
    if result is base or n > result.n_evaluations:
        return "-"
    difference = result.merits[:, n - 1].mean() - base.merits[:, n - 1].mean()
    spread = deviation(base.merits[:, n - 1])
    return f"{difference / spread:+.2f}" if spread > 0 else "-"


def _in_errors(result: Result, rival: Result | None, n: int) -> str:
    assert rival is not None
    return f"{difference_in_errors(result.merits[:, n - 1], rival.merits[:, n - 1]):+.1f}"


def report(results: Sequence[Result]) -> Iterator[str]:
    """Yield the lines of all tables."""
    for table in dict.fromkeys(result.table for result in results):
        here = [result for result in results if result.table == table]
        columns = checkpoints(max(result.n_evaluations for result in here))
        yield ""
        yield heading(table, columns)
        yield from (line(result, columns) for result in here)
        yield from comparison(here)
