"""How a study stands at one moment: what those who watch a search are told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import math
from typing import TYPE_CHECKING

from optuna_xmcnas.samplers import finished_last
from optuna_xmcnas.study import best_of


if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from optuna_xmcnas.study import StudyConfig


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A study over all its workers, as its complete trials say.

    Attributes:
        n_complete: Children complete.
        best: The best of them; None if there are none.
        population: Scores of those that can breed, the oldest first; empty if the sampler has no
            such population.
    """

    n_complete: int
    best: FrozenTrial | None
    population: tuple[float, ...]


def standing_of(complete: Sequence[FrozenTrial], population_size: int | None) -> Standing:
    """Return how a study stands.

    Args:
        complete: Its complete trials.
        population_size: How many of those finished last can breed; None if none can.

    Example:
        >>> import optuna
        >>> study = optuna.create_study(direction="maximize")
        >>> study.add_trials([optuna.create_trial(value=value) for value in (0.3, 0.1, 0.2)])
        >>> standing = standing_of(study.trials, population_size=2)
        >>> standing.n_complete, standing.best.number, standing.population
        (3, 0, (0.1, 0.2))
    """
    living: Sequence[FrozenTrial] = ()
    if population_size is not None:
        living = finished_last(complete, population_size)
    scores = (trial.values[0] for trial in living)
    return Standing(
        n_complete=len(complete),
        best=best_of(complete),
        population=tuple(score for score in scores if math.isfinite(score)),
    )


def population_size_of(config: StudyConfig | None) -> int | None:
    """Return how many children can breed in a study with these settings; None if none can.

    Example:
        >>> from optuna_xmcnas.study import StudyConfig
        >>> population_size_of(StudyConfig({"sampler": {"name": "guided", "population_size": 6}}))
        6
        >>> population_size_of(StudyConfig({"sampler": {"name": "tpe", "population_size": 6}}))
    """
    return None if config is None else config.population_size
