"""Either kind of search space: random, mutated, completed and recognised parameters."""

from __future__ import annotations

from collections import Counter
from math import nan
from typing import Any

import numpy as np
from optuna.distributions import CategoricalDistribution
from optuna.distributions import FloatDistribution
from optuna.distributions import IntDistribution
import pytest

from optuna_xmcnas.genome import canonical_hash
from optuna_xmcnas.genome import Genome
from optuna_xmcnas.genome import GenomeSpace
from optuna_xmcnas.genome import get_mutation
from optuna_xmcnas.genome import Node
from optuna_xmcnas.guides import GenomeFeatures
from optuna_xmcnas.guides import ParameterFeatures
from optuna_xmcnas.samplers.values import contains
from optuna_xmcnas.samplers.variation import GenomeVariation
from optuna_xmcnas.samplers.variation import ParameterVariation
from tests.samplers.distributions import DISTRIBUTIONS


SPACE = GenomeSpace(ops=("conv3", "bilstm", "bigru"), min_layers=2, max_layers=4)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def genomes_of(*mutations: str, space: GenomeSpace = SPACE) -> GenomeVariation:
    return GenomeVariation(space, [get_mutation(name) for name in mutations])


# Parameters of any search space.


def test_random_parameters_have_all_names(rng: np.random.Generator) -> None:
    params = ParameterVariation(DISTRIBUTIONS).random(rng)
    assert params.keys() == DISTRIBUTIONS.keys()


def test_one_parameter_of_the_parent_changes(rng: np.random.Generator) -> None:
    variation = ParameterVariation(DISTRIBUTIONS)
    parent = variation.random(rng)
    changes: Counter[str] = Counter()
    for _ in range(300):
        child, mutation = variation.mutate(parent, rng)
        changed = [name for name in DISTRIBUTIONS if child[name] is not parent[name]]
        assert [f"change {name}" for name in changed] == [mutation]
        changes.update(changed)
    assert changes.keys() == DISTRIBUTIONS.keys()


def test_only_what_the_parent_used_changes_and_the_rest_is_random(
    rng: np.random.Generator,
) -> None:
    variation = ParameterVariation(DISTRIBUTIONS)
    parent = {"int": 2, "choices": "a"}
    children = [variation.mutate(parent, rng) for _ in range(50)]
    assert {mutation for _, mutation in children} == {"change int", "change choices"}
    assert all(child.keys() == DISTRIBUTIONS.keys() for child, _ in children)
    assert len({child["float"] for child, _ in children}) == 50


def test_a_value_that_no_longer_exists_is_not_inherited(rng: np.random.Generator) -> None:
    variation = ParameterVariation(
        {"int": IntDistribution(0, 4), "float": FloatDistribution(0, 1)}
    )
    for _ in range(20):
        child, mutation = variation.mutate({"int": 99, "float": 0.5}, rng)
        assert mutation == "change float"
        assert child["int"] in range(5)


def test_a_parent_of_another_space_gives_random_children(rng: np.random.Generator) -> None:
    variation = ParameterVariation({"int": IntDistribution(0, 10**6)})
    children = [variation.mutate({"other": 1}, rng) for _ in range(10)]
    assert {mutation for _, mutation in children} == {"none"}
    assert len({child["int"] for child, _ in children}) == 10


def test_fixed_parameters_are_kept(rng: np.random.Generator) -> None:
    variation = ParameterVariation(DISTRIBUTIONS)
    kept = variation.keep({"int": 3, "foreign": 1}, rng)
    assert kept is not None
    assert kept["int"] == 3
    assert kept.keys() == DISTRIBUTIONS.keys()
    assert variation.keep({"foreign": 1}, rng) is None
    assert variation.keep({}, rng) is None


def test_parameters_are_known_by_names_and_values() -> None:
    variation = ParameterVariation(DISTRIBUTIONS)
    assert variation.identity({"a": 1, "b": "x"}) == variation.identity({"b": "x", "a": 1})
    values = (1, 1.5, True, None, "1", nan)
    different: list[dict[str, Any]] = [*({"a": value} for value in values), {"b": 1}]
    different.append({"a": 1, "b": 1})
    assert len({variation.identity(params) for params in different}) == len(different)
    assert variation.identity({}) is None


def test_a_child_is_known_on_the_path_that_it_will_take() -> None:
    paths = [frozenset({"kind"}), frozenset({"kind", "width"}), frozenset({"kind", "other"})]
    variation = ParameterVariation(DISTRIBUTIONS, paths=paths)
    child = {"kind": "wide", "width": 3}
    identities = variation.identities(child)
    assert variation.identity(child) in identities
    assert variation.identity({"kind": "wide"}) in identities
    assert len(identities) == 2  # the third path needs a name that it has not


def test_a_child_is_its_own_parameters_in_numbers() -> None:
    variation = ParameterVariation(DISTRIBUTIONS)
    child = variation.child({"int": 3, "choices": "b", "foreign": 1, "log int": 9999})
    assert child is not None
    assert child.params == {"int": 3, "choices": "b"}  # 9999 is out of range
    assert child.identity == variation.identity(child.params)
    assert child.genome is None
    assert (child.features == ParameterFeatures(DISTRIBUTIONS).row(child.params)).all()
    assert variation.groups == ParameterFeatures(DISTRIBUTIONS).groups
    assert variation.child({"foreign": 1}) is None
    assert variation.child({}) is None


def test_neighbours_change_one_parameter_to_every_choice_and_some_numbers(
    rng: np.random.Generator,
) -> None:
    variation = ParameterVariation(DISTRIBUTIONS)
    parent = variation.random(rng)
    changes: Counter[str] = Counter()
    for child, mutation in variation.neighbours(parent, rng):
        changed = [name for name in DISTRIBUTIONS if child.params[name] is not parent[name]]
        assert [f"change {name}" for name in changed] == [mutation]
        assert variation.child(child.params) is not None
        assert all(contains(DISTRIBUTIONS[name], value) for name, value in child.params.items())
        changes.update(changed)
    assert changes.keys() == DISTRIBUTIONS.keys()
    assert (changes["choices"], changes["odd choices"]) == (2, 4)
    assert changes["two ints"] == 1
    assert 4 <= changes["float"] <= 8


def test_neighbours_are_complete_where_the_parent_took_a_branch(rng: np.random.Generator) -> None:
    variation = ParameterVariation(DISTRIBUTIONS)
    found = variation.neighbours({"choices": "a", "foreign": 1}, rng)
    assert [child.params["choices"] for child, _ in found] == ["b", "c"]
    assert all(child.params.keys() == DISTRIBUTIONS.keys() for child, _ in found)
    assert variation.neighbours({"foreign": 1}, rng) == []


def test_a_single_value_has_no_neighbours(rng: np.random.Generator) -> None:
    variation = ParameterVariation(
        {"choice": CategoricalDistribution(("a",)), "n": IntDistribution(0, 1)}
    )
    found = variation.neighbours({"choice": "a", "n": 0}, rng)
    assert [dict(child.params) for child, _ in found] == [{"choice": "a", "n": 1}]


# Genomes.


def test_random_parameters_are_genomes(rng: np.random.Generator) -> None:
    variation = genomes_of("swap_op")
    assert all(SPACE.from_params(variation.random(rng)) in SPACE for _ in range(50))


def test_a_mutant_is_one_step_away_and_says_which(rng: np.random.Generator) -> None:
    names = ("change_source", "swap_op", "add_layer")
    variation = genomes_of(*names)
    for _ in range(100):
        parent = SPACE.random(rng)
        params, mutation = variation.mutate(SPACE.to_params(parent), rng)
        neighbours = get_mutation(mutation).neighbours(parent, SPACE)
        assert SPACE.from_params(params) in set(neighbours)


def test_the_kind_is_drawn_uniformly_among_those_that_apply(rng: np.random.Generator) -> None:
    variation = genomes_of("change_source", "swap_op", "add_layer")
    shallow = SPACE.to_params(Genome((Node("conv3", 0), Node("conv3", 0))))
    deep = SPACE.to_params(Genome((Node("conv3", 0),) * 4))
    kinds = Counter(variation.mutate(shallow, rng)[1] for _ in range(900))
    assert all(abs(kinds[name] - 300) < 4 * 14.2 for name in kinds)
    assert len(kinds) == 3
    kinds = Counter(variation.mutate(deep, rng)[1] for _ in range(900))
    assert kinds.keys() == {"change_source", "swap_op"}
    assert all(abs(kinds[name] - 450) < 4 * 15 for name in kinds)


def test_a_space_without_any_neighbour_repeats_itself(rng: np.random.Generator) -> None:
    only = GenomeSpace(ops=("conv3",), min_layers=1, max_layers=1)
    variation = genomes_of("change_source", "swap_op", "add_layer", space=only)
    assert variation.mutate({}, rng) == ({}, "none")


def test_a_genome_is_completed_around_fixed_parameters(rng: np.random.Generator) -> None:
    variation = genomes_of("swap_op")
    fixed: list[dict[str, Any]] = [
        {"n_layers": 3},
        {"op_1": "bigru"},
        {"op_4": "bigru"},  # only a genome of four layers uses it
        {"source_3": 2, "op_2": "conv3"},
        {"n_layers": 4, "op_1": "conv3", "op_2": "conv3", "op_3": "conv3", "op_4": "bilstm"},
    ]
    for given in fixed:
        for _ in range(20):
            params = variation.keep({**given, "rate": 0.1}, rng)
            assert params is not None
            assert SPACE.from_params(params) in SPACE
            assert params.keys() == SPACE.to_params(SPACE.from_params(params)).keys()
            assert given.items() <= params.items()


def test_every_fitting_depth_is_drawn(rng: np.random.Generator) -> None:
    variation = genomes_of("swap_op")
    depths = Counter((variation.keep({"op_3": "conv3"}, rng) or {})["n_layers"] for _ in range(60))
    assert depths.keys() == {3, 4}


def test_contradicting_fixed_parameters_still_give_a_genome(rng: np.random.Generator) -> None:
    params = genomes_of("swap_op").keep({"n_layers": 2, "op_4": "bigru"}, rng)
    assert params is not None
    assert SPACE.from_params(params).n_layers == 2
    assert "op_4" not in params


@pytest.mark.parametrize(
    "fixed", [{}, {"rate": 1}, {"n_layers": 9}, {"op_1": "lstm"}, {"op_9": 1}]
)
def test_fixed_parameters_outside_the_space_are_left_alone(
    fixed: dict[str, Any], rng: np.random.Generator
) -> None:
    assert genomes_of("swap_op").keep(fixed, rng) is None


def test_genomes_are_known_by_their_canonical_hash() -> None:
    variation = genomes_of("swap_op")
    one = Genome((Node("conv3", 0), Node("bilstm", 0)))
    other = Genome((Node("bilstm", 0), Node("conv3", 0)))
    identity = variation.identity(SPACE.to_params(one))
    assert identity == canonical_hash(one) == variation.identity(SPACE.to_params(other))
    assert variation.identities(SPACE.to_params(one)) == {identity}
    assert variation.identity({"n_layers": 2}) is None
    assert variation.identities({"n_layers": 2}) == frozenset()


def test_a_genome_is_a_child() -> None:
    variation = genomes_of("swap_op")
    genome = Genome((Node("conv3", 0), Node("bilstm", 0)))
    child = variation.child(SPACE.to_params(genome))
    assert child is not None
    assert (child.genome, child.params) == (genome, SPACE.to_params(genome))
    assert child.identity == canonical_hash(genome)
    assert (child.features == GenomeFeatures(SPACE).row(genome)).all()
    assert variation.groups == GenomeFeatures(SPACE).groups


@pytest.mark.parametrize(
    "params", [{}, {"n_layers": 2}, {"n_layers": 9}, {"n_layers": 2, "op_1": [1], "op_2": {}}]
)
def test_what_is_no_genome_is_no_child(params: dict[str, Any]) -> None:
    assert genomes_of("swap_op").child(params) is None


def test_neighbours_are_all_other_networks_one_mutation_away(rng: np.random.Generator) -> None:
    names = ("change_source", "swap_op", "add_layer", "identity")
    variation = genomes_of(*names)
    for _ in range(80):  # more than are remembered
        genome = SPACE.random(rng)
        own = canonical_hash(genome)
        expected = Counter(
            (canonical_hash(neighbour), name)
            for name in names
            for neighbour in get_mutation(name).neighbours(genome, SPACE)
            if canonical_hash(neighbour) != own
        )
        for _ in range(2):  # the second time they are remembered
            found = variation.neighbours(SPACE.to_params(genome), rng)
            assert Counter((n.child.identity, n.mutation) for n in found) == expected
        for child, _ in found:
            assert child.genome == SPACE.from_params(child.params)


def test_neighbours_draw_nothing_at_random() -> None:
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    genome = Genome((Node("conv3", 0), Node("bilstm", 0)))
    genomes_of("swap_op").neighbours(SPACE.to_params(genome), rng)
    assert rng.bit_generator.state == before


def test_what_is_remembered_of_one_genome_is_not_taken_for_another_of_the_same_network() -> None:
    rng, names = np.random.default_rng(0), ("change_source", "swap_op", "add_layer")
    one = Genome((Node("conv3", 0), Node("bilstm", 0), Node("bigru", 1)))
    other = Genome((Node("bilstm", 0), Node("conv3", 0), Node("bigru", 2)))
    fresh = genomes_of(*names).neighbours(SPACE.to_params(other), rng)
    variation = genomes_of(*names)
    variation.neighbours(SPACE.to_params(one), rng)
    found = variation.neighbours(SPACE.to_params(other), rng)
    assert [n.child.genome for n in found] == [n.child.genome for n in fresh]


def test_a_genome_is_a_child_whatever_else_its_trial_has() -> None:
    variation = genomes_of("swap_op")
    params = SPACE.to_params(Genome((Node("conv3", 0), Node("bilstm", 0))))
    child = variation.child({**params, "kernels": [3, 5]})
    assert child is not None
    assert child.identity == variation.identity(params)


def test_a_candidate_looks_like_the_conditional_trial_that_it_will_be() -> None:
    on_a, on_b = frozenset({"kind", "n_a"}), frozenset({"kind", "n_b"})
    variation = ParameterVariation(
        {
            "kind": CategoricalDistribution(["a", "b"]),
            "n_a": IntDistribution(0, 9),
            "n_b": IntDistribution(0, 9),
        },
        paths=[on_a, on_b],
        branches={"kind": {"'a'": {on_a}, "'b'": {on_b}}},
    )
    candidate = variation.child({"kind": "b", "n_a": 3, "n_b": 8})
    trial = variation.child({"kind": "b", "n_b": 8})
    other = variation.child({"kind": "a", "n_a": 3})
    assert candidate is not None
    assert trial is not None
    assert other is not None
    assert candidate.params == {"kind": "b", "n_a": 3, "n_b": 8}  # all of it is proposed
    assert (candidate.features == trial.features).all()
    assert (candidate.features != other.features).any()
