"""Which sampler proposes the children of a search: one of ours, or one of Optuna's."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from functools import partial
from typing import Any
from typing import final
from typing import Literal
from typing import TYPE_CHECKING

import numpy as np
from optuna.samplers import BaseSampler
from optuna.samplers import NSGAIISampler
from optuna.samplers import RandomSampler
from optuna.samplers import TPESampler

from optuna_xmcnas.samplers import GuidedEvolutionSampler
from optuna_xmcnas.samplers import RegularizedEvolutionSampler


if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial
    from optuna.trial import TrialState

    from optuna_xmcnas.genome import GenomeSpace


SamplerName = Literal["guided", "evolution", "tpe", "random", "nsgaii"]


def make_sampler(
    name: SamplerName, *, space: GenomeSpace, population_size: int, sample_size: int, seed: int
) -> BaseSampler:
    """Return a sampler for one worker of a search.

    With the same seed, the same finished trials lead to the same proposal, whichever worker makes
    it: a search may be continued, and several workers may share it.

    Args:
        name: Which one.
        space: Which genomes there are; Optuna's samplers learn it from the trials.
        population_size: Trials that can breed; nothing to ``tpe`` and ``random``.
        sample_size: Trials drawn, of which the best breeds; of ``guided`` and ``evolution`` only.
        seed: Of all draws.

    Raises:
        ValueError: If a number is out of range, or the name is not known.
    """
    if name == "guided":
        return GuidedEvolutionSampler(
            space=space, population_size=population_size, sample_size=sample_size, seed=seed
        )
    if name == "evolution":
        return RegularizedEvolutionSampler(
            space=space, population_size=population_size, sample_size=sample_size, seed=seed
        )
    if name == "tpe":  # its defaults are for many workers: what is in training counts as bad
        return _StreamPerTrial(TPESampler, seed)
    if name == "random":
        return _StreamPerTrial(RandomSampler, seed)
    if name == "nsgaii":
        return _StreamPerTrial(partial(NSGAIISampler, population_size=population_size), seed)
    raise ValueError(f"there is no sampler {name!r}.")


@final
class _StreamPerTrial(BaseSampler):
    """One of Optuna's samplers, made anew for each trial, with a random stream of the trial's own.

    Optuna's samplers draw from one stream for as long as the process lives. With the same seed,
    two workers would draw the same children one after the other, and a search that is continued
    those that it has tried; without one, no search could be repeated. A stream made from the seed
    and the trial's number is another one for every trial of the study and needs to know nothing of
    processes. Whatever else these samplers go by is in the storage, so a new one knows as much.

    Args:
        make: Returns the sampler with a seed, given by name.
        seed: Seed of all streams.

    Raises:
        ValueError: If the seed is negative, or ``make`` refuses its other settings.
    """

    def __init__(self, make: Callable[..., BaseSampler], seed: int) -> None:
        if seed < 0:
            raise ValueError(f"`seed` must not be negative; got {seed}.")
        make(seed=seed)  # checks its own settings
        self._make = make
        self._seed = seed
        self._samplers: dict[int, BaseSampler] = {}  # of running trials, by number

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_samplers": {}}

    def reseed_rng(self) -> None:
        """Do nothing: every trial has its own random stream, also among threads."""

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Begin the trial's stream."""
        self._samplers.pop(trial.number, None)
        self._sampler_of(trial).before_trial(study, trial)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return what the sampler wants to choose together."""
        return self._sampler_of(trial).infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return what the sampler chooses together."""
        return self._sampler_of(trial).sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Return what the sampler chooses for one parameter."""
        sampler = self._sampler_of(trial)
        return sampler.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Let the sampler note what it has to."""
        self._sampler_of(trial).after_trial(study, trial, state, values)
        self._samplers.pop(trial.number, None)

    def _sampler_of(self, trial: FrozenTrial) -> BaseSampler:
        if trial.number not in self._samplers:
            stream = np.random.SeedSequence((self._seed, trial.number))
            self._samplers[trial.number] = self._make(seed=int(stream.generate_state(1)[0]))
        return self._samplers[trial.number]
