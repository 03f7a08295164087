"""Every promise Optuna makes for a sampler holds for ours, with and without a space."""

from __future__ import annotations

from collections.abc import Callable

from optuna.samplers import BaseSampler
from optuna.testing.pytest_samplers import BasicSamplerTestCase
from optuna.testing.pytest_samplers import MultiObjectiveSamplerTestCase
from optuna.testing.pytest_samplers import RelativeSamplerTestCase
import pytest

from optuna_xmcnas import GenomeSpace
from optuna_xmcnas import GuidedEvolutionSampler
from optuna_xmcnas import RegularizedEvolutionSampler


# The population is small enough for the suite's short studies to breed.
class TestAnySearchSpace(
    BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase
):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: RegularizedEvolutionSampler(population_size=2, sample_size=2, seed=0)


class TestGenomeSpace(
    BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase
):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: RegularizedEvolutionSampler(
            space=GenomeSpace(), population_size=2, sample_size=2, seed=0
        )


class TestAnySearchSpaceGuided(
    BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase
):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: GuidedEvolutionSampler(
            population_size=2, sample_size=2, n_startup_trials=2, seed=0
        )


class TestGenomeSpaceGuided(
    BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase
):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: GuidedEvolutionSampler(
            space=GenomeSpace(), population_size=2, sample_size=2, n_startup_trials=2, seed=0
        )
