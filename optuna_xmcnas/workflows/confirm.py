"""Training the best genomes of a search again: the winner of noisy scores was lucky."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
import math
from pathlib import Path
import statistics
from typing import TYPE_CHECKING

import optuna
from optuna.trial import TrialState

from optuna_xmcnas.exceptions import SearchFailedError
from optuna_xmcnas.genome import canonical_hash
from optuna_xmcnas.samplers import beliefs
from optuna_xmcnas.study import join_study
from optuna_xmcnas.study import read_record
from optuna_xmcnas.study import StudyConfig
from optuna_xmcnas.study.confirmation import confirm_name
from optuna_xmcnas.worker import Ending
from optuna_xmcnas.worker import WorkSettings
from optuna_xmcnas.workflows.repeats import network_of
from optuna_xmcnas.workflows.repeats import RepeatSampler
from optuna_xmcnas.workflows.repeats import tries_by_network
from optuna_xmcnas.workflows.session import session_of
from optuna_xmcnas.workflows.worker import run_worker


if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

    from optuna_xmcnas.dashboard import Showcase
    from optuna_xmcnas.genome import Genome
    from optuna_xmcnas.genome import GenomeSpace
    from optuna_xmcnas.worker import Interruption
    from optuna_xmcnas.workflows.observer import SearchObserver
    from optuna_xmcnas.workflows.session import Session


_FRESH = 1_000_000  # added to the seed: no trial of the search has had these
_LEVEL = 0.95


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A genome that a search found, and the best of its trials there.

    Attributes:
        genome: The architecture.
        trial: Number of the trial in the search.
        searched: Its score there.
    """

    genome: Genome
    trial: int
    searched: float


@dataclass(frozen=True, kw_only=True)
class Confirmed:
    """A contender after its trainings with fresh seeds.

    Attributes:
        contender: What was trained again.
        values: Validation P@5 of each training, in the order in which they were done.
    """

    contender: Contender
    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean over the seeds, without the search's own score: that one was selected."""
        return statistics.fmean(self.values)

    @property
    def half_width(self) -> float | None:
        """Half the width of the mean's 95 % interval (Student's t); None of a single seed."""
        if len(self.values) < 2:
            return None
        from scipy.stats import t

        spread = statistics.stdev(self.values) / math.sqrt(len(self.values))
        return float(t.ppf((1 + _LEVEL) / 2, len(self.values) - 1)) * spread


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """The outcome of confirming a study.

    Attributes:
        confirmed: The contenders that have results, the best mean first.
        failed: Those that have none.
        is_interrupted: Whether some of the trainings are still to be done.
    """

    confirmed: tuple[Confirmed, ...]
    failed: tuple[Contender, ...]
    is_interrupted: bool


def contenders(study: Study, space: GenomeSpace, n: int) -> tuple[Contender, ...]:
    """Return ``n`` different networks of a search: the best seen and the best expected by turns.

    Args:
        study: The search.
        space: What it searched.
        n: How many, at most.

    Raises:
        SearchFailedError: If the study has no finished child of the space.
    """
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    networks = {trial.number: network_of(trial, space) for trial in complete}
    seen = sorted(
        (trial for trial in complete if networks[trial.number] is not None),
        key=lambda trial: (-trial.values[0], trial.number),
    )
    if not seen:
        raise SearchFailedError(
            f"study {study.study_name!r} has no finished child; search first, or longer."
        )
    best: dict[str | None, FrozenTrial] = {}  # of a network that was tried twice, what is shown
    for trial in seen:
        best.setdefault(networks[trial.number], trial)
    expected = [belief.number for belief in beliefs(study, space) if belief.number in networks]
    by_turns = _by_turns([trial.number for trial in seen], expected)
    chosen = list(dict.fromkeys(networks[number] for number in by_turns))[:n]
    return tuple(
        Contender(
            genome=space.from_params(best[network].params),
            trial=best[network].number,
            searched=best[network].values[0],
        )
        for network in chosen
    )


def confirm(
    search: Session,
    storage: BaseStorage,
    *,
    top: int,
    n_seeds: int,
    children_dir: Path,
    interruption: Interruption,
    observer: SearchObserver,
    work_settings: WorkSettings | None = None,
    deadline: float | None = None,
    checkpoint_every_s: float = 300.0,
    showcase: Showcase | None = None,
) -> Confirmation:
    """Train the best networks of a search again, with fresh seeds, and rank them by their means.

    The trainings are trials of a study of their own, named like the search with ``-confirm``
    behind it, in the same storage: others may take part at the same time, and the same call after
    an interruption goes on. A call with more networks or seeds adds what is missing.

    Args:
        search: The study that was searched.
        storage: Where it is kept.
        top: How many networks.
        n_seeds: Trainings of each.
        children_dir: Checkpoints go into a folder of the study in here.
        interruption: Asked before each step of a training.
        observer: Who watches.
        work_settings: How to get along with other workers; its budget is replaced.
        deadline: By ``time.monotonic()``; no training begins later.
        checkpoint_every_s: Seconds of training that may be lost when this process is killed.
        showcase: What shows the trainings in optuna-dashboard; None shows nothing.

    Raises:
        SearchFailedError: If the search has no finished child, or too many trainings failed.
        ConfigMismatchError: If the study of that name is of something else.
    """
    space = search.settings.space
    chosen = contenders(search.study, space, top)
    settings = work_settings or WorkSettings(n_trials=1)
    session = _session(search, storage, chosen, children_dir, settings.retries)
    observer.confirming_began(
        session.study.study_name, _wanted(session, chosen, n_seeds, settings)
    )
    ending = Ending.BUDGET
    # by rounds, one training of each network that lacks any: what failed is then known
    while ending is Ending.BUDGET and (n_trials := _round(session, chosen, n_seeds, settings)):
        ending = run_worker(
            session,
            replace(settings, n_trials=n_trials),
            interruption=interruption,
            observer=observer,
            deadline=deadline,
            checkpoint_every_s=checkpoint_every_s,
            showcase=showcase,
        )
    confirmed = _ranked(session.study, space, chosen)
    if ending is Ending.BUDGET and not confirmed:
        raise SearchFailedError(
            f"none of the {len(chosen)} best networks of {search.study.study_name!r} could be "
            "trained again; `show` says why."
        )
    known = {canonical_hash(one.contender.genome) for one in confirmed}
    return Confirmation(
        confirmed=confirmed,
        failed=tuple(one for one in chosen if canonical_hash(one.genome) not in known),
        is_interrupted=ending is Ending.INTERRUPTED,
    )


def _wanted(
    session: Session, chosen: Sequence[Contender], n_seeds: int, settings: WorkSettings
) -> int:
    """Return how many complete trials the study will have if none fails."""
    trials = session.study.get_trials(deepcopy=False)
    tried = _tries(session, trials, settings)
    missing = (max(0, n_seeds - tried[canonical_hash(one.genome)]) for one in chosen)
    return sum(trial.state == TrialState.COMPLETE for trial in trials) + sum(missing)


def _round(
    session: Session, chosen: Sequence[Contender], n_seeds: int, settings: WorkSettings
) -> int:
    """Return how many complete trials the study shall have after the next round; 0: enough."""
    trials = session.study.get_trials(deepcopy=False)
    tried = _tries(session, trials, settings)
    n_short = sum(tried[canonical_hash(one.genome)] < n_seeds for one in chosen)
    n_complete = sum(trial.state == TrialState.COMPLETE for trial in trials)
    return n_complete + n_short if n_short else 0


def _tries(
    session: Session, trials: Sequence[FrozenTrial], settings: WorkSettings
) -> Counter[str]:
    """Return how often each network was tried."""
    finished = (trial for trial in trials if trial.state.is_finished())
    return tries_by_network(finished, session.settings.space, retries=settings.retries)


def confirmed_of(search: Study, storage: BaseStorage, space: GenomeSpace) -> tuple[Confirmed, ...]:
    """Return what is known of a search's networks from confirming it, the best mean first.

    Left out is what has clearly fewer trainings than others: it was given up, or belongs to a
    confirmation of long ago, and a mean of few is luck again.

    Returns:
        Nothing if nobody has confirmed it.
    """
    try:
        study = optuna.load_study(study_name=confirm_name(search.study_name), storage=storage)
    except KeyError:
        return ()
    found = _ranked(study, space, contenders(search, space, len(search.trials)))
    most = max((len(one.values) for one in found), default=0)
    return tuple(one for one in found if len(one.values) >= most - 1)


def _session(
    search: Session,
    storage: BaseStorage,
    chosen: Sequence[Contender],
    children_dir: Path,
    retries: int,
) -> Session:
    training = replace(search.settings.training, seed=search.settings.training.seed + _FRESH)
    settings = replace(search.settings, training=training)
    config = settings.study_config(search.data)
    config = StudyConfig({**config.sections, "sampler": {"name": "repeat"}})
    study = optuna.create_study(
        storage=storage,
        study_name=confirm_name(search.study.study_name),
        direction="maximize",
        load_if_exists=True,
        pruner=optuna.pruners.NopPruner(),
        sampler=RepeatSampler(
            settings.space, [contender.genome for contender in chosen], retries=retries
        ),
    )
    join_study(study, config)
    return session_of(study, config, settings, search.data, children_dir)


def _ranked(
    study: Study, space: GenomeSpace, chosen: Sequence[Contender]
) -> tuple[Confirmed, ...]:
    values: dict[str | None, list[float]] = {}
    for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        if read_record(trial) is not None:
            values.setdefault(network_of(trial, space), []).append(trial.values[0])
    found = (
        Confirmed(contender=contender, values=tuple(values[network]))
        for contender in chosen
        if (network := canonical_hash(contender.genome)) in values
    )
    return tuple(sorted(found, key=lambda one: (-one.mean, one.contender.trial)))


def _by_turns(first: list[int], second: list[int]) -> Iterator[int]:
    """Yield the first of each, the second of each, and so on; ``second`` may be shorter."""
    for position, number in enumerate(first):
        yield number
        yield from second[position : position + 1]
