"""Searching an architecture: prepare the data, train children, judge the best one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
import re
import time
from typing import final
from typing import Protocol
from typing import TYPE_CHECKING

import optuna
from optuna.exceptions import StorageInternalError
from optuna.trial import TrialState
from sqlalchemy.exc import SQLAlchemyError

from optuna_xmcnas.data import prepare
from optuna_xmcnas.exceptions import ChildFailedError
from optuna_xmcnas.exceptions import SearchFailedError
from optuna_xmcnas.exceptions import StorageError
from optuna_xmcnas.objective import child_path
from optuna_xmcnas.objective import XmcObjective
from optuna_xmcnas.study import best_of
from optuna_xmcnas.study import join_study
from optuna_xmcnas.study import put_back
from optuna_xmcnas.study import read_record
from optuna_xmcnas.workflows.final import judge
from optuna_xmcnas.workflows.final import Verdict
from optuna_xmcnas.workflows.interruption import Interruption


if TYPE_CHECKING:
    from optuna import Study
    from optuna import Trial
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

    from optuna_xmcnas.data import TextDataset
    from optuna_xmcnas.data import XmcDataset
    from optuna_xmcnas.genome import Genome
    from optuna_xmcnas.training import Evaluation
    from optuna_xmcnas.workflows.settings import SearchSettings


_MOST_FAILURES = 5  # children that may fail one after another


class SearchObserver(Protocol):
    """Somebody who watches a search; all methods return at once."""

    def data_ready(self, data: XmcDataset) -> None:
        """Documents are split and encoded."""

    def search_began(self, n_complete: int, n_trials: int, best: float | None) -> None:
        """The study is joined; so many children were complete before."""

    def child_began(self, number: int, genome: Genome) -> None:
        """Training of a child begins."""

    def child_evaluated(self, number: int, evaluation: Evaluation) -> None:
        """A child was evaluated on the validation split."""

    def child_ended(self, trial: FrozenTrial, n_complete: int, best: float | None) -> None:
        """A child is complete, pruned or failed."""

    def judging_began(self) -> None:
        """The best child is read, or trained again, for the test split."""


@final
class SilentObserver:
    """Watches and says nothing."""

    def data_ready(self, data: XmcDataset) -> None:
        """Do nothing."""

    def search_began(self, n_complete: int, n_trials: int, best: float | None) -> None:
        """Do nothing."""

    def child_began(self, number: int, genome: Genome) -> None:
        """Do nothing."""

    def child_evaluated(self, number: int, evaluation: Evaluation) -> None:
        """Do nothing."""

    def child_ended(self, trial: FrozenTrial, n_complete: int, best: float | None) -> None:
        """Do nothing."""

    def judging_began(self) -> None:
        """Do nothing."""


@dataclass(frozen=True, kw_only=True)
class SearchOutcome:
    """How a run of a search ended.

    Attributes:
        study: The study, for whatever else is to be known.
        n_complete: Children complete in the study.
        is_interrupted: Whether the run was stopped before its budget was spent.
        verdict: The best child judged; None if interrupted.
    """

    study: Study
    n_complete: int
    is_interrupted: bool
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
) -> SearchOutcome:
    """Search until the study has its number of finished children, then judge the best one.

    A study that exists is continued, so the same call after an interruption goes on where it
    stopped. A child interrupted by Ctrl-C is trained again, as the same genome, by the next run.

    Args:
        raw: The documents and their labels.
        settings: What to try, and how.
        storage: Where the study is kept.
        study_name: Its name there.
        children_dir: The weights of the best child go into a folder of the study in here.
        vectors: A file of pretrained word vectors; None makes them from the train split.
        observer: Who watches.

    Raises:
        ConfigMismatchError: If the study exists with other settings.
        StorageError: If the storage fails.
        DataError: If the data cannot be used.
        SearchFailedError: If five children failed one after another, or none could be finished.
    """
    observer = observer or SilentObserver()
    deadline = None if settings.timeout_s is None else time.monotonic() + settings.timeout_s
    data = prepare(raw, settings.data, vectors=vectors)
    observer.data_ready(data)
    config = settings.study_config(data)
    # Studies of one name in several storages share the folder, so children tell what they are of.
    origin = {"study_config": config.fingerprint}
    folder = children_dir / f"{_file_name(study_name)}-{config.fingerprint[:8]}"
    objective = XmcObjective(
        data,
        space=settings.space,
        child=settings.child,
        training=settings.training,
        keep_best_in=folder,
        origin=origin,
        on_child=observer.child_began,
        on_evaluation=observer.child_evaluated,
    )
    study = _study(storage, study_name, settings)
    join_study(study, config)
    with Interruption() as interruption:
        is_interrupted = _train_children(
            study, objective, settings.n_trials, deadline, folder, observer, interruption
        )
    verdict = None
    if not is_interrupted:
        observer.judging_began()
        verdict = judge(study, data, settings, folder, origin)
    return SearchOutcome(
        study=study,
        n_complete=len(_complete(study)),
        is_interrupted=is_interrupted,
        verdict=verdict,
    )


def _study(storage: BaseStorage, name: str, settings: SearchSettings) -> Study:
    try:
        return optuna.create_study(
            storage=storage,
            study_name=name,
            direction="maximize",
            load_if_exists=True,
            pruner=optuna.pruners.NopPruner(),  # pruned children would cost and not breed
            sampler=settings.sampler(),
        )
    except (SQLAlchemyError, StorageInternalError) as error:
        raise _storage_failed(error) from None


def _train_children(
    study: Study,
    objective: XmcObjective,
    n_trials: int,
    deadline: float | None,
    folder: Path,
    observer: SearchObserver,
    interruption: Interruption,
) -> bool:
    """Train children until the budget is spent; return whether the user stopped it."""
    complete = _complete(study)
    observer.search_began(len(complete), n_trials, _best_value(complete))
    begun: list[int] = []  # trial numbers of this run
    ended: list[FrozenTrial] = []

    def run(trial: Trial) -> float:
        begun.append(trial.number)
        with interruption.allowed():
            return objective(trial)

    while len(complete) < n_trials and not interruption.is_wanted:
        if deadline is not None and time.monotonic() > deadline:
            break
        try:
            study.optimize(
                run,
                n_trials=1,
                catch=(ChildFailedError,),
                callbacks=[lambda _, trial: ended.append(trial)],
            )
        except KeyboardInterrupt:
            trial = _trial(study, begun[-1])
            if trial.state == TrialState.FAIL:
                put_back(study, trial)
            return True
        except ValueError as error:
            if not str(error).startswith("Cannot tell"):
                raise
            # Another worker took us for dead and ended our trial; it is tried again elsewhere.
            ended.append(_trial(study, begun[-1]))
        except (SQLAlchemyError, StorageInternalError) as error:
            raise _storage_failed(error) from None
        complete = _complete(study)
        _drop_worse_children(folder, complete)
        observer.child_ended(ended[-1], len(complete), _best_value(complete))
        _stop_after_many_failures(ended)
    return interruption.is_wanted


def _trial(study: Study, number: int) -> FrozenTrial:
    return study.get_trials(deepcopy=False)[number]


def _storage_failed(error: Exception) -> StorageError:
    """Return an error that names the reason; SQLAlchemy's own text can hold parameters."""
    reason = str(getattr(error, "orig", None) or error).splitlines()[0]
    return StorageError(f"the storage failed: {reason} What is finished is kept; try again.")


def _complete(study: Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))


def _best_value(complete: list[FrozenTrial]) -> float | None:
    best = best_of(complete)
    return None if best is None else best.values[0]


def _drop_worse_children(folder: Path, complete: list[FrozenTrial]) -> None:
    """Delete the weights of all finished children but the best."""
    best = best_of(complete)
    for trial in complete:
        if trial is not best:
            child_path(folder, trial.number).unlink(missing_ok=True)


def _file_name(study_name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", study_name)


def _stop_after_many_failures(ended: list[FrozenTrial]) -> None:
    last = ended[-_MOST_FAILURES:]
    if len(last) < _MOST_FAILURES or any(t.state != TrialState.FAIL for t in last):
        return
    record = read_record(last[-1])
    reason = record.failure if record else None
    raise SearchFailedError(
        f"{_MOST_FAILURES} children failed one after another; the last one: {reason}"
    )
