"""The figures on a study's page of optuna-dashboard, and its note."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from dataclasses import replace
import math
import time
from typing import final
from typing import TYPE_CHECKING

from optuna.study import StudyDirection
from optuna.trial import TrialState

from optuna_xmcnas.analysis import read_history
from optuna_xmcnas.dashboard.figures import save_figures
from optuna_xmcnas.dashboard.note import save_study_note
from optuna_xmcnas.dashboard.turn import Turn
from optuna_xmcnas.study import best_of


if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

    from optuna_xmcnas.analysis import History
    from optuna_xmcnas.analysis import Row
    from optuna_xmcnas.dashboard.failures import Failures


@final
class Gallery:
    """Keeps the figures and the note of one study up to date, by turns with other workers.

    Args:
        study: The study.
        every_s: Seconds between two refreshes, at least.
        failures: Keeps what goes wrong with the note from the figures.
        clock: Of this process; never goes back.
    """

    def __init__(
        self,
        study: Study,
        every_s: float,
        failures: Failures,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._study = study
        self._failures = failures
        self._turn = Turn(every_s, clock)
        self._rows: dict[int, Row] = {}  # of finished trials, without their curves
        self._maximize = True  # as soon as there is a best value, whether the study does
        self._best: float | None = None  # the best value that we know of
        self._noted: int | None = None  # the trial that the note is about
        self._has_drawn = False  # whether optuna-dashboard was loaded for it

    @property
    def may_change(self) -> bool:
        """Whether it may be time for a refresh; costs nothing."""
        return self._turn.may_be

    def is_new_best(self, score: float) -> bool:
        """Return whether a score is better than all in the study.

        Never before this worker had its first turn: it would load optuna-dashboard for a note.
        """
        if not self._has_drawn or not self._is_better(score):
            return False
        self._find_best(self._study.get_trials(deepcopy=False))  # of other workers, too; rare
        if not self._is_better(score):
            return False
        self._best = score
        return True

    def refresh(self, *, force: bool = False) -> None:
        """Draw the figures, if it is our turn and trials have ended since they were drawn."""
        self._turn.begin()
        trials = self._study.get_trials(deepcopy=False)
        best = self._find_best(trials)
        n_finished = sum(trial.state.is_finished() for trial in trials)
        number = None if best is None else best.number
        if not n_finished or not self._turn.take(self._study, n_finished, number, force=force):
            return
        is_drawn = False
        try:
            with self._turn.uncounted():
                import optuna_dashboard  # noqa: F401  # takes a second or two, once
            history = read_history(self._study, known=self._rows)
            self._keep(history)
            save_figures(self._study, history)
            is_drawn = self._has_drawn = True
            with self._failures.ignored("the note of the study is not written"):
                self._write_note(history)
        finally:
            self._turn.end(is_drawn=is_drawn)

    def _find_best(self, trials: Iterable[FrozenTrial]) -> FrozenTrial | None:
        self._maximize = self._study.directions[0] == StudyDirection.MAXIMIZE
        with_value = (
            trial
            for trial in trials
            if trial.state == TrialState.COMPLETE and math.isfinite(trial.values[0])
        )
        best = best_of(with_value, maximize=self._maximize)
        self._best = None if best is None else best.values[0]
        return best

    def _is_better(self, score: float) -> bool:
        """Return whether a score is better than all that we know of; not if we know of none."""
        if self._best is None or not math.isfinite(score):
            return False
        return score > self._best if self._maximize else score < self._best

    def _keep(self, history: History) -> None:
        """Keep what the next refresh need not read again, and can use: no figure shows a curve."""
        for row in history.rows:
            if row.number not in self._rows and row.state.is_finished():
                record = None if row.record is None else replace(row.record, curve=None)
                self._rows[row.number] = replace(row, record=record)

    def _write_note(self, history: History) -> None:
        best = history.best
        if best is not None and best.number != self._noted:
            save_study_note(self._study, history)
            self._noted = best.number
