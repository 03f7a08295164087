"""In which order children finished: what age means."""

from __future__ import annotations

from collections.abc import Iterable
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
    return [by_number[member.number] for member in youngest(members, len(members))]
