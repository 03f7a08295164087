"""In which order children finished: what age means."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
import heapq
from typing import TYPE_CHECKING

from optuna_xmcnas.samplers.evolution import RegularizedEvolutionSampler
from optuna_xmcnas.samplers.population import Member
from optuna_xmcnas.samplers.population import youngest


if TYPE_CHECKING:
    from optuna.trial import FrozenTrial


def in_finishing_order(complete: Iterable[FrozenTrial]) -> list[FrozenTrial]:
    """Return complete trials, the one that finished first in front.

    The samplers of this package have a logical clock, so the order is that in which workers saw
    the results, whatever their wall clocks say; trials of other samplers are placed by the time
    they finished. The population at any moment is the last ``population_size`` of them.

    Example:
        >>> import optuna
        >>> from optuna_xmcnas import RegularizedEvolutionSampler
        >>> optuna.logging.set_verbosity(optuna.logging.WARNING)
        >>> study = optuna.create_study(sampler=RegularizedEvolutionSampler(seed=0))
        >>> study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
        >>> [trial.number for trial in in_finishing_order(study.trials)]
        [0, 1, 2]
    """
    by_number = {trial.number: trial for trial in complete}
    return _youngest(by_number, len(by_number))


def finished_last(complete: Iterable[FrozenTrial], size: int) -> list[FrozenTrial]:
    """Return the trials at the end of `in_finishing_order`, without ordering all of them.

    Args:
        complete: Complete trials.
        size: How many to return, at least 1; fewer if there are no more.

    Example:
        >>> import optuna
        >>> trials = [optuna.create_trial(value=value) for value in (0.3, 0.1, 0.2)]
        >>> study = optuna.create_study()
        >>> study.add_trials(trials)
        >>> [trial.number for trial in finished_last(study.trials, 2)]
        [1, 2]
    """
    by_number = {trial.number: trial for trial in complete}
    ages = {n: RegularizedEvolutionSampler.age_of(trial) for n, trial in by_number.items()}
    known = (age for age in ages.values() if age is not None)
    least = min(heapq.nlargest(size, known), default=0)
    # Of those with an age, younger ones alone can be the last. One without stands behind one with,
    # so that it is among the last only behind one of these, or where there are not enough of them.
    late = {n: by_number[n] for n, age in ages.items() if age is None or age >= least}
    return _youngest(late, size)


def _youngest(by_number: Mapping[int, FrozenTrial], size: int) -> list[FrozenTrial]:
    members = [
        Member(
            number=trial.number,
            age=RegularizedEvolutionSampler.age_of(trial),
            completed=trial.datetime_complete,
            values=(),
            params={},
            distributions={},
        )
        for trial in by_number.values()
    ]
    return [by_number[member.number] for member in youngest(members, size)]
