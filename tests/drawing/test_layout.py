"""Nodes stand below and right of what they read, each in a row of its own."""

from __future__ import annotations

from itertools import pairwise

import pytest

from optuna_xmcnas.drawing.layout import BOX_HEIGHT
from optuna_xmcnas.drawing.layout import edge
from optuna_xmcnas.drawing.layout import place_nodes
from optuna_xmcnas.drawing.layout import ROW_HEIGHT
from optuna_xmcnas.genome import Genome
from tests.drawing.genomes import CHAIN
from tests.drawing.genomes import families
from tests.drawing.genomes import STAR


@pytest.mark.parametrize("genome", [CHAIN, STAR, *(child for child, _ in families(20))], ids=str)
def test_rows_and_columns(genome: Genome) -> None:
    places = place_nodes(genome, [80.0] * (genome.n_layers + 1), left=10, top=20)
    rows = sorted(place.y for place in places)
    assert rows[0] == places[0].y == 20
    assert {below - above for above, below in pairwise(rows)} == {ROW_HEIGHT}
    for position, node in enumerate(genome.nodes, start=1):
        place, source = places[position], places[node.source]
        assert place.x > source.x
        assert place.y > source.y
        begin, corner, end = edge(source, place)
        assert begin == (corner[0], source.y + BOX_HEIGHT)
        assert source.x < corner[0] < place.x
        assert end == (place.x, corner[1]) == (place.x, place.middle)


def test_a_deep_genome_is_indented_less() -> None:
    deep = Genome.from_text(" ".join(f"{i}:conv3({i - 1})" for i in range(1, 21)))
    for genome, widest in ((CHAIN, 6 * 40), (deep, 20 * 27)):
        places = place_nodes(genome, [80.0] * (genome.n_layers + 1), left=0, top=0)
        assert max(place.x for place in places) <= widest
