"""The figures on a study's page of optuna-dashboard, and its note."""

from __future__ import annotations

from collections.abc import Callable
import time
from typing import final
from typing import TYPE_CHECKING

from optuna.trial import TrialState

from optuna_xmcnas.analysis import read_history
from optuna_xmcnas.dashboard.figures import save_figures
from optuna_xmcnas.dashboard.note import save_study_note
from optuna_xmcnas.dashboard.turn import Turn
from optuna_xmcnas.study import best_of


if TYPE_CHECKING:
    from optuna import Study

    from optuna_xmcnas.analysis import Row


@final
class Gallery:
    """Keeps the figures and the note of one study up to date, by turns with other workers.

    Args:
        study: The study.
        every_s: Seconds between two refreshes, at least.
        clock: Of this process; never goes back.
    """

    def __init__(
        self, study: Study, every_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._study = study
        self._turn = Turn(every_s, clock)
        self._rows: dict[int, Row] = {}  # of finished trials
        self._best: float | None = None  # the best value that we know of
        self._noted: int | None = None  # the trial that the note is about

    @property
    def may_change(self) -> bool:
        """Whether it may be time for a refresh; costs nothing."""
        return self._turn.may_be

    def is_new_best(self, score: float) -> bool:
        """Return whether a score is above all that we know of; not if we know of none."""
        if self._best is None or score <= self._best:
            return False
        self._best = score
        return True

    def refresh(self, *, force: bool = False) -> None:
        """Draw the figures, if it is our turn and trials have ended since they were drawn."""
        import optuna_dashboard  # noqa: F401  # takes a second or two, once: no refresh's time

        self._turn.begin()
        trials = self._study.get_trials(deepcopy=False)
        best = best_of(trial for trial in trials if trial.state == TrialState.COMPLETE)
        self._best = None if best is None else best.values[0]
        n_finished = sum(trial.state.is_finished() for trial in trials)
        number = None if best is None else best.number
        if not n_finished or not self._turn.take(self._study, n_finished, number, force=force):
            return
        is_drawn = False
        try:
            history = read_history(self._study, known=self._rows)
            self._rows = {row.number: row for row in history.rows if row.state.is_finished()}
            save_figures(self._study, history)
            if history.best is not None and history.best.number != self._noted:
                save_study_note(self._study, history)
                self._noted = history.best.number
            is_drawn = True
        finally:
            self._turn.end(is_drawn=is_drawn)
