"""Which children a guide is asked about."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from optuna_xmcnas.guides import Child
from optuna_xmcnas.guides import Evidence
from optuna_xmcnas.guides import Opinion
from optuna_xmcnas.samplers.population import Member
from optuna_xmcnas.samplers.variation import Variation


_N_BEST = 8  # children whose neighbours are asked about
_N_MUTANTS = 10  # of tournament winners
_N_RANDOM = 50


class Candidate(NamedTuple):
    """A child that nobody has been yet.

    Attributes:
        child: The child.
        identities: Of all complete trials that would be the same child.
        parent: Number of the trial it is a mutant of; None for a random one.
        mutation: Name of the mutation.
    """

    child: Child
    identities: frozenset[str]
    parent: int | None
    mutation: str | None


def candidates(
    evidence: Evidence,
    opinion: Opinion,
    variation: Variation,
    breeder: Callable[[], Member | None],
    known: set[str],
    rng: np.random.Generator,
) -> list[Candidate]:
    """Return the children that may come next, each once.

    They are all neighbours of the eight best children in the guide's own opinion, some mutants as
    plain evolution would make them, and some random children.

    Args:
        evidence: What the study has shown.
        opinion: What the guide makes of it.
        variation: The search space.
        breeder: Returns who wins a tournament; None while the population fills.
        known: Identities of children that have been tried or are in training.
        rng: Where the mutants and the random children come from.
    """
    # Where a wrapper keeps parameters from us, children are known by what they have of the rest.
    known = known.union(one.child.identity for one in evidence.evaluated)
    found: dict[str, Candidate] = {}
    for child, parent, mutation in _made(evidence, opinion, variation, breeder, rng):
        if child.identity in known or child.identity in found:
            continue
        identities = variation.equals(child)
        if known.isdisjoint(identities):
            found[child.identity] = Candidate(child, identities, parent, mutation)
    return list(found.values())


def _made(
    evidence: Evidence,
    opinion: Opinion,
    variation: Variation,
    breeder: Callable[[], Member | None],
    rng: np.random.Generator,
) -> Iterator[tuple[Child, int | None, str | None]]:
    for number, child in _best(evidence, opinion):
        for neighbour in variation.neighbours(child.params, rng):
            yield neighbour.child, number, neighbour.mutation
    for _ in range(_N_MUTANTS):
        parent = breeder()
        if parent is None:
            break
        params, mutation = variation.mutate(parent.params, rng)
        yield _child(variation, params), parent.number, mutation
    for _ in range(_N_RANDOM):
        yield _child(variation, variation.random(rng)), None, None


def _best(evidence: Evidence, opinion: Opinion) -> list[tuple[int, Child]]:
    """Return the best children in the guide's opinion with the trial each was first seen in."""
    first: dict[str, tuple[int, Child]] = {}
    for one in (one for one in evidence.evaluated if one.values):
        first.setdefault(one.child.identity, (one.number, one.child))
    numbered: Sequence[tuple[int, Child]] = list(first.values())
    merits = checked(opinion.merit, [child for _, child in numbered])
    return [numbered[int(i)] for i in np.argsort(-merits, kind="stable")[:_N_BEST]]


def _child(variation: Variation, params: dict[str, object]) -> Child:
    child = variation.child(params)
    assert child is not None  # a variation stays within its own space
    return child


def checked(judge: Callable[[Sequence[Child]], np.ndarray], children: list[Child]) -> np.ndarray:
    """Return what a guide says of children.

    Raises:
        ValueError: If it is not one number each.
    """
    said = np.asarray(judge(children), dtype=float)
    if said.shape != (len(children),) or np.isnan(said).any():
        name = getattr(judge, "__qualname__", repr(judge))
        raise ValueError(
            f"{name} must return one number per child, an array of shape ({len(children)},) "
            f"without NaN; got {'NaN' if said.shape == (len(children),) else said.shape}."
        )
    return said
