"""Genomes and trial parameters: one encoding, whichever sampler chooses."""

from __future__ import annotations

from typing import Any

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution
from optuna.distributions import IntDistribution
from optuna.samplers import BaseSampler
from optuna.samplers import NSGAIISampler
from optuna.samplers import RandomSampler
from optuna.samplers import TPESampler
from optuna.trial import FixedTrial
from optuna.trial import TrialState
import pytest

from optuna_xmcnas.exceptions import InvalidGenomeError
from optuna_xmcnas.genome import Genome
from optuna_xmcnas.genome import GenomeSpace
from optuna_xmcnas.genome import Node
from optuna_xmcnas.samplers import RegularizedEvolutionSampler


SPACES = {
    "default": GenomeSpace(),
    "narrow window": GenomeSpace(ops=("conv3", "bilstm"), window=1, max_layers=4),
    "fixed depth": GenomeSpace(ops=("conv3", "bilstm"), min_layers=3, max_layers=3),
    "one op": GenomeSpace(ops=("conv3",), min_layers=1),
    "frozen": GenomeSpace(frozen=(Node("bigru", 0), Node("my_block", 1))),
}


@pytest.fixture(params=SPACES)
def space(request: pytest.FixtureRequest) -> GenomeSpace:
    return SPACES[request.param]


def test_params_give_back_every_genome(space: GenomeSpace) -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        genome = space.random(rng)
        assert space.from_params(space.to_params(genome)) == genome


def test_a_parameter_exists_only_where_there_is_a_choice() -> None:
    genome = Genome((Node("conv3", 0), Node("conv3", 1), Node("conv3", 2)))
    assert SPACES["fixed depth"].to_params(genome) == {
        "op_1": "conv3",
        "op_2": "conv3",
        "source_2": 1,
        "op_3": "conv3",
        "source_3": 2,
    }
    assert SPACES["narrow window"].to_params(genome) == {
        "n_layers": 3,
        "op_1": "conv3",
        "op_2": "conv3",
        "op_3": "conv3",
    }
    assert SPACES["one op"].to_params(genome) == {"n_layers": 3, "source_2": 1, "source_3": 2}
    frozen = Genome((*SPACES["frozen"].frozen, Node("conv3", 2)))
    assert SPACES["frozen"].to_params(frozen) == {"n_layers": 3, "op_3": "conv3", "source_3": 2}


def test_distributions_cover_all_parameters_and_none_is_single(space: GenomeSpace) -> None:
    distributions = space.distributions()
    rng = np.random.default_rng(0)
    for _ in range(50):
        for name, value in space.to_params(space.random(rng)).items():
            distribution = distributions[name]
            assert distribution._contains(distribution.to_internal_repr(value))
    assert not any(distribution.single() for distribution in distributions.values())


def test_distributions_of_the_default_space() -> None:
    found = GenomeSpace(max_layers=3).distributions()
    ops = CategoricalDistribution(GenomeSpace().ops)
    assert found == {
        "n_layers": IntDistribution(2, 3),
        "op_1": ops,
        "op_2": ops,
        "source_2": IntDistribution(0, 1),
        "op_3": ops,
        "source_3": IntDistribution(0, 2),
    }


def test_to_params_refuses_a_foreign_genome() -> None:
    with pytest.raises(InvalidGenomeError, match="applies 'my_op'"):
        GenomeSpace().to_params(Genome((Node("my_op", 0), Node("conv3", 0))))


def test_from_params_ignores_foreign_names() -> None:
    params = {"n_layers": 2, "op_1": "conv3", "op_2": "conv5", "source_2": 1}
    genome = GenomeSpace().from_params({**params, "op_6": "bilstm", "learning_rate": 0.1})
    assert genome == Genome((Node("conv3", 0), Node("conv5", 1)))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"n_layers": 7}, r"'n_layers' must be within 2\.\.6; got 7"),
        ({"n_layers": None}, "'n_layers' must be within"),
        ({"n_layers": "2"}, "'n_layers' must be within"),
        ({"n_layers": 2.0}, "'n_layers' must be within"),
        ({"n_layers": 3}, "3 layers needs the parameters op_3, source_3"),
        ({"op_2": "lstm"}, "node 2 applies 'lstm'; allowed: conv1"),
        ({"op_2": None}, "`op` must be"),
        ({"source_2": 2}, "reads output 2"),
        ({"source_2": -1}, "`source` must be"),
        ({"source_2": 1.5}, "`source` must be"),
    ],
)
def test_from_params_refuses_what_is_no_genome(change: dict[str, Any], complaint: str) -> None:
    params = {"n_layers": 2, "op_1": "conv3", "op_2": "conv5", "source_2": 1, **change}
    with pytest.raises(InvalidGenomeError, match=complaint):
        GenomeSpace().from_params(params)


def test_from_params_says_what_is_missing() -> None:
    with pytest.raises(InvalidGenomeError, match="'n_layers' must be within"):
        GenomeSpace().from_params({})
    with pytest.raises(InvalidGenomeError, match="needs the parameters op_1; got none"):
        GenomeSpace(min_layers=1, max_layers=1).from_params({})


@pytest.mark.parametrize(
    "sampler",
    [
        RandomSampler(seed=0),
        TPESampler(seed=0, n_startup_trials=5),
        NSGAIISampler(seed=0, population_size=4),
        RegularizedEvolutionSampler(seed=0, population_size=4, sample_size=2),
        RegularizedEvolutionSampler(
            space=SPACES["default"], seed=0, population_size=4, sample_size=2
        ),
    ],
    ids=lambda sampler: type(sampler).__name__,
)
@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_any_sampler_searches_the_space(sampler: BaseSampler) -> None:
    space = SPACES["default"]
    genomes = []

    def objective(trial: optuna.Trial) -> float:
        genomes.append(space.suggest(trial))
        return sum(node.op == "bilstm" for node in genomes[-1].nodes)

    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(objective, n_trials=20)
    assert all(genome in space for genome in genomes)
    assert [space.from_params(trial.params) for trial in study.trials] == genomes


def test_a_fixed_trial_gives_its_genome(space: GenomeSpace) -> None:
    genome = space.random(np.random.default_rng(1))
    assert space.suggest(FixedTrial(space.to_params(genome))) == genome


@pytest.mark.parametrize("evolves", [True, False])
def test_an_enqueued_genome_is_evaluated_exactly(evolves: bool) -> None:
    space = SPACES["default"]
    sampler: BaseSampler = RandomSampler(seed=0)
    if evolves:
        sampler = RegularizedEvolutionSampler(
            space=space, population_size=2, sample_size=2, seed=0
        )
    study = optuna.create_study(sampler=sampler)
    rng = np.random.default_rng(0)
    wanted = [space.random(rng) for _ in range(5)]
    for genome in wanted:
        space.enqueue(study, genome)
    study.optimize(lambda trial: float(space.suggest(trial).n_layers), n_trials=6)
    assert [space.from_params(trial.params) for trial in study.trials[:5]] == wanted
    assert all(trial.state == TrialState.COMPLETE for trial in study.trials)


def test_a_foreign_genome_is_not_enqueued() -> None:
    study = optuna.create_study()
    with pytest.raises(InvalidGenomeError, match="layers; got 1"):
        SPACES["default"].enqueue(study, Genome((Node("conv3", 0),)))
    assert not study.trials


def test_the_objective_may_suggest_more_than_the_genome() -> None:
    space = SPACES["default"]
    sampler = RegularizedEvolutionSampler(space=space, population_size=3, sample_size=2, seed=0)
    study = optuna.create_study(sampler=sampler)

    def objective(trial: optuna.Trial) -> float:
        rate = trial.suggest_float("rate", 1e-4, 1e-1, log=True)
        return rate * space.suggest(trial).n_layers + trial.suggest_int("seed", 3, 3)

    study.optimize(objective, n_trials=10)
    assert len({trial.params["rate"] for trial in study.trials}) == 10
