"""Everything that a report tells, computed once."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final
from typing import TYPE_CHECKING

from optuna_xmcnas.analysis import Convergence
from optuna_xmcnas.analysis import convergence_of
from optuna_xmcnas.analysis import Costs
from optuna_xmcnas.analysis import costs_of
from optuna_xmcnas.analysis import Estimate
from optuna_xmcnas.analysis import estimate
from optuna_xmcnas.analysis import family_tree
from optuna_xmcnas.analysis import FamilyTree
from optuna_xmcnas.analysis import History
from optuna_xmcnas.analysis import Measure
from optuna_xmcnas.analysis import measure_of
from optuna_xmcnas.analysis import Noise
from optuna_xmcnas.analysis import noise_of
from optuna_xmcnas.analysis import population_over_time
from optuna_xmcnas.analysis import PopulationOverTime
from optuna_xmcnas.analysis import Row


if TYPE_CHECKING:
    from optuna_xmcnas.study import CurvePoint


@final
@dataclass(frozen=True, kw_only=True)
class Confirmed:
    """A network of the search after its trainings with fresh seeds.

    Attributes:
        row: The best trial of it in the search.
        score: Its values in the confirmation.
    """

    row: Row
    score: Estimate


@final
@dataclass(frozen=True, kw_only=True)
class Findings:
    """What is known of a study.

    Attributes:
        history: Its trials.
        confirmation: Those of the study in which it was confirmed; None if there is none.
        measure: What its values are.
        confirmed: The networks that were trained again, the best mean first.
        winner: The trial that the study found best; None if no child has finished.
        population: The population, child by child.
        tree: Who came from whom.
        convergence: Learning curves.
        noise: How much trainings of one network differ.
        costs: Times, memory, failures.
    """

    history: History
    confirmation: History | None
    measure: Measure
    confirmed: tuple[Confirmed, ...]
    winner: Row | None
    population: PopulationOverTime
    tree: FamilyTree
    convergence: Convergence
    noise: Noise
    costs: Costs

    @property
    def winner_confirmed(self) -> Estimate | None:
        """What the winner is worth by its trainings with fresh seeds."""
        for one in self.confirmed:
            if self.winner is not None and one.row.identity == self.winner.identity:
                return one.score
        return None

    @property
    def winner_on_test(self) -> Mapping[str, float]:
        """Test metrics of the winner; empty if nobody has judged it."""
        return {} if self.winner is None else self.history.test.get(self.winner.number, {})

    def row(self, number: int | None) -> Row | None:
        """Return the trial of a number, if there is one."""
        if number is None:
            return None
        return next((row for row in self.history.rows if row.number == number), None)


def find(
    history: History,
    confirmation: History | None,
    curves: Mapping[str, Sequence[CurvePoint]],
) -> Findings:
    """Return what is known of a study."""
    confirmed = confirmed_networks(history, confirmation)
    winner = confirmed[0].row if confirmed else history.best
    return Findings(
        history=history,
        confirmation=confirmation,
        measure=measure_of(history),
        confirmed=confirmed,
        winner=winner,
        population=population_over_time(history),
        tree=family_tree(history, winner=winner),
        convergence=convergence_of(history, winner=winner, others=curves),
        noise=noise_of(history, confirmation=confirmation),
        costs=costs_of(history),
    )


def confirmed_networks(history: History, confirmation: History | None) -> tuple[Confirmed, ...]:
    """Return the networks of a search that were trained again, the best mean first.

    As where a search is judged, what has clearly fewer trainings than others is left out: a mean
    of few is luck again.
    """
    sign = 1.0 if history.maximize else -1.0
    best: dict[str, Row] = {}
    for row in sorted(history.complete, key=lambda row: (-sign * (row.value or 0.0), row.number)):
        if row.identity is not None:
            best.setdefault(row.identity, row)
    values: dict[str, list[float]] = {}
    for row in confirmation.complete if confirmation is not None else ():
        if row.identity in best and row.value is not None:
            values.setdefault(row.identity, []).append(row.value)
    most = max(map(len, values.values()), default=0)
    found = [
        Confirmed(row=best[identity], score=estimate(known))
        for identity, known in values.items()
        if len(known) >= most - 1
    ]
    return tuple(sorted(found, key=lambda one: (-sign * one.score.mean, one.row.number)))
