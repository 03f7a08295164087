"""A drawing shows every node once, below what it reads."""

from __future__ import annotations

import numpy as np
import pytest

from optuna_xmcnas import GenomeSpace
from optuna_xmcnas.drawing import draw_text


@pytest.mark.parametrize("seed", range(5))
def test_every_node_appears_once(seed: int) -> None:
    genome = GenomeSpace().random(np.random.default_rng(seed))
    lines = draw_text(genome).splitlines()
    assert lines[0] == "embedding"
    shown = {line.lstrip("│├└─ ") for line in lines[1:]}
    assert shown == {f"{i} {node.op}" for i, node in enumerate(genome.nodes, start=1)}


@pytest.mark.parametrize("seed", range(5))
def test_a_node_is_indented_once_more_than_its_source(seed: int) -> None:
    genome = GenomeSpace().random(np.random.default_rng(seed))
    depth = {0: -4}
    for line in draw_text(genome).splitlines()[1:]:
        text = line.lstrip("│├└─ ")
        depth[int(text.split()[0])] = len(line) - len(text) - 4
    for position, node in enumerate(genome.nodes, start=1):
        assert depth[position] == depth[node.source] + 4


def test_weights_stand_in_one_column() -> None:
    genome = GenomeSpace().random(np.random.default_rng(3))
    share = 1 / genome.n_layers
    lines = draw_text(genome, [share] * genome.n_layers).splitlines()[1:]
    assert len({line.index(f"{share:.2f}") for line in lines}) == 1
