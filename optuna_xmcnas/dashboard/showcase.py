"""A search as optuna-dashboard shows it, while it goes on."""

from __future__ import annotations

import logging
import math
from pathlib import Path
import threading
import time
from typing import final
from typing import TYPE_CHECKING

from optuna_xmcnas.dashboard.failures import Failures
from optuna_xmcnas.dashboard.gallery import Gallery
from optuna_xmcnas.dashboard.note import save_child_note
from optuna_xmcnas.dashboard.pictures import Pictures
from optuna_xmcnas.dashboard.storage import study_key


if TYPE_CHECKING:
    from optuna import Study
    from optuna import Trial
    from optuna.storages import BaseStorage

    from optuna_xmcnas.genome import Genome


_LOGGER = logging.getLogger(__name__)
_SLOW_S = 1.0  # for one picture; a folder on a network may be slow
_SHARE = 50  # after a slow picture that took t seconds there is none for 50 t
_LONGEST_PAUSE_S = 3600.0  # a storage that was away is no slow folder


@final
class Showcase:
    """Gives optuna-dashboard what it shows of a search: pictures of the children, figures, a note.

    Nothing here fails: what goes wrong is logged, once for each kind, and ignored. The figures
    take at most one fiftieth of a worker's time, but for one refresh at its end. Several workers
    of a study, each with its own object, refresh them by turns. In a long study a refresh waits
    for a new best child, for one percent more children, or half an hour. The first refresh of a
    process takes a second or two longer: it loads optuna-dashboard.

    What is slow is waited for: pictures are written, and figures saved, by the thread that calls.
    After a picture that took longer than a second there is none for fifty times as long, an hour
    at most; but a folder on a network that hangs, and never answers, holds the search up for as
    long as it does.

    Args:
        artifact_dir: A folder for the pictures, made when it is needed: give the same to
            ``optuna-dashboard --artifact-dir``, and to workers on all machines. None draws none.
        refresh_every_s: Seconds between two refreshes of the figures, at least.

    Raises:
        ValueError: If ``refresh_every_s`` is negative.

    Example:
        With an objective of your own, or with XmcObjective and ``study.optimize``::

            showcase = Showcase(Path("artifacts"))

            def objective(trial):
                showcase.child_began(trial, space.suggest(trial))
                score = train(trial)  # for instance an XmcObjective
                showcase.child_ended(trial, score)
                return score

            study.optimize(
                objective, n_trials=100, callbacks=[lambda study, _: showcase.study_changed(study)]
            )
            showcase.study_changed(study, force=True)
    """

    def __init__(self, artifact_dir: Path | None, *, refresh_every_s: float = 60.0) -> None:
        if not refresh_every_s >= 0:
            raise ValueError(f"`refresh_every_s` must not be negative; got {refresh_every_s}.")
        self._failures = Failures()
        self._pictures = None if artifact_dir is None else Pictures(artifact_dir)
        self._next_picture_at = -math.inf
        self._refresh_every_s = refresh_every_s
        self._galleries: dict[tuple[BaseStorage, int], Gallery] = {}  # by study
        self._lock = threading.Lock()  # of the galleries

    def child_began(self, trial: Trial, genome: Genome) -> None:
        """Show the architecture of a trial that runs, before its child is trained."""
        pictures = self._pictures
        if pictures is None or time.monotonic() < self._next_picture_at:
            return
        began = time.monotonic()
        with self._failures.ignored("an architecture is not shown"):
            pictures.upload(trial, genome)
        self._note_time(began)

    def child_ended(self, trial: Trial, score: float | None = None) -> None:
        """Show how a child did; to be called before its trial is told.

        Args:
            trial: A trial for which `child_began` was called; for others nothing happens. One
                that was interrupted keeps its picture.
            score: What the objective returns, if the trial's record does not say it.
        """
        if self._pictures is None:
            return
        began = time.monotonic()
        with self._failures.ignored("an architecture is shown without its result"):
            artifact_id = self._pictures.complete(trial, score)
            if artifact_id is not None and score is not None and self._deserves_note(trial, score):
                save_child_note(trial, artifact_id)
        self._note_time(began)

    def study_changed(self, study: Study, *, force: bool = False) -> None:
        """Refresh the figures of a study and its note, if it is time to.

        Args:
            study: A study of which a trial has ended.
            force: Refresh them however short ago it was done, unless no trial has ended since: for
                the end of a search.
        """
        if not self._lock.acquire(blocking=force):
            return  # another thread is at it
        try:
            gallery = self._galleries.get(study_key(study))
            if gallery is None:
                gallery = Gallery(study, self._refresh_every_s, self._failures)
                self._galleries[study_key(study)] = gallery
            if gallery.may_change or force:
                with self._failures.ignored("the figures of the study are not refreshed"):
                    gallery.refresh(force=force)
        finally:
            self._lock.release()

    def _deserves_note(self, trial: Trial, score: float) -> bool:
        gallery = self._galleries.get(study_key(trial.study))
        return gallery is not None and gallery.is_new_best(score)

    def _note_time(self, began: float) -> None:
        now = time.monotonic()
        if now - began > _SLOW_S:
            pause_s = min(_SHARE * (now - began), _LONGEST_PAUSE_S)
            self._next_picture_at = now + pause_s
            _LOGGER.warning(
                "showing an architecture took %.0f s; no other is shown for %.0f s.",
                now - began,
                pause_s,
            )
