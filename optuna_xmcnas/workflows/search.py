"""Searching an architecture: prepare the data, train children, judge the best one."""

from __future__ import annotations

from collections.abc import Sequence
import contextlib
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
import time
from typing import TYPE_CHECKING

from optuna.trial import TrialState

from optuna_xmcnas.exceptions import InvalidGenomeError
from optuna_xmcnas.genome import canonical_hash
from optuna_xmcnas.genome import Genome
from optuna_xmcnas.samplers.storage import FIXED_PARAMS_KEY
from optuna_xmcnas.study import want_trials
from optuna_xmcnas.worker import Ending
from optuna_xmcnas.worker import WorkSettings
from optuna_xmcnas.workflows.confirm import confirm
from optuna_xmcnas.workflows.confirm import Confirmation
from optuna_xmcnas.workflows.crew import run_crew
from optuna_xmcnas.workflows.final import judge
from optuna_xmcnas.workflows.final import Verdict
from optuna_xmcnas.workflows.observer import SilentObserver
from optuna_xmcnas.workflows.repeats import network_of
from optuna_xmcnas.workflows.session import open_session
from optuna_xmcnas.workflows.session import Session
from optuna_xmcnas.workflows.stopping import interruption_of
from optuna_xmcnas.workflows.worker import run_worker


if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import BaseStorage

    from optuna_xmcnas.dashboard import Showcase
    from optuna_xmcnas.data import TextDataset
    from optuna_xmcnas.workflows.crew import Crew
    from optuna_xmcnas.workflows.observer import SearchObserver
    from optuna_xmcnas.workflows.settings import SearchSettings


@dataclass(frozen=True, kw_only=True)
class SearchOutcome:
    """How a run of a search ended.

    Attributes:
        study: The study, for whatever else is to be known.
        n_complete: Children complete in the study.
        is_interrupted: Whether the run was stopped before its budget was spent.
        confirmation: The best networks after training them again, if that was wanted.
        verdict: The best child judged; None if interrupted.
    """

    study: Study
    n_complete: int
    is_interrupted: bool
    confirmation: Confirmation | None
    verdict: Verdict | None


def search(
    raw: TextDataset,
    settings: SearchSettings,
    *,
    storage: BaseStorage,
    study_name: str,
    children_dir: Path,
    vectors: Path | None = None,
    observer: SearchObserver | None = None,
    work_settings: WorkSettings | None = None,
    checkpoint_every_s: float = 300.0,
    is_sqlite: bool = False,
    crew: Crew | None = None,
    enqueue: Sequence[Genome] = (),
    confirm_top: int = 0,
    confirm_seeds: int = 3,
    with_linear: bool = True,
    showcase: Showcase | None = None,
) -> SearchOutcome:
    """Search until the study has its number of finished children, then judge the best one.

    A study that exists is continued, so the same call after an interruption goes on where it
    stopped. A child interrupted by Ctrl-C goes on from its checkpoint in the next run. Others may
    work on the same study at the same time.

    Args:
        raw: The documents and their labels.
        settings: What to try, and how.
        storage: Where the study is kept.
        study_name: Its name there.
        children_dir: The weights of the best child go into a folder of the study in here.
        vectors: A file of pretrained word vectors; None makes them from the train split.
        observer: Who watches.
        work_settings: How to get along with other workers; its budget is that of ``settings``.
        checkpoint_every_s: Seconds of training that may be lost when this process is killed.
        is_sqlite: Whether to warn of too many workers for SQLite.
        crew: Processes that train the children instead of this one.
        enqueue: Genomes to try before the sampler is asked; those that the study has are not
            tried again.
        confirm_top: So many of the best networks are trained again before the winner is judged.
        confirm_seeds: Trainings of each of them.
        with_linear: Whether to train the linear baseline too, if it is installed.
        showcase: What shows the search in optuna-dashboard; None shows nothing. A crew's workers
            have their own.

    Raises:
        InvalidGenomeError: If an enqueued genome is not in the space.
        ConfigMismatchError: If the study exists with other settings.
        StorageError: If the storage fails.
        DataError: If the data cannot be used.
        SearchFailedError: If five children failed one after another, or none could be finished.
    """
    observer = observer or SilentObserver()
    deadline = None if settings.timeout_s is None else time.monotonic() + settings.timeout_s
    work_settings = replace(
        work_settings or WorkSettings(n_trials=settings.n_trials), n_trials=settings.n_trials
    )
    for genome in enqueue:
        settings.space.check(genome)  # before there is a study
    session = open_session(
        raw,
        settings,
        storage=storage,
        study_name=study_name,
        children_dir=children_dir,
        vectors=vectors,
        observer=observer,
    )
    want_trials(session.study, settings.n_trials)
    _enqueue(session, enqueue)
    with interruption_of(storage, observer) as interruption:
        if crew is None:
            ending = run_worker(
                session,
                work_settings,
                interruption=interruption,
                observer=observer,
                deadline=deadline,
                checkpoint_every_s=checkpoint_every_s,
                is_sqlite=is_sqlite,
                showcase=showcase,
            )
        else:
            ending = run_crew(
                session.study,
                crew,
                settings.n_trials,
                interruption=interruption,
                observer=observer,
            )
        is_interrupted = ending is Ending.INTERRUPTED
        confirmation = None
        if confirm_top and not is_interrupted:
            confirmation = confirm(
                session,
                storage,
                top=confirm_top,
                n_seeds=confirm_seeds,
                children_dir=children_dir,
                interruption=interruption,
                observer=observer,
                work_settings=work_settings,
                deadline=deadline,
                checkpoint_every_s=checkpoint_every_s,
                showcase=showcase,
            )
            is_interrupted = confirmation.is_interrupted
            if not confirmation.confirmed:  # there was no time for any
                confirmation = None
    verdict = None
    if not is_interrupted:
        observer.judging_began()
        winner = confirmation.confirmed[0].contender.trial if confirmation else None
        verdict = judge(
            session.study,
            raw,
            session.data,
            settings,
            session.folder,
            session.origin,
            winner,
            with_linear=with_linear,
        )
    complete = session.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return SearchOutcome(
        study=session.study,
        n_complete=len(complete),
        is_interrupted=is_interrupted,
        confirmation=confirmation,
        verdict=verdict,
    )


def _enqueue(session: Session, genomes: Sequence[Genome]) -> None:
    """Have genomes tried that the study does not have yet."""
    space = session.settings.space
    trials = session.study.get_trials(deepcopy=False)
    known = {network_of(trial, space) for trial in trials}
    for trial in trials:  # what waits has its parameters where only its worker looks
        with contextlib.suppress(InvalidGenomeError):
            wished = trial.system_attrs.get(FIXED_PARAMS_KEY, {})
            known.add(canonical_hash(space.from_params(wished)))
    for genome in genomes:
        if canonical_hash(genome) not in known:
            known.add(canonical_hash(genome))
            space.enqueue(session.study, genome)
