"""A mutation leads to another genome of the space, by one step, and leaves frozen nodes alone."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest

from optuna_xmcnas.genome import DEFAULT_MUTATIONS
from optuna_xmcnas.genome import Genome
from optuna_xmcnas.genome import GenomeSpace
from optuna_xmcnas.genome import get_mutation
from optuna_xmcnas.genome import Mutation
from optuna_xmcnas.genome import mutation_names
from optuna_xmcnas.genome import mutations
from optuna_xmcnas.genome import Node
from optuna_xmcnas.genome import register_mutation


SPACES = {
    "small": GenomeSpace(ops=("conv3", "bilstm"), min_layers=1, max_layers=3),
    "narrow window": GenomeSpace(ops=("conv3", "bilstm"), min_layers=2, max_layers=4, window=2),
    "one op": GenomeSpace(ops=("conv3",), min_layers=1, max_layers=4),
    "frozen": GenomeSpace(
        ops=("conv3", "bilstm"), max_layers=4, frozen=(Node("bigru", 0), Node("conv7", 0))
    ),
}
BUILT_IN = ("add_layer", "change_source", "identity", "remove_layer", "swap_op")


@pytest.fixture(params=SPACES)
def space(request: pytest.FixtureRequest) -> GenomeSpace:
    return SPACES[request.param]


@pytest.fixture
def clean_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what a test registers."""
    monkeypatch.setattr(mutations, "_REGISTRY", dict(mutations._REGISTRY))


def all_genomes(space: GenomeSpace) -> set[Genome]:
    """Return every genome of a space: all combinations, less those not in it."""
    ops = {*space.ops, *(node.op for node in space.frozen)}
    found = set()
    for n_layers in range(space.min_layers, space.max_layers + 1):
        choices = [[Node(op, s) for op in ops for s in range(i)] for i in range(1, n_layers + 1)]
        found |= {Genome(nodes) for nodes in product(*choices) if Genome(nodes) in space}
    return found


def differences(one: Genome, other: Genome) -> list[tuple[bool, bool]]:
    """Return for each position whether op and source differ; of equally long genomes."""
    pairs = zip(one.nodes, other.nodes, strict=True)
    return [(a.op != b.op, a.source != b.source) for a, b in pairs]


def is_step(name: str, before: Genome, after: Genome) -> bool:
    """Return whether one genome is one step of a kind from another: the definition, slowly."""
    if name in {"change_source", "swap_op"}:
        if before.n_layers != after.n_layers:
            return False
        changed = (False, True) if name == "change_source" else (True, False)
        return sorted(set(differences(before, after)) - {(False, False)}) == [changed] and (
            differences(before, after).count(changed) == 1
        )
    assert name == "add_layer"
    return after.nodes[:-1] == before.nodes


@pytest.mark.parametrize("name", DEFAULT_MUTATIONS)
def test_the_neighbours_are_exactly_the_genomes_one_step_away(
    name: str, space: GenomeSpace
) -> None:
    genomes = all_genomes(space)
    for genome in genomes:
        neighbours = list(get_mutation(name).neighbours(genome, space))
        assert len(set(neighbours)) == len(neighbours)
        assert set(neighbours) == {g for g in genomes if is_step(name, genome, g)}


@pytest.mark.parametrize("name", BUILT_IN)
def test_draws_stay_in_the_space_and_leave_frozen_nodes_alone(
    name: str, space: GenomeSpace
) -> None:
    rng = np.random.default_rng(0)
    mutation = get_mutation(name)
    for genome in all_genomes(space):
        drawn = mutation.draw(genome, space, rng)
        if drawn is None:
            assert not mutation.moves(genome, space)
            continue
        assert drawn in space
        assert drawn.nodes[: len(space.frozen)] == space.frozen
        assert (drawn == genome) == (name == "identity")


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_neighbour_can_be_drawn(name: str) -> None:
    space, rng = SPACES["narrow window"], np.random.default_rng(0)
    genome = Genome((Node("conv3", 0), Node("bilstm", 0), Node("conv3", 2)))
    neighbours: set[Genome | None] = {*get_mutation(name).neighbours(genome, space)}
    drawn = {get_mutation(name).draw(genome, space, rng) for _ in range(200)}
    assert drawn == (neighbours or {None})


def test_the_position_is_drawn_first() -> None:
    # Node 2 has one other source, node 3 has two: still each node changes half of the time.
    space, rng = GenomeSpace(ops=("conv3",), max_layers=3), np.random.default_rng(0)
    genome = Genome((Node("conv3", 0), Node("conv3", 0), Node("conv3", 0)))
    draws = [get_mutation("change_source").draw(genome, space, rng) for _ in range(1000)]
    second = sum(drawn is not None and drawn.nodes[1].source == 1 for drawn in draws)
    assert abs(second - 500) < 4 * 16  # four deviations


def test_nothing_is_added_at_the_deepest_and_removed_at_the_shallowest() -> None:
    space = SPACES["small"]
    shallowest = Genome((Node("conv3", 0),))
    deepest = Genome((Node("conv3", 0), Node("conv3", 1), Node("conv3", 2)))
    rng = np.random.default_rng(0)
    assert get_mutation("add_layer").draw(deepest, space, rng) is None
    assert get_mutation("remove_layer").draw(shallowest, space, rng) is None
    assert get_mutation("change_source").draw(shallowest, space, rng) is None


def test_what_read_a_removed_layer_reads_its_source() -> None:
    chain = Genome((Node("conv3", 0), Node("bilstm", 1), Node("conv3", 2), Node("conv3", 1)))
    space = GenomeSpace(ops=("conv3", "bilstm"))
    shorter = get_mutation("remove_layer").moves(chain, space)
    assert [str(g) for g in shorter[2]] == ["1:conv3(0) 2:conv3(1) 3:conv3(1)"]
    assert [str(g) for g in shorter[1]] == ["1:bilstm(0) 2:conv3(1) 3:conv3(0)"]
    assert [str(g) for g in shorter[4]] == ["1:conv3(0) 2:bilstm(1) 3:conv3(2)"]


def test_removing_undoes_adding() -> None:
    space = SPACES["small"]
    for genome in all_genomes(space):
        for longer in get_mutation("add_layer").neighbours(genome, space):
            assert genome in set(get_mutation("remove_layer").neighbours(longer, space))


def test_the_defaults_reach_every_deeper_genome_from_every_shallowest_one() -> None:
    space = SPACES["narrow window"]
    start = Genome((Node("bilstm", 0), Node("bilstm", 0)))
    reached, waiting = {start}, [start]
    while waiting:
        genome = waiting.pop()
        for name in DEFAULT_MUTATIONS:
            new = set(get_mutation(name).neighbours(genome, space)) - reached
            reached |= new
            waiting += new
    assert reached == all_genomes(space)


def test_built_in_mutations_are_known_by_name() -> None:
    assert mutation_names() == BUILT_IN
    assert DEFAULT_MUTATIONS == ("change_source", "swap_op", "add_layer")


class TurnAround(Mutation):
    """A user's own: every source becomes the embedding, if that is a change."""

    name = "turn_around"

    def moves(self, genome: Genome, space: GenomeSpace) -> Mapping[int, Sequence[Genome]]:
        flat = Genome(tuple(Node(node.op, 0) for node in genome.nodes))
        return {} if flat == genome or flat not in space else {0: [flat]}


@pytest.mark.usefixtures("clean_registry")
def test_users_add_mutations() -> None:
    register_mutation(TurnAround())
    assert "turn_around" in mutation_names()
    chain = Genome((Node("conv3", 0), Node("bilstm", 1)))
    drawn = get_mutation("turn_around").draw(chain, SPACES["small"], np.random.default_rng(0))
    assert drawn == Genome((Node("conv3", 0), Node("bilstm", 0)))


@pytest.mark.usefixtures("clean_registry")
def test_a_name_is_given_once() -> None:
    register_mutation(TurnAround())
    with pytest.raises(ValueError, match="'turn_around' is registered already"):
        register_mutation(TurnAround())


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'swap_ops'; known: add_layer, .*swap_op\."):
        get_mutation("swap_ops")


def test_a_sequence_of_draws_depends_on_the_generator_only() -> None:
    def walk(seed: int) -> Iterator[Genome]:
        rng = np.random.default_rng(seed)
        genome = GenomeSpace().random(rng)
        for step in range(30):
            name = DEFAULT_MUTATIONS[step % 2]
            genome = get_mutation(name).draw(genome, GenomeSpace(), rng) or genome
            yield genome

    assert list(walk(1)) == list(walk(1))
    assert list(walk(1)) != list(walk(2))
