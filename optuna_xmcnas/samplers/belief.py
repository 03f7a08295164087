"""What the results of a study are worth if luck is taken off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from optuna.study import StudyDirection
from optuna.trial import TrialState

from optuna_xmcnas.guides import GaussianProcessGuide
from optuna_xmcnas.samplers.evolution import RegularizedEvolutionSampler
from optuna_xmcnas.samplers.history import evidence_of
from optuna_xmcnas.samplers.storage import outcome_of
from optuna_xmcnas.samplers.variation import GenomeVariation
from optuna_xmcnas.samplers.variation import ParameterVariation
from optuna_xmcnas.samplers.variation import Variation


if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

    from optuna_xmcnas.genome import GenomeSpace


_FEWEST_RESULTS = 4  # results without which nothing is said


@dataclass(frozen=True, kw_only=True)
class Belief:
    """What is thought of one finished trial.

    Attributes:
        number: The trial's number.
        observed: Its value.
        expected: What a model of all results expects of its child: the value of its expected
            rank, which is a typical one over many trainings.
    """

    number: int
    observed: float
    expected: float


def beliefs(study: Study, space: GenomeSpace | None = None) -> list[Belief]:
    """Return what is thought of the complete trials of a study, the best expected first.

    The best of many noisy results was lucky, more often than not. A Gaussian process on all
    results of the study says what each child would typically reach; repeated evaluations of one
    child are recognised and tell how noisy training is. Of more than 300 trials the better half
    and the latest are judged.

    Args:
        study: A study with one objective.
        space: The genomes it searches; None for any other search space.

    Returns:
        Nothing if there are fewer than four results, or several objectives.

    Example:
        >>> import optuna
        >>> optuna.logging.set_verbosity(optuna.logging.WARNING)
        >>> study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
        >>> study.optimize(lambda trial: trial.suggest_float("x", -1, 1) ** 2, n_trials=20)
        >>> best = beliefs(study)[0]
        >>> abs(study.trials[best.number].params["x"]) < 0.3
        True
    """
    if len(study.directions) > 1:
        return []
    trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    variation = _variation(space, trials)
    proposal_of = RegularizedEvolutionSampler.proposal_of
    found = (outcome_of(trial, proposal_of(trial)) for trial in trials)
    outcomes = {
        one.number: one
        for one in found
        if one is not None and variation.identity(one.params) is not None
    }
    evidence = evidence_of(outcomes, (), study.directions, variation)
    if len(evidence.evaluated) < _FEWEST_RESULTS:
        return []
    opinion = GaussianProcessGuide().fit(evidence, np.random.default_rng(0))
    merits = opinion.merit([one.child for one in evidence.evaluated])  # all are complete
    # Merits are ranks: they are read back as values off the results themselves.
    by_merit = sorted(evidence.evaluated, key=lambda one: one.merit)
    scale = [one.merit for one in by_merit], [one.values[0] for one in by_merit]
    expected = np.interp(merits, *scale)
    found_beliefs = [
        Belief(number=one.number, observed=one.values[0], expected=float(value))
        for one, value in zip(evidence.evaluated, expected, strict=True)
    ]
    sign = -1 if study.directions[0] == StudyDirection.MAXIMIZE else 1
    return sorted(found_beliefs, key=lambda one: (sign * one.expected, sign * one.observed))


def _variation(space: GenomeSpace | None, trials: list[FrozenTrial]) -> Variation:
    if space is not None:
        return GenomeVariation(space, ())
    distributions: dict[str, BaseDistribution] = {}
    for trial in trials:
        distributions.update(trial.distributions)
    return ParameterVariation(
        {name: one for name, one in distributions.items() if not one.single()}
    )
