"""What a guide is: anything with the right methods; what it is shown cannot be changed."""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses

import numpy as np
import pytest

from optuna_xmcnas.guides import Child
from optuna_xmcnas.guides import Evaluated
from optuna_xmcnas.guides import Evidence
from optuna_xmcnas.guides import GaussianProcessGuide
from optuna_xmcnas.guides import Guide
from optuna_xmcnas.guides import Opinion


CHILD = Child(identity="a", params={"x": 1}, genome=None, features=np.zeros(2, dtype=np.float32))
EVALUATED = Evaluated(child=CHILD, merit=0.5, values=(1.0,), number=3)
EVIDENCE = Evidence(evaluated=[EVALUATED] * 2, groups={"slots": slice(0, 2)})


class Indifferent:
    """A guide and its own opinion, without a base class."""

    def fit(self, evidence: Evidence, rng: np.random.Generator) -> Indifferent:
        return self

    def merit(self, children: Sequence[Child]) -> np.ndarray:
        return np.zeros(len(children))

    def promise(self, children: Sequence[Child]) -> np.ndarray:
        return np.zeros(len(children))


def test_a_guide_is_what_has_its_method() -> None:
    assert isinstance(Indifferent(), Guide)
    assert isinstance(GaussianProcessGuide(), Guide)
    assert not isinstance(object(), Guide)


def test_an_opinion_is_what_has_its_methods() -> None:
    rng = np.random.default_rng(0)
    assert isinstance(Indifferent(), Opinion)
    assert isinstance(GaussianProcessGuide().fit(EVIDENCE, rng), Opinion)
    assert not isinstance(GaussianProcessGuide(), Opinion)


@pytest.mark.parametrize(
    ("thing", "field"), [(CHILD, "identity"), (EVALUATED, "merit"), (EVIDENCE, "running")]
)
def test_what_guides_are_shown_is_frozen(thing: object, field: str) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError, match=field):
        setattr(thing, field, None)


def test_without_saying_so_nothing_runs_and_nothing_failed() -> None:
    assert (EVIDENCE.running, EVIDENCE.failed) == ((), ())
