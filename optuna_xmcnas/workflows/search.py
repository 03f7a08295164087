"""Searching an architecture: prepare the data, train children, judge the best one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
import time
from typing import final
from typing import Protocol
from typing import TYPE_CHECKING

import optuna
from optuna.trial import TrialState

from optuna_xmcnas.data import prepare
from optuna_xmcnas.exceptions import ChildFailedError
from optuna_xmcnas.exceptions import SearchFailedError
from optuna_xmcnas.objective import child_path
from optuna_xmcnas.objective import XmcObjective
from optuna_xmcnas.study import join_study
from optuna_xmcnas.study import read_record
from optuna_xmcnas.workflows.final import judge
from optuna_xmcnas.workflows.final import Verdict
from optuna_xmcnas.workflows.storage import put_back


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
        children_dir: The folder for the weights of the best child, made if it is missing.
        vectors: A file of pretrained word vectors; None makes them from the train split.
        observer: Who watches.

    Raises:
        ConfigMismatchError: If the study exists with other settings.
        DataError: If the data cannot be used.
        SearchFailedError: If five children failed one after another, or none could be finished.
    """
    observer = observer or SilentObserver()
    study = optuna.create_study(
        storage=storage,
        study_name=study_name,
        direction="maximize",
        load_if_exists=True,
        pruner=optuna.pruners.NopPruner(),  # a pruned child would spend budget and teach nothing
        sampler=settings.sampler(),
    )
    data = prepare(raw, settings.data, vectors=vectors)
    observer.data_ready(data)
    join_study(study, settings.study_config(data))
    children_dir.mkdir(parents=True, exist_ok=True)
    objective = XmcObjective(
        data,
        space=settings.space,
        child=settings.child,
        training=settings.training,
        keep_best_in=children_dir,
        on_child=observer.child_began,
        on_evaluation=observer.child_evaluated,
    )
    is_interrupted = _train_children(study, objective, settings, children_dir, observer)
    verdict = None
    if not is_interrupted:
        observer.judging_began()
        verdict = judge(study, data, settings, children_dir)
    return SearchOutcome(
        study=study,
        n_complete=len(_complete(study)),
        is_interrupted=is_interrupted,
        verdict=verdict,
    )


def _train_children(
    study: Study,
    objective: XmcObjective,
    settings: SearchSettings,
    children_dir: Path,
    observer: SearchObserver,
) -> bool:
    """Train children until the budget is spent; return whether the user stopped it."""
    deadline = None if settings.timeout_s is None else time.monotonic() + settings.timeout_s
    complete = _complete(study)
    observer.search_began(len(complete), settings.n_trials, _best_value(complete))
    begun: list[int] = []  # trial numbers of this run
    ended: list[FrozenTrial] = []

    def run(trial: Trial) -> float:
        begun.append(trial.number)
        return objective(trial)

    try:
        while len(complete) < settings.n_trials:
            if deadline is not None and time.monotonic() > deadline:
                break
            study.optimize(
                run,
                n_trials=1,
                catch=(ChildFailedError,),
                callbacks=[lambda _, trial: ended.append(trial)],
            )
            complete = _complete(study)
            _drop_worse_children(children_dir, complete)
            observer.child_ended(ended[-1], len(complete), _best_value(complete))
            _stop_after_many_failures(ended)
    except KeyboardInterrupt:
        if len(begun) > len(ended):
            put_back(study, study.get_trials(deepcopy=False)[begun[-1]])
        return True
    if not complete:
        raise SearchFailedError(
            f"no child was finished within {settings.timeout_s} seconds; give it more time."
        )
    return False


def _complete(study: Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))


def _best_value(complete: list[FrozenTrial]) -> float | None:
    return max((trial.values[0] for trial in complete), default=None)


def _drop_worse_children(folder: Path, complete: list[FrozenTrial]) -> None:
    """Delete the weights of all finished children but the best."""
    best = max(complete, key=lambda trial: (trial.values[0], -trial.number), default=None)
    for trial in complete:
        if trial is not best:
            child_path(folder, trial.number).unlink(missing_ok=True)


def _stop_after_many_failures(ended: list[FrozenTrial]) -> None:
    last = ended[-_MOST_FAILURES:]
    if len(last) < _MOST_FAILURES or any(t.state != TrialState.FAIL for t in last):
        return
    record = read_record(last[-1])
    reason = record.failure if record else None
    raise SearchFailedError(
        f"{_MOST_FAILURES} children failed one after another; the last one: {reason}"
    )
