"""Who may come next: neighbours of the best, mutants, random children; each new and once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.distributions import CategoricalDistribution
from optuna.distributions import IntDistribution
import pytest

from optuna_xmcnas import GenomeSpace
from optuna_xmcnas.genome import get_mutation
from optuna_xmcnas.guides import Child
from optuna_xmcnas.guides import Evaluated
from optuna_xmcnas.guides import Evidence
from optuna_xmcnas.samplers.candidates import Candidate
from optuna_xmcnas.samplers.candidates import candidates
from optuna_xmcnas.samplers.population import Member
from optuna_xmcnas.samplers.variation import GenomeVariation
from optuna_xmcnas.samplers.variation import ParameterVariation
from optuna_xmcnas.samplers.variation import Variation


SPACE = GenomeSpace(ops=("conv3", "bilstm", "bigru"), min_layers=2, max_layers=4)
MUTATIONS = [get_mutation(name) for name in ("change_source", "swap_op", "add_layer")]
GENOMES = GenomeVariation(SPACE, MUTATIONS)
PLAIN: dict[str, BaseDistribution] = {
    "kind": CategoricalDistribution(("a", "b", "c")),
    "n": IntDistribution(0, 10**6),
}


class Backwards:
    """The opinion that children seen later are better, by their number in the parameters."""

    def __init__(self, order: Sequence[str]) -> None:
        self._order = list(order)

    def merit(self, children: Sequence[Child]) -> np.ndarray:
        return np.array([float(self._order.index(child.identity)) for child in children])

    def promise(self, children: Sequence[Child]) -> np.ndarray:
        return self.merit(children)


def shown(variation: Variation, params: Sequence[dict[str, Any]]) -> Evidence:
    evaluated = []
    for number, one in enumerate(params):
        child = variation.child(one)
        assert child is not None
        evaluated.append(Evaluated(child=child, merit=0.0, values=(0.0,), number=number))
    return Evidence(evaluated=evaluated, groups=variation.groups)


def found(
    variation: Variation,
    evidence: Evidence,
    *,
    breeder: Member | None = None,
    known: set[str] | None = None,
    seed: int = 0,
) -> list[Candidate]:
    opinion = Backwards(list(dict.fromkeys(one.child.identity for one in evidence.evaluated)))
    rng = np.random.default_rng(seed)
    return candidates(evidence, opinion, variation, lambda: breeder, known or set(), rng)


def random_params(variation: Variation, n: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(1)
    return [variation.random(rng) for _ in range(n)]


@pytest.fixture(params=["genomes", "parameters"])
def variation(request: pytest.FixtureRequest) -> Variation:
    return GENOMES if request.param == "genomes" else ParameterVariation(PLAIN)


def test_each_candidate_is_new_and_comes_once(variation: Variation) -> None:
    evidence = shown(variation, random_params(variation, 12))
    everybody = found(variation, evidence)
    known = {one.child.identity for one in everybody[::2]}
    left = found(variation, evidence, known=known)
    assert [one.child.identity for one in left] == [o.child.identity for o in everybody[1::2]]
    assert len({one.child.identity for one in everybody}) == len(everybody)
    assert all(one.child.identity in one.identities for one in everybody)


def test_the_same_stream_gives_the_same_candidates(variation: Variation) -> None:
    evidence = shown(variation, random_params(variation, 5))
    one, other = (found(variation, evidence) for _ in range(2))
    assert [c.child.identity for c in one] == [c.child.identity for c in other]
    assert [c.child.params for c in one] == [c.child.params for c in other]


def test_all_neighbours_of_the_eight_best_are_among_them_and_of_no_other() -> None:
    params = random_params(GENOMES, 12)
    evidence = shown(GENOMES, params)
    everybody = found(GENOMES, evidence)
    rng = np.random.default_rng(0)
    neighbours = [{n.child.identity for n in GENOMES.neighbours(p, rng)} for p in params]
    for candidate in everybody:
        if candidate.parent is not None:
            assert candidate.child.identity in neighbours[candidate.parent]
            assert candidate.mutation in {mutation.name for mutation in MUTATIONS}
    identities = {candidate.child.identity for candidate in everybody}
    tried = {one.child.identity for one in evidence.evaluated}
    assert set().union(*neighbours[4:]) - tried <= identities  # later ones are thought better
    assert {one.parent for one in everybody} - {None} <= set(range(4, 12))


def test_a_child_trained_twice_counts_once_as_the_trial_that_had_it_first() -> None:
    (params,) = random_params(GENOMES, 1)
    evidence = shown(GENOMES, [params] * 3)
    assert {one.parent for one in found(GENOMES, evidence)} == {0, None}


def test_mutants_of_whoever_breeds_and_random_children_are_among_them(
    variation: Variation,
) -> None:
    params, other = random_params(variation, 2)
    parent = Member(
        number=77, age=None, completed=None, values=(0.0,), params=other, distributions={}
    )
    evidence = shown(variation, [params])
    bred = [one for one in found(variation, evidence, breeder=parent) if one.parent == 77]
    neighbours = {n.child.identity for n in variation.neighbours(other, np.random.default_rng(0))}
    assert 3 <= len(bred) <= 10
    if isinstance(variation, GenomeVariation):
        assert {one.child.identity for one in bred} <= neighbours
    drawn = [one for one in found(variation, evidence) if one.parent is None]
    assert 25 <= len(drawn) <= 50
    assert {one.mutation for one in drawn} == {None}
    assert 77 not in {one.parent for one in found(variation, evidence)}


def test_nothing_is_left_of_an_exhausted_space() -> None:
    space = GenomeSpace(ops=("conv3",), min_layers=1, max_layers=2)
    variation = GenomeVariation(space, MUTATIONS)
    evidence = shown(variation, random_params(variation, 1))
    everybody = {one.child.identity for one in found(variation, evidence)}
    known = everybody | {one.child.identity for one in evidence.evaluated}
    assert found(variation, evidence, known=known) == []


def test_in_a_conditional_space_a_known_path_makes_a_child_known() -> None:
    variation = ParameterVariation(PLAIN, paths=[frozenset({"kind"}), frozenset(PLAIN)])
    short = variation.identity({"kind": "a"})
    assert short is not None
    evidence = shown(variation, [{"kind": "b", "n": 3}])
    free = {one.child.params["kind"] for one in found(variation, evidence)}
    left = {one.child.params["kind"] for one in found(variation, evidence, known={short})}
    assert free == {"a", "b", "c"}
    assert left == {"b", "c"}
